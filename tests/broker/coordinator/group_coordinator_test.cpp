#include "fake_log.hpp"

#include <weir/base/sim/manual_loop.hpp>
#include <weir/coordinator/group_coordinator.hpp>
#include <weir/protocol/codec.hpp>

#include <algorithm>

using namespace weir;
using namespace weir::coordinator;
using namespace weir::coordinator::testing;
using namespace std::chrono_literals;

namespace {

class no_topics final : public group::topic_directory {
public:
    std::optional<std::string> name_of(const uuid&) const override { return std::nullopt; }
    uuid id_of(std::string_view) const override { return {}; }
};

struct broker final : group_environment {
    explicit broker(group::group_config config = {}) : logs(50), coordinator(config, *this, 1) {}

    std::vector<event_loop*> loops() override { return {&loop}; }
    event_loop& loop_of(std::int32_t) override { return loop; }
    std::int32_t partition_count() const override { return 50; }
    std::unique_ptr<partition_store> open(std::int32_t partition) override {
        if (missing) return nullptr;
        return std::make_unique<fake_store>(logs[static_cast<std::size_t>(partition)]);
    }
    const group::topic_directory& topics() const override { return names; }

    void elect_all(std::int32_t epoch = 1) {
        for (std::int32_t i = 0; i < 50; ++i) coordinator.on_elected(i, epoch);
        loop.run_ready();
    }
    call_context context(std::int16_t version) {
        call_context out;
        out.loop = &loop;
        out.client_id = "c";
        out.client_host = "/127.0.0.1";
        out.api_version = version;
        return out;
    }
    template <class T>
    static task<void> deliver(task<T> call, std::shared_ptr<std::optional<T>> into) {
        auto value = co_await std::move(call);
        into->emplace(std::move(value));
    }
    /// Starts a call; its answer appears there.
    template <class T>
    std::shared_ptr<std::optional<T>> start(task<T> call) {
        auto into = std::make_shared<std::optional<T>>();
        spawn(deliver(std::move(call), into));
        loop.run_ready();
        return into;
    }
    template <class T>
    T now(task<T> call) {
        auto got = start(std::move(call));
        REQUIRE(*got);
        return std::move(**got);
    }

    static protocol::join_group_request join_request(const std::string& group, const std::string& member_id = "") {
        protocol::join_group_request request;
        request.group_id = group;
        request.session_timeout_ms = 10'000;
        request.rebalance_timeout_ms = 60'000;
        request.member_id = member_id;
        request.protocol_type = "consumer";
        request.protocols.emplace_back().name = "range";
        return request;
    }
    static protocol::offset_commit_request commit_request(const std::string& group, std::int64_t offset) {
        protocol::offset_commit_request request;
        request.group_id = group;
        auto& topic = request.topics.emplace_back();
        topic.name = "orders";
        topic.partitions.emplace_back().committed_offset = offset;
        return request;
    }
    static protocol::offset_fetch_request fetch_request(const std::vector<std::string>& groups) {
        protocol::offset_fetch_request request;
        for (const auto& id : groups) {
            auto& group = request.groups.emplace_back();
            group.group_id = id;
            auto& topic = group.topics->emplace_back();
            topic.name = "orders";
            topic.partition_indexes = {0};
        }
        return request;
    }
    fake_log& log_of(const std::string& group) {
        return logs[static_cast<std::size_t>(coordinator.partition_of(group))];
    }

    sim::manual_loop loop;
    std::vector<fake_log> logs;
    bool missing = false;
    no_topics names;
    group_coordinator coordinator;
};

}  // namespace

TEST_CASE("groups live in Kafka's partition") {
    broker b;
    CHECK(b.coordinator.partition_of("my-group") == 12);
    CHECK(b.coordinator.partition_of("polygenelubricants") == 0);
}

TEST_CASE("a member joins, syncs, beats, commits and is found again by the next coordinator") {
    broker b;
    b.elect_all();
    const auto id = b.now(b.coordinator.join_group(b.context(9), broker::join_request("g"))).member_id;
    auto joining = b.start(b.coordinator.join_group(b.context(9), broker::join_request("g", id)));
    CHECK(!*joining);
    b.loop.advance(3s);
    REQUIRE(*joining);
    CHECK((**joining).generation_id == 1);

    protocol::sync_group_request sync;
    sync.group_id = "g";
    sync.member_id = id;
    sync.generation_id = 1;
    sync.protocol_type = "consumer";
    sync.protocol_name = "range";
    auto& assigned = sync.assignments.emplace_back();
    assigned.member_id = id;
    assigned.assignment = to_bytes("mine");
    b.log_of("g").commit_at_once = false;
    auto syncing = b.start(b.coordinator.sync_group(b.context(5), sync));
    CHECK(!*syncing);  // not before it is committed
    b.log_of("g").commit();
    b.loop.run_ready();
    REQUIRE(*syncing);
    CHECK((**syncing).assignment == to_bytes("mine"));
    b.log_of("g").commit_at_once = true;

    protocol::heartbeat_request beat;
    beat.group_id = "g";
    beat.member_id = id;
    beat.generation_id = 1;
    CHECK(b.now(b.coordinator.heartbeat(b.context(4), beat)).error_code == 0);
    auto commit = broker::commit_request("g", 42);
    commit.member_id = id;
    commit.generation_id_or_member_epoch = 1;
    CHECK(b.now(b.coordinator.offset_commit(b.context(9), commit)).topics[0].partitions[0].error_code == 0);

    // Another leader, then we again: everything is read from the log.
    b.coordinator.on_resigned(b.coordinator.partition_of("g"), 2);
    b.loop.run_ready();
    CHECK(b.now(b.coordinator.heartbeat(b.context(4), beat)).error_code == wire_code(errc::not_coordinator));
    b.coordinator.on_elected(b.coordinator.partition_of("g"), 3);
    b.loop.run_ready();
    CHECK(b.now(b.coordinator.heartbeat(b.context(4), beat)).error_code == 0);
    CHECK(b.now(b.coordinator.offset_fetch(b.context(9), broker::fetch_request({"g"})))
              .groups[0]
              .topics[0]
              .partitions[0]
              .committed_offset == 42);
    const auto metrics = b.now(b.coordinator.metrics(b.loop));
    CHECK(metrics.groups.stable_groups == 1);
    CHECK(metrics.groups.offsets == 1);
    CHECK(metrics.active_partitions == 50);
}

TEST_CASE("a parked member is told when its coordinator goes, and when everything stops") {
    broker b;
    b.elect_all();
    const auto id = b.now(b.coordinator.join_group(b.context(9), broker::join_request("g"))).member_id;
    auto joining = b.start(b.coordinator.join_group(b.context(9), broker::join_request("g", id)));
    SUBCASE("resignation") {
        b.coordinator.on_resigned(b.coordinator.partition_of("g"), 2);
        b.loop.run_ready();
    }
    SUBCASE("a failing disk") {
        b.log_of("g").fail_append = errc::kafka_storage_error;
        b.loop.advance(3s);  // nothing is written before the assignment, so the join itself succeeds
        REQUIRE(*joining);
        protocol::sync_group_request sync;
        sync.group_id = "g";
        sync.member_id = id;
        sync.generation_id = 1;
        CHECK(b.now(b.coordinator.sync_group(b.context(4), sync)).error_code == wire_code(errc::not_coordinator));
        return;
    }
    SUBCASE("stop") {
        bool stopped = false;
        spawn([](group_coordinator& c, event_loop& l, bool& done) -> task<void> {
            co_await c.stop(l);
            done = true;
        }(b.coordinator, b.loop, stopped));
        b.loop.advance(10ms);
        CHECK(stopped);
        CHECK(!b.loop.next());
    }
    REQUIRE(*joining);
    CHECK((**joining).error_code == wire_code(errc::not_coordinator));
}

TEST_CASE("who asks the wrong broker is told in every response") {
    broker b;
    const auto code = wire_code(errc::not_coordinator);
    CHECK(b.now(b.coordinator.join_group(b.context(9), broker::join_request("g"))).error_code == code);
    CHECK(b.now(b.coordinator.sync_group(b.context(5), {})).error_code == code);
    CHECK(b.now(b.coordinator.heartbeat(b.context(4), {})).error_code == code);
    CHECK(b.now(b.coordinator.leave_group(b.context(5), {})).error_code == code);
    CHECK(b.now(b.coordinator.offset_commit(b.context(9), broker::commit_request("g", 1)))
              .topics[0]
              .partitions[0]
              .error_code == code);
    CHECK(b.now(b.coordinator.offset_delete(b.context(0), {})).error_code == code);
    CHECK(b.now(b.coordinator.offset_fetch(b.context(9), broker::fetch_request({"g"}))).groups[0].error_code == code);
    protocol::delete_groups_request remove;
    remove.groups_names = {"g", "h"};
    const auto removed = b.now(b.coordinator.delete_groups(b.context(2), remove));
    CHECK(removed.results.size() == 2);
    CHECK(removed.results[0].error_code == code);
    protocol::describe_groups_request describe;
    describe.groups = {"h", "g"};
    const auto described = b.now(b.coordinator.describe_groups(b.context(6), describe));
    REQUIRE(described.groups.size() == 2);
    CHECK(described.groups[0].group_id == "h");
    CHECK(described.groups[0].error_code == code);
    CHECK(b.now(b.coordinator.list_groups(b.context(5), {})).error_code == 0);  // others list theirs
}

TEST_CASE("an election for a partition that is not here is survived, and the next one counts") {
    broker b;
    b.missing = true;
    b.elect_all();
    CHECK(b.now(b.coordinator.heartbeat(b.context(4), {})).error_code == wire_code(errc::not_coordinator));
    b.missing = false;
    b.elect_all();
    CHECK(b.now(b.coordinator.heartbeat(b.context(4), {})).error_code == wire_code(errc::invalid_group_id));
}

TEST_CASE("while a partition loads, members may go on and lists are incomplete") {
    broker b;
    for (auto& log : b.logs) log.settled = false;
    b.elect_all();
    CHECK(b.now(b.coordinator.heartbeat(b.context(4), {})).error_code == 0);
    CHECK(b.now(b.coordinator.list_groups(b.context(5), {})).error_code ==
          wire_code(errc::coordinator_load_in_progress));
    CHECK(b.now(b.coordinator.join_group(b.context(9), broker::join_request("g"))).error_code ==
          wire_code(errc::coordinator_load_in_progress));
}

TEST_CASE("OffsetFetch of every version") {
    broker b;
    b.elect_all();
    b.now(b.coordinator.offset_commit(b.context(9), broker::commit_request("g", 42)));
    protocol::offset_fetch_request single;
    single.group_id = "g";
    auto& topic = single.topics->emplace_back();
    topic.name = "orders";
    topic.partition_indexes = {0, 1};
    for (std::int16_t version = 1; version < 8; ++version) {
        CAPTURE(version);
        const auto response = b.now(b.coordinator.offset_fetch(b.context(version), single));
        CHECK(response.groups.empty());
        CHECK(response.topics[0].partitions[0].committed_offset == 42);
        CHECK(response.topics[0].partitions[1].committed_offset == -1);
        CHECK(protocol::encode(response, version));
        if (version >= 2) {
            auto all = single;
            all.topics.reset();
            CHECK(b.now(b.coordinator.offset_fetch(b.context(version), all)).topics.size() == 1);
        }
    }
    const auto several = b.now(b.coordinator.offset_fetch(b.context(8), broker::fetch_request({"g", "h"})));
    REQUIRE(several.groups.size() == 2);
    CHECK(several.groups[0].topics[0].partitions[0].committed_offset == 42);
    CHECK(several.groups[1].group_id == "h");
    CHECK(several.groups[1].topics[0].partitions[0].committed_offset == -1);

    b.coordinator.on_resigned(b.coordinator.partition_of("g"), 2);
    b.loop.run_ready();
    CHECK(b.now(b.coordinator.offset_fetch(b.context(1), single)).topics[0].partitions[1].error_code ==
          wire_code(errc::not_coordinator));
    CHECK(b.now(b.coordinator.offset_fetch(b.context(2), single)).error_code == wire_code(errc::not_coordinator));
}

TEST_CASE("groups of all partitions are listed, described and deleted") {
    broker b;
    b.elect_all();
    std::vector<std::string> ids;
    for (int i = 0; i < 40; ++i) {
        ids.push_back("group-" + std::to_string(i));
        b.now(b.coordinator.offset_commit(b.context(9), broker::commit_request(ids.back(), i)));
    }
    const auto listed = b.now(b.coordinator.list_groups(b.context(5), {}));
    CHECK(listed.groups.size() == 40);
    protocol::describe_groups_request describe;
    describe.groups = ids;
    const auto described = b.now(b.coordinator.describe_groups(b.context(6), describe));
    REQUIRE(described.groups.size() == 40);
    for (std::size_t i = 0; i < ids.size(); ++i) {
        CHECK(described.groups[i].group_id == ids[i]);
        CHECK(described.groups[i].group_state == "Empty");
    }
    protocol::delete_groups_request remove;
    remove.groups_names = ids;
    CHECK(std::ranges::all_of(b.now(b.coordinator.delete_groups(b.context(2), remove)).results,
                              [](const auto& each) { return each.error_code == 0; }));
    CHECK(b.now(b.coordinator.list_groups(b.context(5), {})).groups.empty());
}

TEST_CASE("offsets of deleted topics go in every partition") {
    broker b;
    b.elect_all();
    for (const auto* id : {"g", "my-group", "a"})
        b.now(b.coordinator.offset_commit(b.context(9), broker::commit_request(id, 1)));
    b.coordinator.on_topics_deleted({"orders"});
    b.loop.run_ready();
    CHECK(b.now(b.coordinator.metrics(b.loop)).groups.offsets == 0);
}

TEST_CASE("offsets of a topic that is deleted while they are read are gone once they are") {
    broker b;
    b.elect_all();
    b.now(b.coordinator.offset_commit(b.context(9), broker::commit_request("g", 1)));
    b.coordinator.on_resigned(b.coordinator.partition_of("g"), 2);
    auto& log = b.log_of("g");
    SUBCASE("a load that takes its time") { log.settled = false; }
    SUBCASE("a load that fails first") { log.fail_read = errc::kafka_storage_error; }
    b.coordinator.on_elected(b.coordinator.partition_of("g"), 3);
    b.loop.run_ready();
    b.coordinator.on_topics_deleted({"orders"});
    b.loop.run_ready();
    log.fail_read = errc::none;
    log.settle();
    b.loop.advance(6s);
    CHECK(b.now(b.coordinator.metrics(b.loop)).active_partitions == 50);
    CHECK(b.now(b.coordinator.metrics(b.loop)).groups.offsets == 0);
}

TEST_CASE("what waits for a load that comes to nothing is dropped") {
    broker b;
    b.elect_all();
    b.now(b.coordinator.offset_commit(b.context(9), broker::commit_request("g", 1)));
    const auto partition = b.coordinator.partition_of("g");
    b.coordinator.on_resigned(partition, 2);
    b.log_of("g").settled = false;
    b.coordinator.on_elected(partition, 3);
    b.loop.run_ready();
    b.coordinator.on_topics_deleted({"orders"});
    b.loop.run_ready();
    b.coordinator.on_resigned(partition, 4);
    b.log_of("g").settle();
    b.loop.run_ready();
    b.coordinator.on_elected(partition, 5);
    b.loop.run_ready();
    CHECK(b.now(b.coordinator.metrics(b.loop)).groups.offsets == 1);  // the leader in between has removed them, or will
}

TEST_CASE("JoinGroup answers can be encoded in every version, errors of parked ones too") {
    for (std::int16_t version = 0; version <= 9; ++version) {
        CAPTURE(version);
        broker b;
        b.elect_all();
        auto request = broker::join_request("g");
        if (version >= 4) request.member_id = b.now(b.coordinator.join_group(b.context(version), request)).member_id;
        auto joining = b.start(b.coordinator.join_group(b.context(version), request));
        CHECK(!*joining);
        b.coordinator.on_resigned(b.coordinator.partition_of("g"), 2);
        b.loop.run_ready();
        REQUIRE(*joining);
        CHECK((**joining).error_code == wire_code(errc::not_coordinator));
        CHECK(protocol::encode(**joining, version));
    }
}
