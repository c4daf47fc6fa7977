// AlterReplicaLogDirs: a partition goes to another log directory while it is written to and read.
#include "broker_fixture.hpp"

#include <weir/protocol/messages/alter_replica_log_dirs.hpp>
#include <weir/protocol/messages/delete_records.hpp>
#include <weir/protocol/messages/describe_log_dirs.hpp>
#include <weir/protocol/messages/incremental_alter_configs.hpp>

#include <algorithm>

using namespace weir;
using namespace weir::broker;
using namespace weir::broker::test;
using namespace weir::protocol;

namespace {

struct two_directories : broker_fixture {
    explicit two_directories(std::uint64_t seed = 1) : broker_fixture(seed) { overrides = {"log.dirs=/data,/other"}; }

    static std::int16_t move(wire_client& client, const std::string& topic, std::int32_t partition,
                             const std::string& path) {
        alter_replica_log_dirs_request request;
        auto& into = request.dirs.emplace_back();
        into.path = path;
        auto& named = into.topics.emplace_back();
        named.name = topic;
        named.partitions = {partition};
        const auto answer = client.call(request, 2);
        REQUIRE(answer.results.size() == 1);
        CHECK(answer.results[0].topic_name == topic);
        REQUIRE(answer.results[0].partitions.size() == 1);
        CHECK(answer.results[0].partitions[0].partition_index == partition);
        return answer.results[0].partitions[0].error_code;
    }
    /// Path of the live replica, and of the copy when there is one.
    static std::pair<std::string, std::string> places(wire_client& client, const std::string& topic) {
        std::pair<std::string, std::string> found;
        describe_log_dirs_request every;
        every.topics = std::nullopt;
        const auto answer = client.call(every, 4);
        for (const auto& dir : answer.results)
            for (const auto& each : dir.topics)
                if (each.name == topic)
                    for (const auto& part : each.partitions)
                        (part.is_future_key ? found.second : found.first) = dir.log_dir;
        return found;
    }
    /// Sets a setting of this broker while it runs.
    std::int16_t set(wire_client& client, const std::string& name, const std::string& value) {
        incremental_alter_configs_request request;
        auto& broker = request.resources.emplace_back();
        broker.resource_type = 4;
        broker.resource_name = "1";
        auto& each = broker.configs.emplace_back();
        each.name = name;
        each.value = value;
        const auto code = client.call(request, 1).responses.at(0).error_code;
        world.run_for(100ms);
        return code;
    }
    static std::string other_than(const std::string& path) { return path == "/data" ? "/other" : "/data"; }
    bool settle(wire_client& client, const std::string& topic) {
        for (int i = 0; i < 100; ++i) {
            if (places(client, topic).second.empty()) return true;
            world.run_for(100ms);
        }
        return false;
    }
    std::vector<std::string> folders(const std::string& directory, const std::string& of) {
        std::vector<std::string> found;
        const auto entries = world.disk(machine).list(directory);
        REQUIRE(entries);
        for (const auto& entry : *entries)
            if (entry.is_directory && entry.name.starts_with(of)) found.push_back(entry.name);
        std::sort(found.begin(), found.end());
        return found;
    }
    void write(wire_client& client, int count, std::size_t bytes = 100) {
        for (int i = 0; i < count; ++i) {
            const auto value = std::to_string(written.size()) + std::string(bytes, 'x');
            const auto answer = produce(client, "orders", 0, {value});
            REQUIRE(answer.error_code == 0);
            REQUIRE(answer.base_offset == static_cast<std::int64_t>(written.size()));
            written.push_back(value);
        }
    }
    void check_content(wire_client& client) {
        const auto found = read_all(client, "orders", 0);
        REQUIRE(found.size() >= written.size());
        for (std::size_t i = 0; i < written.size(); ++i) {
            CHECK(found[i].first == static_cast<std::int64_t>(i));
            CHECK(found[i].second == written[i]);
        }
    }
    std::vector<std::string> written;
};

}  // namespace

TEST_CASE("a partition moves to another log directory while it is written to, and stays there") {
    two_directories here;
    here.start();
    auto client = here.connect();
    REQUIRE(broker_fixture::create_topic(client, "orders", 1, {{"segment.bytes", "1048576"}}) == 0);
    here.write(client, 30, 100'000);
    const auto from = two_directories::places(client, "orders").first;
    const auto to = two_directories::other_than(from);
    CHECK(two_directories::move(client, "orders", 0, to) == 0);
    here.write(client, 20, 1000);
    REQUIRE(here.settle(client, "orders"));
    CHECK(two_directories::places(client, "orders").first == to);
    here.write(client, 5);
    here.check_content(client);
    CHECK(here.folders(to, "orders") == std::vector<std::string>{"orders-0"});
    for (const auto& left : here.folders(from, "orders")) CHECK(left.ends_with("-delete"));

    client.hang_up();
    SUBCASE("after a clean stop") { here.stop(); }
    SUBCASE("after a power cut") { here.power_cut(); }
    here.start();
    auto again = here.connect();
    CHECK(two_directories::places(again, "orders").first == to);
    here.check_content(again);
    here.write(again, 1);
}

TEST_CASE("a move is refused with the reason that Kafka gives") {
    two_directories here;
    here.start();
    auto client = here.connect();
    REQUIRE(broker_fixture::create_topic(client, "orders", 1) == 0);
    CHECK(two_directories::move(client, "orders", 0, "/nowhere") == wire_code(errc::log_dir_not_found));
    CHECK(two_directories::move(client, "orders", 7, "/other") == wire_code(errc::unknown_topic_or_partition));
    CHECK(two_directories::move(client, "missing", 0, "/other") == wire_code(errc::unknown_topic_or_partition));
    // Where it is already: nothing to do.
    const auto at = two_directories::places(client, "orders").first;
    CHECK(two_directories::move(client, "orders", 0, at) == 0);
    CHECK(two_directories::places(client, "orders") == std::pair<std::string, std::string>{at, ""});
}

TEST_CASE("naming the directory where a partition is gives up its move") {
    two_directories here;
    here.start();
    auto client = here.connect();
    REQUIRE(broker_fixture::create_topic(client, "orders", 1) == 0);
    here.write(client, 30, 900'000);
    const auto from = two_directories::places(client, "orders").first;
    const auto to = two_directories::other_than(from);
    // Flushes that never end keep the copy from taking over.
    here.world.disk(here.machine).set_sync_delay(1h);
    REQUIRE(two_directories::move(client, "orders", 0, to) == 0);
    CHECK(two_directories::places(client, "orders") == std::pair{from, to});
    CHECK(two_directories::move(client, "orders", 0, from) == 0);
    CHECK(two_directories::places(client, "orders") == std::pair<std::string, std::string>{from, ""});
    here.world.disk(here.machine).set_sync_delay(1ms);
    client.hang_up();
    here.power_cut(sim::unsynced::lost);
    here.start();
    auto again = here.connect();
    CHECK(two_directories::places(again, "orders") == std::pair<std::string, std::string>{from, ""});
    here.check_content(again);
}

TEST_CASE("records deleted while a copy is on its way stay deleted") {
    two_directories here;
    here.start();
    auto client = here.connect();
    REQUIRE(broker_fixture::create_topic(client, "orders", 1, {{"segment.bytes", "1048576"}}) == 0);
    here.write(client, 30, 300'000);
    const auto from = two_directories::places(client, "orders").first;
    REQUIRE(two_directories::move(client, "orders", 0, two_directories::other_than(from)) == 0);
    delete_records_request request;
    auto& topic = request.topics.emplace_back();
    topic.name = "orders";
    auto& part = topic.partitions.emplace_back();
    part.partition_index = 0;
    part.offset = 17;
    request.timeout_ms = 1000;
    CHECK(client.call(request, 2).topics.at(0).partitions.at(0).low_watermark == 17);
    REQUIRE(here.settle(client, "orders"));
    CHECK(two_directories::places(client, "orders").first == two_directories::other_than(from));
    const auto below = client.call(broker_fixture::fetch_of("orders", 0, 16), 11).responses.at(0).partitions.at(0);
    CHECK(below.error_code == wire_code(errc::offset_out_of_range));
    CHECK(below.log_start_offset == -1);  // beside an error nothing is said
    const auto first = client.call(broker_fixture::fetch_of("orders", 0, 17), 11);
    const auto found = weir::test::records_of(first.responses.at(0).partitions.at(0).records.memory());
    REQUIRE_FALSE(found.empty());
    CHECK(found.front() == std::pair<std::int64_t, std::string>{17, here.written[17]});
}

TEST_CASE("a power cut at any moment of a move loses nothing that was acknowledged") {
    std::uint64_t first = 0, last = 0;
    const auto begin = [](two_directories& here, wire_client& client) {
        REQUIRE(broker_fixture::create_topic(client, "orders", 1) == 0);
        here.write(client, 10, 20'000);
        return two_directories::places(client, "orders").first;
    };
    {
        two_directories whole;
        whole.start();
        auto client = whole.connect();
        const auto from = begin(whole, client);
        first = whole.world.disk(whole.machine).changes();
        REQUIRE(two_directories::move(client, "orders", 0, two_directories::other_than(from)) == 0);
        REQUIRE(whole.settle(client, "orders"));
        whole.world.run_for(1s);
        last = whole.world.disk(whole.machine).changes();
    }
    REQUIRE(last > first + 10);
    for (std::uint64_t until = 0; until <= last - first; ++until) {
        for (std::uint64_t luck = 0; luck < 10; ++luck) {
            CAPTURE(until);
            CAPTURE(luck);
            log_watch quiet;
            two_directories here{until * 10 + luck + 1};
            here.start();
            {
                auto client = here.connect();
                const auto from = begin(here, client);
                here.world.disk(here.machine).stop_after(until);
                alter_replica_log_dirs_request request;
                auto& into = request.dirs.emplace_back();
                into.path = two_directories::other_than(from);
                auto& named = into.topics.emplace_back();
                named.name = "orders";
                named.partitions = {0};
                client.send(request, 2);
                here.world.run_for(1s);
            }
            here.power_cut();
            here.start();
            CAPTURE(quiet.all());
            auto client = here.connect();
            REQUIRE(here.settle(client, "orders"));
            here.check_content(client);
            here.write(client, 1);
            here.check_content(client);
        }
    }
}

TEST_CASE("a partition whose log directory cannot be read at the start is not begun anew elsewhere") {
    log_watch watch;
    two_directories here;
    here.start();
    auto client = here.connect();
    REQUIRE(broker_fixture::create_topic(client, "orders", 1) == 0);
    here.write(client, 3);
    REQUIRE(two_directories::move(client, "orders", 0, "/other") == 0);
    REQUIRE(here.settle(client, "orders"));
    REQUIRE(two_directories::places(client, "orders").first == "/other");
    client.hang_up();
    here.stop();
    here.world.disk(here.machine).inject({sim::disk_operation::open, errc::io_error, "/other/", 0, 1'000'000});
    here.start();
    auto during = here.connect();
    CHECK(here.produce(during, "orders", 0, {"lost?"}).error_code != 0);
    CHECK(watch.count("/other") > 0);
    here.world.run_for(9min);  // it is tried again, and still not begun anew
    CHECK(here.produce(during, "orders", 0, {"lost?"}).error_code != 0);
    for (const auto& left : here.folders("/data", "orders")) CHECK(left != "orders-0");
    during.hang_up();
    here.stop();
    here.world.disk(here.machine).clear_faults();
    here.start();
    auto after = here.connect();
    here.check_content(after);
}

TEST_CASE("cordoned directories take no new partitions, and keep those they have") {
    two_directories here;
    bool while_running = false;
    SUBCASE("by the file") { here.overrides.emplace_back("cordoned.log.dirs=/other"); }
    SUBCASE("while the broker runs") { while_running = true; }
    here.start();
    auto client = here.connect();
    if (while_running) REQUIRE(here.set(client, "cordoned.log.dirs", "/other") == 0);
    REQUIRE(broker_fixture::create_topic(client, "orders", 6) == 0);
    CHECK(here.folders("/data", "orders").size() == 6);
    CHECK(here.folders("/other", "orders").empty());
    CHECK(two_directories::move(client, "orders", 0, "/other") == wire_code(errc::invalid_replica_assignment));
    describe_log_dirs_request every;
    every.topics = std::nullopt;
    for (const auto& each : client.call(every, 5).results) CHECK(each.is_cordoned == (each.log_dir == "/other"));

    CHECK(here.set(client, "cordoned.log.dirs", "/nowhere") == wire_code(errc::invalid_request));
    REQUIRE(here.set(client, "cordoned.log.dirs", "*") == 0);
    CHECK(broker_fixture::create_topic(client, "clicks", 1) == wire_code(errc::invalid_replication_factor));
    CHECK(here.produce(client, "orders", 0, {"a"}).error_code == 0);
    client.hang_up();
    here.stop();
    here.start();
    auto again = here.connect();
    CHECK(broker_fixture::create_topic(again, "clicks", 1) == wire_code(errc::invalid_replication_factor));
    REQUIRE(here.set(again, "cordoned.log.dirs", "/data") == 0);
    REQUIRE(broker_fixture::create_topic(again, "clicks", 2) == 0);
    CHECK(here.folders("/other", "clicks").size() == 2);
    CHECK(here.folders("/data", "orders").size() == 6);
}

TEST_CASE("replica.alter.log.dirs.io.max.bytes.per.second slows a move down") {
    two_directories here;
    here.start();
    auto client = here.connect();
    REQUIRE(broker_fixture::create_topic(client, "orders", 1) == 0);
    here.write(client, 50, 100'000);  // five megabytes
    REQUIRE(here.set(client, "replica.alter.log.dirs.io.max.bytes.per.second", "1000000") == 0);
    const auto from = two_directories::places(client, "orders").first;
    const auto to = two_directories::other_than(from);
    REQUIRE(two_directories::move(client, "orders", 0, to) == 0);
    here.world.run_for(3s);
    CHECK(two_directories::places(client, "orders") == std::pair{from, to});
    here.world.run_for(3s);
    CHECK(two_directories::places(client, "orders") == std::pair{to, std::string{}});
    here.check_content(client);
}
