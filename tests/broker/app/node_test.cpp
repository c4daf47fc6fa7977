#include "broker_fixture.hpp"

#include <weir/protocol/messages/api_versions.hpp>
#include <weir/protocol/messages/delete_topics.hpp>
#include <weir/protocol/messages/find_coordinator.hpp>
#include <weir/protocol/messages/incremental_alter_configs.hpp>
#include <weir/protocol/messages/join_group.hpp>
#include <weir/protocol/messages/list_offsets.hpp>
#include <weir/protocol/messages/offset_commit.hpp>
#include <weir/protocol/messages/offset_fetch.hpp>
#include <weir/protocol/messages/sync_group.hpp>

using namespace weir;
using namespace weir::broker;
using namespace weir::broker::test;
using namespace weir::protocol;

namespace {

using pairs = std::vector<std::pair<std::int64_t, std::string>>;

std::int64_t list_offset(wire_client& client, const std::string& topic, std::int64_t timestamp) {
    list_offsets_request request;
    request.replica_id = -1;
    auto& asked = request.topics.emplace_back();
    asked.name = topic;
    asked.partitions.emplace_back().timestamp = timestamp;
    const auto answer = client.call(request, 7);
    const auto& part = answer.topics.at(0).partitions.at(0);
    CHECK(part.error_code == 0);
    return part.offset;
}

void find_coordinator(wire_client& client, const std::string& group) {
    find_coordinator_request request;
    request.coordinator_keys = {group};
    const auto answer = client.call(request, 4);
    const auto& found = answer.coordinators.at(0);
    CHECK(found.error_code == 0);
    CHECK(found.node_id == 1);
    CHECK(found.host == "broker");
    CHECK(found.port == 9092);
}

/// Joins `group` alone and returns member id and generation.
std::pair<std::string, std::int32_t> join_alone(wire_client& client, const std::string& group) {
    find_coordinator(client, group);
    join_group_request request;
    request.group_id = group;
    request.session_timeout_ms = 30000;
    request.rebalance_timeout_ms = 30000;
    request.protocol_type = "consumer";
    auto& way = request.protocols.emplace_back();
    way.name = "range";
    way.metadata = to_bytes("subscription");
    auto joined = client.call(request, 7);
    while (joined.error_code == wire_code(errc::coordinator_load_in_progress)) joined = client.call(request, 7);
    REQUIRE(joined.error_code == wire_code(errc::member_id_required));
    request.member_id = joined.member_id;
    joined = client.call(request, 7);
    REQUIRE(joined.error_code == 0);
    CHECK(joined.leader == joined.member_id);
    sync_group_request sync;
    sync.group_id = group;
    sync.generation_id = joined.generation_id;
    sync.member_id = joined.member_id;
    sync.protocol_type = "consumer";
    sync.protocol_name = "range";
    auto& share = sync.assignments.emplace_back();
    share.member_id = joined.member_id;
    share.assignment = to_bytes("all of it");
    const auto synced = client.call(sync, 5);
    REQUIRE(synced.error_code == 0);
    CHECK(as_text(synced.assignment) == "all of it");
    return {joined.member_id, joined.generation_id};
}

std::int16_t commit_offset(wire_client& client, const std::string& group, const std::pair<std::string, std::int32_t>& member, std::int64_t offset) {
    offset_commit_request request;
    request.group_id = group;
    request.member_id = member.first;
    request.generation_id_or_member_epoch = member.second;
    auto& topic = request.topics.emplace_back();
    topic.name = "orders";
    auto& part = topic.partitions.emplace_back();
    part.committed_offset = offset;
    return client.call(request, 8).topics.at(0).partitions.at(0).error_code;
}

std::int64_t committed_offset(wire_client& client, const std::string& group) {
    offset_fetch_request request;
    auto& asked = request.groups.emplace_back();
    asked.group_id = group;
    auto& topic = asked.topics->emplace_back();
    topic.name = "orders";
    topic.partition_indexes = {0};
    for (int tries = 0;; ++tries) {
        const auto answer = client.call(request, 8);
        if (answer.groups.at(0).error_code == wire_code(errc::coordinator_load_in_progress) && tries < 100) continue;
        REQUIRE(answer.groups.at(0).error_code == 0);
        return answer.groups.at(0).topics.at(0).partitions.at(0).committed_offset;
    }
}

}  // namespace

TEST_CASE_FIXTURE(broker_fixture, "an empty disk is formatted, and serves a topic and a group") {
    start();
    CHECK(node->cluster_id().size() == 22);
    REQUIRE(node->listeners().size() == 1);
    CHECK(node->listeners()[0].advertised == endpoint{"broker", 9092});
    auto client = connect();
    REQUIRE_FALSE(client.closed());
    CHECK(create_topic(client, "orders", 2) == 0);
    CHECK(create_topic(client, "orders", 2) == wire_code(errc::topic_already_exists));

    const auto first = produce(client, "orders", 0, {"a", "b"});
    CHECK(first.error_code == 0);
    CHECK(first.base_offset == 0);
    CHECK(produce(client, "orders", 0, {"c"}).base_offset == 2);
    CHECK(produce(client, "orders", 1, {"z"}).base_offset == 0);
    CHECK(produce(client, "orders", 5, {"?"}).error_code == wire_code(errc::unknown_topic_or_partition));
    CHECK(read_all(client, "orders", 0) == pairs{{0, "a"}, {1, "b"}, {2, "c"}});
    CHECK(read_all(client, "orders", 1) == pairs{{0, "z"}});
    CHECK(list_offset(client, "orders", -2) == 0);
    CHECK(list_offset(client, "orders", -1) == 3);

    const auto member = join_alone(client, "readers");
    CHECK(committed_offset(client, "readers") == -1);
    CHECK(commit_offset(client, "readers", member, 2) == 0);
    CHECK(committed_offset(client, "readers") == 2);
}

TEST_CASE_FIXTURE(broker_fixture, "a partition of offsets that could not be opened when it was elected serves its groups once it can") {
    overrides = {"log.retention.check.interval.ms=5000"};
    start();
    auto client = connect();
    REQUIRE(create_topic(client, "orders", 1) == 0);
    auto& disk = world.disk(machine);
    disk.inject({sim::disk_operation::write, errc::no_space, "/data/__consumer_offsets-", 0, 1'000'000});
    find_coordinator(client, "readers");
    CHECK(commit_offset(client, "readers", {"", -1}, 1) == wire_code(errc::not_coordinator));
    SUBCASE("by the round that tries it again") {
        disk.clear_faults();
        world.run_for(6s);
    }
    SUBCASE("or because the settings of its topic changed") {
        disk.clear_faults();
        incremental_alter_configs_request change;
        auto& resource = change.resources.emplace_back();
        resource.resource_type = 2;
        resource.resource_name = "__consumer_offsets";
        auto& config = resource.configs.emplace_back();
        config.name = "segment.bytes";
        config.value = "1048576";
        REQUIRE(client.call(change, 1).responses.at(0).error_code == 0);
        world.run_for(1s);
    }
    REQUIRE(commit_offset(client, "readers", {"", -1}, 7) == 0);
    CHECK(committed_offset(client, "readers") == 7);
}

TEST_CASE_FIXTURE(broker_fixture, "ApiVersions tells what is served, in every version, and in one nobody knows") {
    start();
    auto client = connect();
    for (std::int16_t version = 0; version <= 4; ++version) {
        CAPTURE(version);
        api_versions_request request;
        request.client_software_name = "test-client";
        request.client_software_version = "1.0";
        const auto answer = client.call(request, version);
        CHECK(answer.error_code == 0);
        CHECK(answer.api_keys.size() > 30);
        std::int16_t before = -1;
        for (const auto& each : answer.api_keys) {
            CHECK(each.api_key > before);
            before = each.api_key;
            CHECK(each.min_version <= each.max_version);
            if (each.api_key == 0) CHECK(each.min_version == 0);  // for old librdkafka
            if (each.api_key == 1) CHECK(each.min_version == 4);
        }
        CHECK(answer.finalized_features.empty() == (version < 3));
    }
    api_versions_request request;
    request.client_software_name = "not a name!";
    request.client_software_version = "1.0";
    CHECK(client.call(request, 3).error_code == wire_code(errc::invalid_request));

    // Version 99: whatever follows the header is not looked at, and the answer is in version 0.
    protocol::writer out;
    out.number(std::int32_t{0});
    out.number(std::int16_t{18});
    out.number(std::int16_t{99});
    out.number(std::int32_t{4711});
    out.number(std::int16_t{-1});
    out.number(std::int8_t{0});  // tags of the header
    out.raw(as_bytes("\x01\x02\x03"));
    out.patch(0, static_cast<std::int32_t>(out.size()) - 4);
    client.send_raw(*out.take_bytes());
    const auto answer = client.receive<api_versions_request>(4711, 0);
    REQUIRE(answer);
    CHECK(answer->error_code == wire_code(errc::unsupported_version));
    REQUIRE(answer->api_keys.size() == 1);
    CHECK(answer->api_keys[0].api_key == 18);
    CHECK(answer->api_keys[0].max_version == 4);
}

TEST_CASE_FIXTURE(broker_fixture, "pipelined produce requests are answered in their order, acks=0 not at all") {
    start();
    auto client = connect();
    REQUIRE(create_topic(client, "orders", 4) == 0);
    world.disk(machine).set_sync_delay(20ms);
    std::vector<std::int32_t> sent;
    for (int i = 0; i < 40; ++i) {
        sent.push_back(client.send(produce_of("orders", i % 4, batch({std::to_string(i)})), 9));
        if (i % 5 == 0) client.send(produce_of("orders", i % 4, batch({"unheard"}), 0), 9);
    }
    std::map<std::int32_t, std::int64_t> last;
    for (std::size_t i = 0; i < sent.size(); ++i) {
        const auto answer = client.receive<produce_request>(sent[i], 9);
        REQUIRE(answer);
        const auto& part = answer->responses.at(0).partition_responses.at(0);
        CHECK(part.error_code == 0);
        if (last.contains(part.index)) CHECK(part.base_offset > last[part.index]);
        last[part.index] = part.base_offset;
    }
    world.run_for(1s);
    CHECK(client.waiting_frames() == 0);
    std::size_t total = 0;
    for (int partition = 0; partition < 4; ++partition) total += read_all(client, "orders", partition).size();
    CHECK(total == 48);
}

TEST_CASE_FIXTURE(broker_fixture, "all cores together keep as many fetch sessions as the broker may") {
    overrides = {"max.incremental.fetch.session.cache.slots=4"};
    start();
    std::vector<std::unique_ptr<wire_client>> clients;
    for (int i = 0; i < 10; ++i) clients.push_back(std::make_unique<wire_client>(world, desk, endpoint{"broker", 9092}));
    REQUIRE(create_topic(*clients[0], "orders", 1) == 0);
    std::size_t sessions = 0;
    for (const auto& client : clients) {
        auto request = fetch_of("orders", 0, 0);
        request.session_epoch = 0;
        sessions += client->call(request, 11).session_id != 0;
    }
    CHECK(sessions == 4);
}

TEST_CASE_FIXTURE(broker_fixture, "delete.topic.enable=false refuses deletion, in words that the version of the request has") {
    overrides = {"delete.topic.enable=false"};
    start();
    auto client = connect();
    REQUIRE(create_topic(client, "orders", 1) == 0);
    for (std::int16_t version = 1; version <= 6; ++version) {
        CAPTURE(version);
        delete_topics_request request;
        request.timeout_ms = 30000;
        if (version < 6) request.topic_names = {"orders", "nobody"};
        else
            for (const auto* name : {"orders", "nobody"}) request.topics.emplace_back().name = name;
        const auto answer = client.call(request, version);
        REQUIRE(answer.responses.size() == 2);
        CHECK(answer.responses[0].name == "orders");
        CHECK(answer.responses[1].name == "nobody");
        for (const auto& each : answer.responses) {
            CHECK(each.error_code == wire_code(version < 3 ? errc::invalid_request : errc::topic_deletion_disabled));
            if (version >= 5) CHECK(each.error_message.value_or("").find("delete.topic.enable=false") != std::string::npos);
        }
    }
    CHECK(produce(client, "orders", 0, {"still there"}).error_code == 0);
}

TEST_CASE_FIXTURE(broker_fixture, "a clean stop leaves nothing to recover") {
    start();
    const auto cluster = node->cluster_id();
    {
        auto client = connect();
        REQUIRE(create_topic(client, "orders", 1) == 0);
        REQUIRE(produce(client, "orders", 0, {"a", "b"}).error_code == 0);
        const auto member = join_alone(client, "readers");
        REQUIRE(commit_offset(client, "readers", member, 1) == 0);
    }
    stop();
    CHECK(world.disk(machine).exists("/data/.kafka_cleanshutdown"));
    CHECK(world.disk(machine).open_files() == 0);
    start();
    CHECK(node->cluster_id() == cluster);
    CHECK_FALSE(world.disk(machine).exists("/data/.kafka_cleanshutdown"));
    auto client = connect();
    CHECK(read_all(client, "orders", 0) == pairs{{0, "a"}, {1, "b"}});
    CHECK(produce(client, "orders", 0, {"c"}).base_offset == 2);
    CHECK(committed_offset(client, "readers") == 1);
}

TEST_CASE_FIXTURE(broker_fixture, "stopping ends connections that wait, without a word left unsaid") {
    start();
    auto client = connect();
    REQUIRE(create_topic(client, "orders", 1) == 0);
    auto waiting = fetch_of("orders", 0, 0);
    waiting.max_wait_ms = 600'000;
    client.send(waiting, 11);
    world.run_for(1s);
    stop();
    world.run_for(1s);
    CHECK(client.closed());
    CHECK(connect().closed());
}

TEST_CASE_FIXTURE(broker_fixture, "the checkpoint of high watermarks names every partition, however long it has been idle") {
    start();
    auto client = connect();
    REQUIRE(create_topic(client, "orders", 2) == 0);
    REQUIRE(produce(client, "orders", 1, {"a", "b"}).error_code == 0);
    for (int i = 0; i < 3; ++i) {
        world.run_for(61s);  // log.flush.offset.checkpoint.interval.ms
        const auto file = read_file(world.disk(machine), "/data/replication-offset-checkpoint");
        REQUIRE(file);
        CHECK(as_text(*file) == "0\n2\norders 0 0\norders 1 2\n");
    }
}

TEST_CASE("a stop while the broker starts is heard, and logs that it did not come to are there at the next start") {
    int interrupted = 0;
    bool started = false;
    for (int steps = 0; !started; steps += 3) {
        CAPTURE(steps);
        broker_fixture here;
        here.start();
        {
            auto client = here.connect();
            REQUIRE(broker_fixture::create_topic(client, "orders", 12) == 0);
            for (int i = 0; i < 12; ++i) REQUIRE(here.produce(client, "orders", i, {"kept"}).error_code == 0);
        }
        if (steps % 2 == 0) here.kill();
        else here.stop();
        here.node = here.make({});
        std::optional<result<void>> outcome;
        bool stopped = false;
        here.world.loop(here.machine).post([&] { spawn(broker_fixture::run_start(*here.node, outcome)); });
        for (int i = 0; i < steps; ++i) here.world.step();
        started = outcome.has_value();
        here.world.loop(here.machine).post([&] { spawn(broker_fixture::run_stop(*here.node, stopped)); });
        REQUIRE(here.world.run_until([&] { return stopped; }, 60s));
        if (!started && outcome) {
            CHECK(outcome->code() == errc::cancelled);
            ++interrupted;
        }
        here.node.reset();
        here.new_life();
        here.start();
        auto client = here.connect();
        for (int i = 0; i < 12; ++i) {
            CHECK(broker_fixture::read_all(client, "orders", i).size() == 1);
            CHECK(here.produce(client, "orders", i, {"more"}).base_offset == 1);
        }
    }
    CHECK(interrupted > 3);
}
