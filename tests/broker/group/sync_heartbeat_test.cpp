#include "group_fixture.hpp"

using namespace weir;
using namespace weir::group;
using namespace weir::group::testing;

namespace {

struct joined_pair {
    explicit joined_pair(join_options options = {}) {
        options.client_id = "alice";
        const auto a = group.send_first_join(options);
        options.client_id = "bob";
        const auto b = group.send_first_join(options);
        group.advance(6s);
        leader = group.joins[a].leader;
        follower = group.joins[a].member_id == leader ? group.joins[b].member_id : group.joins[a].member_id;
    }
    group_fixture group;
    std::string leader, follower;
};

}  // namespace

TEST_CASE("everyone waits for the leader's assignment and gets its part") {
    joined_pair of;
    const auto waits = of.group.send_sync(of.follower, 1);
    CHECK(!of.group.syncs.contains(waits));
    CHECK(of.group.log.empty());
    const auto own = of.group.send_sync(of.leader, 1, {.assignments = {{of.leader, "L"}, {of.follower, "F"}}});
    REQUIRE(of.group.syncs.contains(waits));
    CHECK(of.group.syncs[waits].assignment == to_bytes("F"));
    CHECK(of.group.syncs[own].assignment == to_bytes("L"));
    CHECK(of.group.syncs[own].protocol_name == "range");
    CHECK(of.group.syncs[own].protocol_type == "consumer");
    CHECK(of.group.state() == group_state::stable);
    CHECK(of.group.log.size() == 1);
    CHECK(of.group.shard.counters().completed_rebalances == 1);

    SUBCASE("also who asks later or again") {
        const auto again = of.group.send_sync(of.follower, 1);
        CHECK(of.group.syncs[again].assignment == to_bytes("F"));
    }
    SUBCASE("a coordinator that reloads from the log reaches the same state") {
        CHECK(of.group.replayed().groups() == of.group.shard.groups());
        CHECK(of.group.replayed().find("g")->members.at(0).assignment.size() == 1);
    }
}

TEST_CASE("members the leader forgot get an empty assignment, strangers none") {
    joined_pair of;
    const auto waits = of.group.send_sync(of.follower, 1);
    of.group.send_sync(of.leader, 1, {.assignments = {{of.leader, "L"}, {"stranger", "S"}}});
    REQUIRE(of.group.syncs.contains(waits));
    CHECK(code_of(of.group.syncs[waits]) == errc::none);
    CHECK(of.group.syncs[waits].assignment.empty());
    CHECK(of.group.replayed().find("g")->members.size() == 2);
}

TEST_CASE("SyncGroup is refused") {
    joined_pair of;
    const auto refused = [&](const std::string& id, std::int32_t generation, const sync_options& options = {}) {
        const auto token = of.group.send_sync(id, generation, options);
        REQUIRE(of.group.syncs.contains(token));
        return code_of(of.group.syncs[token]);
    };
    CHECK(refused("ghost", 1) == errc::unknown_member_id);
    CHECK(refused(of.leader, 0) == errc::illegal_generation);
    CHECK(refused(of.leader, 2) == errc::illegal_generation);
    CHECK(refused(of.leader, 1, {.protocol = "sticky"}) == errc::inconsistent_group_protocol);
    CHECK(refused(of.leader, 1, {.protocol_type = "connect"}) == errc::inconsistent_group_protocol);
    CHECK(refused(of.leader, 1, {.protocol_type = {}}) == errc::inconsistent_group_protocol);
    CHECK(refused("ghost", 1, {.protocol = {}}) == errc::inconsistent_group_protocol);  // before anything else
    CHECK(refused(of.leader, 1, {.group = "nowhere"}) == errc::unknown_member_id);
    CHECK(refused(of.leader, 1, {.group = ""}) == errc::invalid_group_id);
    of.group.send_first_join({});
    CHECK(refused(of.leader, 1) == errc::rebalance_in_progress);
}

TEST_CASE("before version 5 SyncGroup names no protocol") {
    joined_pair of;
    const auto token = of.group.send_sync(of.leader, 1, {.version = 4, .protocol_type = {}, .protocol = {}});
    CHECK(code_of(of.group.syncs[token]) == errc::none);
}

TEST_CASE("a rebalance ends the wait for the assignment") {
    joined_pair of;
    const auto waits = of.group.send_sync(of.follower, 1);
    of.group.send_first_join({.client_id = "carol"});
    REQUIRE(of.group.syncs.contains(waits));
    CHECK(code_of(of.group.syncs[waits]) == errc::rebalance_in_progress);
}

TEST_CASE("members that do not sync within the rebalance timeout are removed") {
    joined_pair of{{.session_timeout = 100s, .rebalance_timeout = 20s}};
    SUBCASE("a leader that never syncs") {
        const auto waits = of.group.send_sync(of.follower, 1);
        of.group.advance(21s);
        REQUIRE(of.group.syncs.contains(waits));
        CHECK(code_of(of.group.syncs[waits]) == errc::rebalance_in_progress);
        CHECK(of.group.state() == group_state::preparing_rebalance);
        CHECK(of.group.shard.find("g")->members.size() == 1);
        CHECK(of.group.shard.find("g")->leader == of.follower);
    }
    SUBCASE("a follower, although the group is stable") {
        of.group.send_sync(of.leader, 1, {.assignments = {{of.leader, "L"}}});
        CHECK(of.group.state() == group_state::stable);
        of.group.advance(21s);
        CHECK(of.group.state() == group_state::preparing_rebalance);
        CHECK(of.group.heartbeat(of.follower, 1) == errc::unknown_member_id);
    }
    SUBCASE("not when all did") {
        of.group.send_sync(of.follower, 1);
        of.group.send_sync(of.leader, 1, {.assignments = {{of.leader, "L"}}});
        of.group.advance(30s);
        CHECK(of.group.state() == group_state::stable);
    }
}

TEST_CASE("an assignment that fits no record is an error for all and a new rebalance") {
    joined_pair of;
    const auto waits = of.group.send_sync(of.follower, 1);
    const auto own = of.group.send_sync(of.leader, 1, {.assignments = {{of.leader, std::string(2'000'000, 'x')}}});
    CHECK(code_of(of.group.syncs[waits]) == errc::unknown_server_error);
    CHECK(code_of(of.group.syncs[own]) == errc::unknown_server_error);
    CHECK(of.group.state() == group_state::preparing_rebalance);
    CHECK(of.group.log.empty());
}

TEST_CASE("heartbeats say what a member has to do") {
    joined_pair of;
    CHECK(of.group.heartbeat(of.leader, 1) == errc::none);  // also before the assignment
    CHECK(of.group.heartbeat(of.leader, 2) == errc::illegal_generation);
    CHECK(of.group.heartbeat("ghost", 1) == errc::unknown_member_id);
    CHECK(of.group.heartbeat(of.leader, 1, "i1") == errc::unknown_member_id);
    const auto pending = of.group.new_member_id();
    CHECK(of.group.heartbeat(pending, 1) == errc::unknown_member_id);
    of.group.send_join({.member_id = pending});
    CHECK(of.group.heartbeat(of.leader, 1) == errc::rebalance_in_progress);
}

TEST_CASE("a member that stops heartbeating is removed, and the others are told to rejoin") {
    group_fixture group;
    const auto ids = group.stable_group({"alice", "bob"}, {.session_timeout = 10s});
    group.advance(6s);
    CHECK(group.heartbeat(ids.at("alice"), 1) == errc::none);

    group.advance(5s);  // bob: 11 s silent, alice: 5 s
    CHECK(group.heartbeat(ids.at("bob"), 1) == errc::unknown_member_id);
    CHECK(group.heartbeat(ids.at("alice"), 1) == errc::rebalance_in_progress);

    SUBCASE("the last one gone leaves an empty group, in the log too") {
        group.advance(11s);
        CHECK(group.state() == group_state::empty);
        CHECK(group.shard.find("g")->generation == 2);
        CHECK(group.replayed().groups() == group.shard.groups());
    }
}

TEST_CASE("a parked request keeps the session alive, and the session starts anew with its answer") {
    group_fixture group;
    const auto ids = group.stable_group({"alice", "bob"}, {.session_timeout = 10s, .rebalance_timeout = 60s});
    const auto waits = group.send_join({.member_id = ids.at("bob"), .protocols = {{"range", to_bytes("new")}}});
    for (int i = 0; i < 8; ++i) {
        group.advance(5s);
        CHECK(group.heartbeat(ids.at("alice"), 1) == errc::rebalance_in_progress);
    }
    CHECK(!group.joins.contains(waits));
    group.send_join({.member_id = ids.at("alice")});
    REQUIRE(group.joins.contains(waits));
    group.advance(9s);
    CHECK(group.heartbeat(ids.at("bob"), 2) == errc::none);
    group.advance(2s);
    CHECK(group.heartbeat(ids.at("alice"), 2) == errc::unknown_member_id);
}

TEST_CASE("a new member's parked JoinGroup is given up after five minutes") {
    group_fixture group;
    const auto ids = group.stable_group({"alice"}, {.rebalance_timeout = 20min});
    const auto bob = group.send_first_join({.client_id = "bob"});
    for (int i = 0; i < 59; ++i) {
        group.advance(5s);
        group.heartbeat(ids.at("alice"), 1);
    }
    CHECK(!group.joins.contains(bob));
    group.advance(6s);
    REQUIRE(group.joins.contains(bob));
    CHECK(code_of(group.joins[bob]) == errc::unknown_member_id);
}

TEST_CASE("after a reload members have a full session to make themselves heard") {
    group_fixture group;
    const auto ids = group.stable_group({"alice", "bob"}, {.session_timeout = 10s});
    group_fixture later;
    later.elapsed = group.elapsed + 1h;
    for (const auto& entry : group.log) later.append({*entry.content});
    later.shard.loaded(later.now());
    later.advance(9s);
    CHECK(later.heartbeat(ids.at("alice"), 1) == errc::none);
    later.advance(2s);
    CHECK(later.heartbeat(ids.at("bob"), 1) == errc::unknown_member_id);
    CHECK(later.heartbeat(ids.at("alice"), 1) == errc::rebalance_in_progress);
}
