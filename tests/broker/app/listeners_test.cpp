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

}  // namespace

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
