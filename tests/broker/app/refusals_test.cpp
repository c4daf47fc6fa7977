// What a broker refuses: requests it cannot understand, connections beyond the limits, directories that are not its own.
#include "broker_fixture.hpp"

#include <weir/protocol/messages/find_coordinator.hpp>
#include <weir/protocol/messages/incremental_alter_configs.hpp>
#include <weir/protocol/messages/init_producer_id.hpp>
#include <weir/protocol/messages/metadata.hpp>

using namespace weir;
using namespace weir::broker;
using namespace weir::broker::test;
using namespace weir::protocol;

namespace {

/// A frame with the header of `key` and `version`, a null client id, and `body` as it is.
bytes frame_of(std::int16_t key, std::int16_t version, std::string_view body, bool flexible = false) {
    writer out;
    out.number(std::int32_t{0});
    out.number(key);
    out.number(version);
    out.number(std::int32_t{1});
    out.number(std::int16_t{-1});
    if (flexible) out.number(std::int8_t{0});
    out.raw(as_bytes(body));
    out.patch(0, static_cast<std::int32_t>(out.size()) - 4);
    return *out.take_bytes();
}

constexpr std::int16_t produce_key = 0;
constexpr std::int16_t metadata_key = 3;
constexpr std::int16_t leader_and_isr_key = 4;
constexpr std::int16_t describe_acls_key = 29;

}  // namespace

TEST_CASE_FIXTURE(broker_fixture, "a client that sends what cannot be understood is disconnected, with one line that says who, what and why") {
    start();
    auto other = connect();
    REQUIRE(create_topic(other, "orders", 1) == 0);
    struct bad {
        bytes sent;
        std::string_view told;
    };
    const bad all[] = {
        {to_bytes("GET / HTTP/1.0\r\n\r\n"), "frame: size 1195725856 is not between 0 and socket.request.max.bytes=104857600"},
        {to_bytes(std::string_view{"\xff\xff\xff\xff", 4}), "frame: size -1 is not between"},
        {to_bytes(std::string_view{"\0\0\0\3abc", 7}), "frame of 3 bytes: MALFORMED: a request of 3 bytes is too short for a header"},
        {frame_of(leader_and_isr_key, 7, ""), "there is no API with key 4"},
        {frame_of(describe_acls_key, 1, ""), "DescribeAcls: version 1 is not served here"},
        {frame_of(produce_key, 2, ""), "Produce: UNSUPPORTED_VERSION: Produce has no version 2, only 3 to 13"},
        {frame_of(metadata_key, 9, ""), "Metadata: MALFORMED: RequestHeader version 2"},
        {frame_of(metadata_key, 9, "\xff\xff\xff\xff\x0f", true), "Metadata: MALFORMED: MetadataRequest version 9: field topics"},
    };
    for (const auto& each : all) {
        CAPTURE(each.told);
        log_watch lines;
        auto client = connect();
        client.send_raw(each.sent);
        CHECK_FALSE(client.next_frame(5s));
        CHECK(client.closed());
        CHECK_MESSAGE(lines.count(each.told) == 1, lines.all());
        CHECK(lines.count("disconnecting client:") == 1);
        CHECK(lines.count(" on listener PLAINTEXT: ") == 1);
        CHECK(lines.count("") == 1);
    }
    CHECK_FALSE(other.closed());
    CHECK(produce(other, "orders", 0, {"still served"}).error_code == 0);
}

TEST_CASE_FIXTURE(broker_fixture, "a client that sends garbage again and again does not fill the log") {
    start();
    log_watch lines;
    for (int i = 0; i < 200; ++i) {
        auto client = connect();
        client.send_raw(frame_of(produce_key, 2, ""));
        CHECK_FALSE(client.next_frame(5s));
    }
    CHECK(lines.count("Produce has no version 2") >= 10);
    CHECK(lines.count("Produce has no version 2") < 40);  // ten for each of two cores, and the seconds that pass
}

TEST_CASE_FIXTURE(broker_fixture, "large requests that are announced and never sent keep nobody else waiting") {
    overrides = {"queued.max.request.bytes=67108864"};
    start();
    std::vector<std::unique_ptr<wire_client>> silent;
    for (int i = 0; i < 12; ++i) {
        silent.push_back(std::make_unique<wire_client>(world, desk, endpoint{"broker", 9092}));
        silent.back()->send_raw(to_bytes(std::string_view{"\x05\0\0\0half a header", 17}));
    }
    world.run_for(1s);
    auto client = connect();
    REQUIRE(create_topic(client, "orders", 1) == 0);
    CHECK(produce(client, "orders", 0, {"served"}).error_code == 0);
}

TEST_CASE_FIXTURE(broker_fixture, "what was asked before the garbage is answered before the end") {
    start();
    auto client = connect();
    metadata_request request;
    request.topics.emplace();
    const auto asked = client.send(request, 9);
    client.send_raw(frame_of(produce_key, 2, ""));
    CHECK(client.receive<metadata_request>(asked, 9));
    CHECK_FALSE(client.next_frame(5s));
    CHECK(client.closed());
}

TEST_CASE_FIXTURE(broker_fixture, "a connection beyond max.connections waits, and is served when another has left") {
    overrides = {"max.connections=2"};
    start();
    metadata_request request;
    request.topics.emplace();
    auto first = connect();
    auto second = std::make_unique<wire_client>(world, desk, endpoint{"broker", 9092});
    log_watch lines;
    auto third = connect();
    const auto asked = third.send(request, 9);
    CHECK_FALSE(third.next_frame(5s));
    CHECK_FALSE(third.closed());
    CHECK(first.call(request, 9).brokers.size() == 1);
    CHECK_MESSAGE(lines.count("max.connections=2 is reached") == 1, lines.all());
    second.reset();
    CHECK(third.receive<metadata_request>(asked, 9));
    CHECK_FALSE(first.closed());
}

TEST_CASE_FIXTURE(broker_fixture, "who gives up waiting leaves no place behind, and those who wait do not hold up a stop") {
    overrides = {"max.connections=1"};
    start();
    metadata_request request;
    request.topics.emplace();
    auto first = std::make_unique<wire_client>(world, desk, endpoint{"broker", 9092});
    auto gone = std::make_unique<wire_client>(world, desk, endpoint{"broker", 9092});
    auto third = connect();
    auto fourth = connect();
    gone.reset();
    first.reset();
    const auto asked = third.send(request, 9);
    CHECK(third.receive<metadata_request>(asked, 9));
    CHECK_FALSE(fourth.closed());
    stop();
    world.run_for(1s);
    CHECK(fourth.closed());
}

TEST_CASE_FIXTURE(broker_fixture, "connections that are used least make room when max.connections is lowered") {
    start();
    metadata_request request;
    request.topics.emplace();
    std::vector<std::unique_ptr<wire_client>> clients;
    for (int i = 0; i < 6; ++i) clients.push_back(std::make_unique<wire_client>(world, desk, endpoint{"broker", 9092}));
    world.run_for(1s);
    for (const int used : {4, 5}) clients[static_cast<std::size_t>(used)]->call(request, 9);
    incremental_alter_configs_request lower;
    auto& resource = lower.resources.emplace_back();
    resource.resource_type = 4;
    auto& change = resource.configs.emplace_back();
    change.name = "max.connections";
    change.value = "2";
    REQUIRE(clients[5]->call(lower, 1).responses.at(0).error_code == 0);
    world.run_for(1s);
    for (std::size_t i = 0; i < clients.size(); ++i) CHECK(clients[i]->closed() == (i < 4));
}

TEST_CASE_FIXTURE(broker_fixture, "max.connections and its kin change while the broker runs, and stay changed") {
    start();
    const auto set = [](wire_client& client, const std::string& name, const std::optional<std::string>& value) {
        incremental_alter_configs_request request;
        auto& resource = request.resources.emplace_back();
        resource.resource_type = 4;  // of all brokers
        auto& change = resource.configs.emplace_back();
        change.name = name;
        change.config_operation = value ? 0 : 1;
        change.value = value;
        return client.call(request, 1).responses.at(0);
    };
    {
        auto client = connect();
        CHECK(set(client, "num.io.threads", "8").error_message == "Unknown broker config name: num.io.threads (it has no effect in this broker)");
        CHECK(set(client, "ssl.keystore.location", "k").error_message == "Unknown broker config name: ssl.keystore.location (this broker does not have it)");
        CHECK(set(client, "max.connections.per.ip.overrides", "client:many").error_code == wire_code(errc::invalid_request));
        CHECK(set(client, "max.connections.per.ip", "0").error_code == wire_code(errc::invalid_request));
        REQUIRE(set(client, "max.connections.per.ip.overrides", "client:1").error_code == 0);
        CHECK(set(client, "max.connections.per.ip", "0").error_code == 0);
        CHECK(set(client, "max.connections.per.ip.overrides", std::nullopt).error_code ==
              wire_code(errc::invalid_request));
        CHECK(set(client, "max.connections.per.ip", std::nullopt).error_code == 0);
        CHECK(set(client, "log.retention.ms", "0").error_code == wire_code(errc::invalid_request));
        CHECK(set(client, "log.retention.ms", "-2").error_code == 0);
        world.run_for(1s);
        auto second = connect();
        world.run_for(1s);
        CHECK(second.closed());
    }
    stop();
    start();
    auto client = connect();
    CHECK(connect().next_frame(1s) == std::nullopt);
    REQUIRE(set(client, "max.connections.per.ip.overrides", std::nullopt).error_code == 0);
    world.run_for(1s);
    auto second = connect();
    world.run_for(1s);
    CHECK_FALSE(second.closed());

    CHECK(set(client, "max.connection.creation.rate", "0").error_code == wire_code(errc::invalid_request));
    REQUIRE(set(client, "max.connection.creation.rate", "1").error_code == 0);
    world.run_for(5s);
    auto at_once = connect();
    auto later = connect();
    metadata_request request;
    request.topics.emplace();
    const auto asked = later.send(request, 9);
    CHECK_FALSE(later.next_frame(800ms));
    CHECK(later.receive<metadata_request>(asked, 9));
    CHECK(at_once.call(request, 9).brokers.size() == 1);
}

TEST_CASE_FIXTURE(broker_fixture, "a connection that is idle for connections.max.idle.ms is closed, one that waits for an answer is not") {
    overrides = {"connections.max.idle.ms=5000"};
    start();
    auto idle = connect();
    auto waiting = connect();
    REQUIRE(create_topic(waiting, "orders", 1) == 0);
    auto patient = fetch_of("orders", 0, 0);
    patient.max_wait_ms = 60'000;
    waiting.send(patient, 11);
    world.run_for(4s);
    CHECK_FALSE(idle.closed());
    world.run_for(2s);
    CHECK(idle.closed());
    CHECK_FALSE(waiting.closed());
}

TEST_CASE_FIXTURE(broker_fixture, "a directory of another node, cluster or release is refused and not touched") {
    start();
    stop();
    auto& disk = world.disk(machine);
    std::string_view told;
    SUBCASE("another node") {
        overrides = {"node.id=2"};
        told = "/data belongs to node.id=1, the configuration says node.id=2";
    }
    SUBCASE("another cluster") {
        overrides = {"log.dirs=/data,/other"};
        REQUIRE(disk.create_directories("/other"));
        REQUIRE(replace_file(disk, "/other/meta.properties", as_bytes("version=1\ncluster.id=AAAAAAAAAAAAAAAAAAAAAQ\nnode.id=1\ndirectory.id=AAAAAAAAAAAAAAAAAAAAAg\n")));
        told = "/other belongs to cluster AAAAAAAAAAAAAAAAAAAAAQ";
    }
    SUBCASE("a newer release") {
        REQUIRE(replace_file(disk, "/data/meta.properties", as_bytes("version=2\ncluster.id=AAAAAAAAAAAAAAAAAAAAAQ\nnode.id=1\ndirectory.id=AAAAAAAAAAAAAAAAAAAAAg\n")));
        told = "/data/meta.properties has version 2, this broker reads version 1";
    }
    const auto before = disk.changes();
    const auto refused = try_start();
    REQUIRE_FALSE(refused);
    CHECK_MESSAGE(refused.error().message().find(told) != std::string::npos, refused.error().message());
    CHECK(disk.changes() == before);
}

TEST_CASE_FIXTURE(broker_fixture, "a second broker on the same directory is refused, and the first goes on") {
    start();
    auto client = connect();
    REQUIRE(create_topic(client, "orders", 1) == 0);
    const auto before = world.disk(machine).changes();
    auto second = make({"listeners=PLAINTEXT://broker:9192"});
    const auto refused = start_node(*second);
    REQUIRE_FALSE(refused);
    CHECK(refused.code() == errc::in_use);
    CHECK(refused.error().message().find("/data is used by another running broker") != std::string::npos);
    CHECK(world.disk(machine).changes() == before);
    second.reset();
    CHECK(produce(client, "orders", 0, {"a"}).error_code == 0);
}

TEST_CASE_FIXTURE(broker_fixture, "who wants transactions is told at once that there are none, with the code that ends it in each client") {
    start();
    auto client = connect();
    REQUIRE(create_topic(client, "orders", 1) == 0);
    find_coordinator_request find;
    find.key_type = 1;
    find.key = "payments";
    for (const std::int16_t version : {1, 2, 3}) {
        CAPTURE(version);
        const auto answer = client.call(find, version);
        CHECK(answer.error_code == wire_code(version < 3 ? errc::transactional_id_authorization_failed : errc::unsupported_version));
        REQUIRE(answer.error_message);
        CHECK(answer.error_message->find("does not serve transactions") != std::string::npos);
    }
    find.key.clear();
    find.coordinator_keys = {"payments", "refunds"};
    const auto several = client.call(find, 4);
    REQUIRE(several.coordinators.size() == 2);
    for (const auto& each : several.coordinators) {
        CHECK(each.error_code == wire_code(errc::unsupported_version));
        CHECK(each.node_id == -1);
        REQUIRE(each.error_message);
        CHECK(each.error_message->find("does not serve transactions") != std::string::npos);
    }
    find.key_type = 2;  // of share groups
    CHECK(client.call(find, 6).coordinators.at(0).error_code == wire_code(errc::invalid_request));

    init_producer_id_request init;
    init.transactional_id = "payments";
    init.transaction_timeout_ms = 60'000;
    CHECK(client.call(init, 4).error_code == wire_code(errc::transactional_id_authorization_failed));
    init.transactional_id = "";
    CHECK(client.call(init, 4).error_code == wire_code(errc::invalid_request));
    init.transactional_id = std::nullopt;
    const auto idempotent = client.call(init, 4);
    CHECK(idempotent.error_code == 0);

    batch_settings settings;
    settings.producer_id = idempotent.producer_id;
    settings.producer_epoch = 0;
    settings.base_sequence = 0;
    settings.transactional = true;
    auto request = produce_of("orders", 0, batch({"never ended"}, settings));
    request.transactional_id = "payments";
    const auto refused = client.call(request, 9).responses.at(0).partition_responses.at(0);
    CHECK(refused.error_code == wire_code(errc::transactional_id_authorization_failed));
    CHECK(refused.error_message == "this broker does not serve transactions");
    CHECK(produce(client, "orders", 0, {"plain"}).base_offset == 0);
}
