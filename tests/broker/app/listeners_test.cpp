// Several listeners: each tells its own addresses, and one for controllers tells controllers.
#include "broker_fixture.hpp"

#include <weir/protocol/messages/describe_cluster.hpp>
#include <weir/protocol/messages/describe_quorum.hpp>
#include <weir/protocol/messages/metadata.hpp>

using namespace weir;
using namespace weir::broker;
using namespace weir::broker::test;
using namespace weir::protocol;

namespace {

constexpr std::int8_t brokers = 1, controllers = 2;

struct many_listeners : broker_fixture {
    many_listeners() {
        overrides = {"listeners=PLAINTEXT://broker:9092,OUT://broker:9192,CONTROLLER://broker:9093",
                     "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,OUT:PLAINTEXT,CONTROLLER:PLAINTEXT",
                     "advertised.listeners=OUT://kafka.example:443", "controller.listener.names=CONTROLLER"};
    }
    wire_client connect_to(std::uint16_t port) { return {world, desk, endpoint{"broker", port}}; }
    static describe_cluster_response describe(wire_client& client, std::int8_t what) {
        describe_cluster_request request;
        request.endpoint_type = what;
        return client.call(request, 1);
    }
};

/// What the server.properties says that Apache Kafka 4.3 comes with, without its comments.
constexpr const char* kafkas_own = R"(
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=localhost:9093
listeners=PLAINTEXT://:9092,CONTROLLER://:9093
inter.broker.listener.name=PLAINTEXT
advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL
num.network.threads=3
num.io.threads=8
socket.send.buffer.bytes=102400
socket.receive.buffer.bytes=102400
socket.request.max.bytes=104857600
log.dirs=/tmp/kraft-combined-logs
num.partitions=1
num.recovery.threads.per.data.dir=2
offsets.topic.replication.factor=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
log.retention.hours=168
log.segment.bytes=1073741824
log.retention.check.interval.ms=300000
)";

}  // namespace

TEST_CASE_FIXTURE(many_listeners, "the server.properties that Kafka comes with starts this broker, with its map of protocols or without") {
    overrides.clear();
    properties = kafkas_own;
    SUBCASE("as it is") {}
    SUBCASE("without the map: controllers' listeners are PLAINTEXT") {
        const auto at = properties.find("listener.security.protocol.map=");
        properties.erase(at, properties.find('\n', at) + 1 - at);
    }
    start();
    auto client = connect();
    CHECK(create_topic(client, "orders", 1) == 0);
    CHECK(produce(client, "orders", 0, {"a"}).error_code == 0);
    metadata_request request;
    request.topics.emplace();
    const auto known = client.call(request, 9);
    REQUIRE(known.brokers.size() == 1);
    CHECK(known.brokers[0].host == "localhost");
    auto controller = connect_to(9093);
    CHECK(describe(controller, controllers).controller_id == 1);
}

TEST_CASE_FIXTURE(many_listeners, "clients are told the address of the listener they came by") {
    start();
    for (const auto& [port, host, told] : {std::tuple{9092, "broker", 9092}, {9192, "kafka.example", 443}}) {
        CAPTURE(port);
        auto client = connect_to(static_cast<std::uint16_t>(port));
        metadata_request request;
        request.topics.emplace();
        const auto known = client.call(request, 9);
        REQUIRE(known.brokers.size() == 1);
        CHECK(known.brokers[0].host == host);
        CHECK(known.brokers[0].port == told);
        const auto described = describe(client, brokers);
        REQUIRE(described.brokers.size() == 1);
        CHECK(described.brokers[0].host == host);
        CHECK(described.brokers[0].port == told);
        CHECK(describe(client, controllers).error_code == wire_code(errc::mismatched_endpoint_type));
    }
}

TEST_CASE_FIXTURE(many_listeners, "a controller's listener tells controllers, and serves what controllers serve") {
    start();
    auto client = connect_to(9093);
    const auto described = describe(client, controllers);
    CHECK(described.error_code == 0);
    CHECK(described.endpoint_type == controllers);
    CHECK(described.cluster_id == node->cluster_id());
    CHECK(described.controller_id == 1);
    REQUIRE(described.brokers.size() == 1);
    CHECK(described.brokers[0].broker_id == 1);
    CHECK(described.brokers[0].host == "broker");
    CHECK(described.brokers[0].port == 9093);
    CHECK(describe(client, brokers).error_code == wire_code(errc::mismatched_endpoint_type));
    describe_quorum_request quorum;
    auto& topic = quorum.topics.emplace_back();
    topic.topic_name = "__cluster_metadata";
    topic.partitions.emplace_back();
    CHECK(client.call(quorum, 1).topics.at(0).partitions.at(0).leader_id == 1);
    // What brokers alone serve ends the connection.
    metadata_request request;
    client.send(request, 9);
    CHECK_FALSE(client.next_frame(5s));
    CHECK(client.closed());
}

TEST_CASE_FIXTURE(many_listeners, "when clients fill the broker, who comes by the brokers' own listener takes the place of one of them") {
    overrides.push_back("max.connections=2");
    SUBCASE("PLAINTEXT is that listener") {}
    SUBCASE("or the one that inter.broker.listener.name names") { overrides.push_back("inter.broker.listener.name=OUT"); }
    start();
    const bool renamed = overrides.back() == "inter.broker.listener.name=OUT";
    const std::uint16_t clients = renamed ? 9092 : 9192, own = renamed ? 9192 : 9092;
    metadata_request request;
    request.topics.emplace();
    auto first = connect_to(clients);
    auto second = connect_to(clients);
    world.run_for(1s);
    CHECK(second.call(request, 9).brokers.size() == 1);
    CHECK(first.call(request, 9).brokers.size() == 1);  // so the second was used least recently
    auto waiting = connect_to(clients);
    auto operators = connect_to(own);
    CHECK(operators.call(request, 9).brokers.size() == 1);
    world.run_for(1s);
    const bool one_went = first.closed() != second.closed();  // each core has its own order
    CHECK(one_went);
    const auto asked = waiting.send(request, 9);
    CHECK_FALSE(waiting.next_frame(5s));
    operators.hang_up();
    CHECK(waiting.receive<metadata_request>(asked, 9));
}
