// A log directory that fails while the broker runs, or that cannot be read when it starts: what becomes of its partitions.
#include "broker_fixture.hpp"

#include <weir/protocol/messages/alter_replica_log_dirs.hpp>
#include <weir/protocol/messages/describe_log_dirs.hpp>
#include <weir/protocol/messages/describe_topic_partitions.hpp>
#include <weir/protocol/messages/find_coordinator.hpp>
#include <weir/protocol/messages/list_offsets.hpp>
#include <weir/protocol/messages/metadata.hpp>

#include <map>
#include <set>

using namespace weir;
using namespace weir::broker;
using namespace weir::broker::test;
using namespace weir::protocol;

namespace {

/// The metadata is in /data; "orders" has two partitions in each directory.
struct failing_directory : broker_fixture {
    explicit failing_directory(std::uint64_t seed = 1) : broker_fixture(seed) { overrides = {"log.dirs=/data,/other"}; }

    using partition_row = metadata_response::metadata_response_partition;
    static std::map<std::int32_t, partition_row> ask(wire_client& client, const std::string& topic) {
        metadata_request request;
        request.topics.emplace().emplace_back().name = topic;
        request.allow_auto_topic_creation = false;
        std::map<std::int32_t, partition_row> rows;
        const auto answer = client.call(request, 12);
        for (const auto& each : answer.topics.at(0).partitions) rows[each.partition_index] = each;
        return rows;
    }
    static describe_log_dirs_response::describe_log_dirs_result row_of(wire_client& client, const std::string& path) {
        describe_log_dirs_request every;
        every.topics = std::nullopt;
        for (const auto& each : client.call(every, 4).results)
            if (each.log_dir == path) return each;
        FAIL(path << " is not told of");
        return {};
    }
    static std::set<std::int32_t> lying_in(wire_client& client, const std::string& path, const std::string& topic) {
        std::set<std::int32_t> found;
        for (const auto& each : row_of(client, path).topics)
            if (each.name == topic)
                for (const auto& part : each.partitions)
                    if (!part.is_future_key) found.insert(part.partition_index);
        return found;
    }
    void write(wire_client& client, std::int32_t partition, const std::string& value) {
        REQUIRE(produce(client, "orders", partition, {value}).error_code == 0);
        acknowledged[partition].push_back(value);
    }
    void check_content(wire_client& client) {
        for (const auto& [partition, values] : acknowledged) {
            const auto found = read_all(client, "orders", partition);
            std::size_t at = 0;  // what was never acknowledged may be there between
            for (const auto& value : values) {
                while (at < found.size() && found[at].second != value) ++at;
                CHECK_MESSAGE(at++ < found.size(), value);
            }
        }
    }
    std::int16_t list_end(wire_client& client, std::int32_t partition) {
        list_offsets_request request;
        auto& topic = request.topics.emplace_back();
        topic.name = "orders";
        auto& part = topic.partitions.emplace_back();
        part.partition_index = partition;
        part.timestamp = -1;
        return client.call(request, 5).topics.at(0).partitions.at(0).error_code;
    }
    std::int16_t fetch(wire_client& client, std::int32_t partition) {
        return client.call(fetch_of("orders", partition, 0), 11).responses.at(0).partitions.at(0).error_code;
    }
    /// The next sync of a file of "orders" in /other fails.
    void fail(wire_client& client) {
        world.disk(machine).fail_next_sync(errc::io_error, "/other/orders-");
        CHECK(produce(client, "orders", *in_other.begin(), {"never"}).error_code ==
              wire_code(errc::kafka_storage_error));
        world.run_for(100ms);
    }
    void prepare(wire_client& client) {
        REQUIRE(create_topic(client, "orders", 4) == 0);
        for (const int partition : {0, 1, 2, 3}) write(client, partition, "before" + std::to_string(partition));
        in_other = lying_in(client, "/other", "orders");
        REQUIRE(in_other.size() == 2);
    }
    std::map<std::int32_t, std::vector<std::string>> acknowledged;
    std::set<std::int32_t> in_other;
};

}  // namespace

TEST_CASE("partitions of a log directory that fails have no leader until it is well again, and the others go on") {
    failing_directory here;
    log_watch log;
    here.start();
    auto client = here.connect();
    here.prepare(client);
    std::int32_t epoch = 0;
    for (const auto& [index, row] : failing_directory::ask(client, "orders")) {
        CHECK(row.leader_id == 1);
        epoch = row.leader_epoch;
    }
    here.fail(client);

    for (const auto& [index, row] : failing_directory::ask(client, "orders")) {
        CAPTURE(index);
        const bool lost = here.in_other.contains(index);
        CHECK(row.leader_id == (lost ? -1 : 1));
        CHECK(row.error_code == wire_code(lost ? errc::leader_not_available : errc::none));
        CHECK(row.leader_epoch == (lost ? epoch + 1 : epoch));
        CHECK(row.replica_nodes == std::vector<std::int32_t>{1});
        CHECK(row.offline_replicas == (lost ? std::vector<std::int32_t>{1} : std::vector<std::int32_t>{}));
        const auto refused = wire_code(lost ? errc::kafka_storage_error : errc::none);
        CHECK(here.produce(client, "orders", index, {"while it is offline"}).error_code == refused);
        CHECK(here.fetch(client, index) == refused);
        CHECK(here.list_end(client, index) == refused);
    }
    describe_topic_partitions_request pages;
    pages.topics.emplace_back().name = "orders";
    const auto page = client.call(pages, 0);
    for (const auto& row : page.topics.at(0).partitions) {
        const bool lost = here.in_other.contains(row.partition_index);
        CHECK(row.leader_id == (lost ? -1 : 1));
        CHECK(row.offline_replicas.size() == (lost ? 1 : 0));
    }
    const auto failed = failing_directory::row_of(client, "/other");
    CHECK(failed.error_code == wire_code(errc::kafka_storage_error));
    CHECK(failed.topics.empty());

    REQUIRE(broker_fixture::create_topic(client, "new", 3) == 0);
    CHECK(failing_directory::lying_in(client, "/data", "new") == std::set<std::int32_t>{0, 1, 2});
    for (const auto& [index, row] : failing_directory::ask(client, "new")) CHECK(row.leader_id == 1);
    CHECK(here.produce(client, "new", 2, {"a"}).error_code == 0);
    CHECK_FALSE(here.failure);
    CHECK(log.count("log directory /other has failed") == 1);
    CHECK(log.count("was not told") == 0);

    client.hang_up();
    SUBCASE("after a stop") { here.stop(); }
    SUBCASE("after a kill") { here.kill(); }
    SUBCASE("after a power cut") { here.power_cut(); }
    here.start();
    auto after = here.connect();
    for (const auto& [index, row] : failing_directory::ask(after, "orders")) {
        CHECK(row.leader_id == 1);
        CHECK(row.error_code == 0);
        CHECK(row.offline_replicas.empty());
    }
    here.check_content(after);
    for (const int partition : {0, 1, 2, 3}) here.write(after, partition, "again" + std::to_string(partition));
    here.check_content(after);
}

TEST_CASE("partitions of a log directory that cannot be read at a start have no leader, and one once it can") {
    failing_directory here;
    log_watch quiet;
    here.start();
    auto client = here.connect();
    here.prepare(client);
    client.hang_up();
    SUBCASE("after a stop") { here.stop(); }
    SUBCASE("after a power cut") { here.power_cut(sim::unsynced::lost); }
    here.world.disk(here.machine).inject({sim::disk_operation::open, errc::io_error, "/other/", 0, 1'000'000});
    here.start();
    auto during = here.connect();
    for (const auto& [index, row] : failing_directory::ask(during, "orders")) {
        CAPTURE(index);
        CHECK(row.leader_id == (here.in_other.contains(index) ? -1 : 1));
        CHECK((here.produce(during, "orders", index, {"x"}).error_code == 0) == !here.in_other.contains(index));
    }
    REQUIRE(broker_fixture::create_topic(during, "new", 2) == 0);
    CHECK(failing_directory::lying_in(during, "/data", "new").size() == 2);
    here.world.run_for(9min);
    for (const auto index : here.in_other) CHECK(here.fetch(during, index) == wire_code(errc::kafka_storage_error));
    during.hang_up();
    here.stop();
    here.world.disk(here.machine).clear_faults();
    here.start();
    auto after = here.connect();
    for (const auto* topic : {"orders", "new"})
        for (const auto& [index, row] : failing_directory::ask(after, topic)) CHECK(row.leader_id == 1);
    here.check_content(after);
}

TEST_CASE(
    "after a power cut at any moment of a creation no partition begins anew beside the one in a directory that cannot "
    "be read") {
    for (std::uint64_t until = 0; until < 40; ++until) {
        CAPTURE(until);
        log_watch log;
        failing_directory here{until + 1};
        here.start();
        {
            auto client = here.connect();
            here.prepare(client);
            here.world.disk(here.machine).stop_after(until);
            create_topics_request request;
            auto& topic = request.topics.emplace_back();
            topic.name = "late";
            topic.num_partitions = 4;
            topic.replication_factor = 1;
            client.send(request, 7);
            here.world.run_for(1s);
        }
        here.power_cut();
        auto& disk = here.world.disk(here.machine);
        disk.inject({sim::disk_operation::open, errc::io_error, "/other/", 0, 1'000'000});
        here.start();
        {
            auto during = here.connect();
            const auto readable = failing_directory::lying_in(during, "/data", "late");
            for (const auto& [index, row] : failing_directory::ask(during, "late")) {
                const auto code = here.produce(during, "late", index, {"x"}).error_code;
                CHECK(code == wire_code(readable.contains(index) ? errc::none : errc::kafka_storage_error));
            }
        }
        here.stop();
        disk.clear_faults();
        here.start();
        auto after = here.connect();
        CAPTURE(log.all());
        for (const auto* topic : {"orders", "late"})
            for (const auto& [index, row] : failing_directory::ask(after, topic)) {
                CHECK(row.leader_id == 1);
                CHECK(here.produce(after, topic, index, {"y"}).error_code == 0);
            }
        here.check_content(after);
        CHECK(log.count("is in two log directories") == 0);
        CHECK(log.count("begins anew") == 0);
    }
}

TEST_CASE("a partition that has moved is with the directory it moved to") {
    failing_directory here;
    log_watch quiet;
    here.start();
    auto client = here.connect();
    here.prepare(client);
    const auto move = [&](std::int32_t partition, const std::string& path) {
        alter_replica_log_dirs_request request;
        auto& into = request.dirs.emplace_back();
        into.path = path;
        auto& named = into.topics.emplace_back();
        named.name = "orders";
        named.partitions = {partition};
        REQUIRE(client.call(request, 2).results.at(0).partitions.at(0).error_code == 0);
        for (int i = 0; i < 50 && !failing_directory::lying_in(client, path, "orders").contains(partition); ++i)
            here.world.run_for(100ms);
        REQUIRE(failing_directory::lying_in(client, path, "orders").contains(partition));
        here.world.run_for(100ms);
    };
    const auto away = *here.in_other.rbegin();
    const auto stays = *here.in_other.begin();
    const auto arrives = here.in_other.contains(0) ? 1 : 0;
    REQUIRE_FALSE(here.in_other.contains(arrives));
    move(away, "/data");
    move(arrives, "/other");
    here.fail(client);
    for (const auto& [index, row] : failing_directory::ask(client, "orders")) {
        CAPTURE(index);
        CHECK(row.leader_id == (index == stays || index == arrives ? -1 : 1));
    }
}

TEST_CASE("a group whose partition of offsets lay in a directory that failed has no coordinator") {
    failing_directory here;
    log_watch quiet;
    here.start();
    auto client = here.connect();
    here.prepare(client);
    find_coordinator_request request;
    request.coordinator_keys = {"a", "b", "c", "d", "e", "f", "g", "h"};
    for (const auto& each : client.call(request, 4).coordinators) REQUIRE(each.error_code == 0);
    here.world.run_for(1s);
    const auto lost = failing_directory::lying_in(client, "/other", "__consumer_offsets").size();
    REQUIRE(lost == 2);
    here.fail(client);
    std::size_t without = 0;
    for (const auto& each : client.call(request, 4).coordinators)
        without += each.error_code == wire_code(errc::coordinator_not_available);
    CHECK(without > 0);
    CHECK(without < request.coordinator_keys.size());
}

TEST_CASE("a broker without its metadata's directory, or without any, ends and says which") {
    failing_directory here;
    log_watch quiet;
    std::string says;
    std::vector<std::string> fail{"/data/orders-"};
    SUBCASE("the one with the metadata") { says = "log directory /data, which holds the metadata, has failed"; }
    SUBCASE("every one") {
        here.overrides.emplace_back("metadata.log.dir=/metadata");
        fail.emplace_back("/other/orders-");
        says = "every log directory has failed: /data, /other";
    }
    here.start();
    auto client = here.connect();
    here.prepare(client);
    for (const auto& path : fail) {
        CHECK_FALSE(here.failure);
        here.world.disk(here.machine).fail_next_sync(errc::io_error, path);
        const bool other = path.starts_with("/other");
        for (const int partition : {0, 1, 2, 3})
            if (here.in_other.contains(partition) == other)
                client.send(broker_fixture::produce_of("orders", partition, here.batch({"lost"})), 9);
        here.world.run_for(1s);
    }
    CHECK(here.failure.message().find(says) != std::string::npos);
    client.hang_up();
    here.kill();
    here.failure = {};
    here.start();
    auto after = here.connect();
    here.check_content(after);
}
