#include "group_fixture.hpp"

using namespace weir;
using namespace weir::group;
using namespace weir::group::testing;

TEST_CASE("a member that leaves starts a rebalance; the last one leaves an empty group") {
    group_fixture group;
    const auto ids = group.stable_group({"alice", "bob"});
    CHECK(group.leave_one(ids.at("alice")) == errc::none);
    CHECK(group.state() == group_state::preparing_rebalance);
    CHECK(group.shard.find("g")->leader == ids.at("bob"));
    CHECK(group.leave_one(ids.at("alice")) == errc::unknown_member_id);
    CHECK(group.leave_one(ids.at("bob")) == errc::none);
    CHECK(group.state() == group_state::empty);
    CHECK(!group.shard.find("g")->leader);
    CHECK(!group.shard.find("g")->protocol);
    group.check_reload();
}

TEST_CASE("a leaving member's parked requests are answered") {
    group_fixture group;
    const auto token = group.send_first_join({});
    const auto id = group.shard.find("g")->members.at(0).id;
    CHECK(group.leave_one(id) == errc::none);
    REQUIRE(group.joins.contains(token));
    CHECK(code_of(group.joins[token]) == errc::unknown_member_id);
    group.advance(4s);
    CHECK(group.state() == group_state::empty);
}

TEST_CASE("several members leave at once, each with its own outcome") {
    group_fixture group;
    const auto ids = group.stable_group({"alice", "bob"});
    const auto pending = group.new_member_id();
    const auto answered = group.leave({{ids.at("alice"), {}}, {"ghost", {}}, {pending, {}}, {"", "no-such-instance"}});
    CHECK(answered.error_code == 0);
    REQUIRE(answered.members.size() == 4);
    CHECK(errc_from_wire(answered.members[0].error_code) == errc::none);
    CHECK(errc_from_wire(answered.members[1].error_code) == errc::unknown_member_id);
    CHECK(errc_from_wire(answered.members[2].error_code) == errc::none);
    CHECK(errc_from_wire(answered.members[3].error_code) == errc::unknown_member_id);
    CHECK(answered.members[3].group_instance_id == "no-such-instance");
}

TEST_CASE("before version 3 one member leaves, and the error is the response's") {
    group_fixture group;
    const auto ids = group.stable_group({"alice"});
    protocol::leave_group_request request;
    request.group_id = "g";
    request.member_id = ids.at("alice");
    const request_context old{"client", "/127.0.0.1", 2};
    CHECK(group.take(group.shard.leave_group(old, request, group.now()))->error_code == 0);
    CHECK(errc_from_wire(group.take(group.shard.leave_group(old, request, group.now()))->error_code) ==
          errc::unknown_member_id);
    request.group_id = "nowhere";
    CHECK(errc_from_wire(group.take(group.shard.leave_group(old, request, group.now()))->error_code) ==
          errc::unknown_member_id);
    request.group_id = "";
    CHECK(errc_from_wire(group.take(group.shard.leave_group(old, request, group.now()))->error_code) ==
          errc::invalid_group_id);
}

namespace {

/// A stable group of the static members i1 and i2.
struct static_pair {
    static_pair() {
        const auto a = group.send_join({.instance_id = "i1"});
        const auto b = group.send_join({.instance_id = "i2"});
        group.advance(6s);
        leader = group.joins[a].leader;
        ids = {{"i1", group.joins[a].member_id}, {"i2", group.joins[b].member_id}};
        group.sync_all(ids, 1, leader);
    }
    std::string leading() const { return ids.at("i1") == leader ? "i1" : "i2"; }
    std::string following() const { return ids.at("i1") == leader ? "i2" : "i1"; }
    group_fixture group;
    std::string leader;
    std::map<std::string, std::string> ids;
};

}  // namespace

TEST_CASE("a static member joins without asking for an id first") {
    static_pair of;
    CHECK(of.ids.at("i1").starts_with("i1-"));
    CHECK(of.group.shard.find("g")->members.at(0).instance_id == "i1");
    of.group.check_reload();
}

TEST_CASE("a static member that comes back takes its place without a rebalance, and the old one is fenced") {
    static_pair of;
    const auto old_id = of.ids.at(of.following());
    const auto back = of.group.join_now({.instance_id = of.following()});
    CHECK(code_of(back) == errc::none);
    CHECK(back.member_id != old_id);
    CHECK(back.generation_id == 1);
    CHECK(back.leader == of.leader);
    CHECK(!back.skip_assignment);
    CHECK(back.members.empty());
    CHECK(of.group.state() == group_state::stable);
    const auto sync = of.group.send_sync(back.member_id, 1, {.instance_id = of.following()});
    CHECK(of.group.syncs[sync].assignment == to_bytes("for " + of.following()));

    CHECK(of.group.heartbeat(old_id, 1, of.following()) == errc::fenced_instance_id);
    CHECK(of.group.heartbeat(old_id, 1) == errc::unknown_member_id);
    CHECK(of.group.heartbeat(back.member_id, 1, of.following()) == errc::none);
    of.group.check_reload();
}

TEST_CASE("a static leader that comes back is told to skip the assignment") {
    static_pair of;
    SUBCASE("from version 9 on, with the members to know") {
        const auto back = of.group.join_now({.instance_id = of.leading()});
        CHECK(back.skip_assignment);
        CHECK(back.leader == back.member_id);
        CHECK(back.members.size() == 2);
        // It syncs without assignments and gets the one it had.
        const auto sync = of.group.send_sync(back.member_id, 1, {.instance_id = of.leading()});
        CHECK(of.group.syncs[sync].assignment == to_bytes("for " + of.leading()));
    }
    SUBCASE("before, by a leader that is not itself") {
        const auto back = of.group.join_now({.instance_id = of.leading(), .version = 8});
        CHECK(!back.skip_assignment);
        CHECK(back.leader == of.leader);
        CHECK(back.leader != back.member_id);
        CHECK(back.members.empty());
    }
    of.group.check_reload();
}

TEST_CASE("a static member that comes back with protocols that change the choice starts a rebalance") {
    static_pair of;
    of.group.send_join(
        {.member_id = of.leader, .instance_id = of.leading(), .protocols = {{"range", {}}, {"sticky", {}}}});
    of.group.send_join({.member_id = of.ids.at(of.following()),
                        .instance_id = of.following(),
                        .protocols = {{"range", {}}, {"sticky", {}}}});
    of.group.sync_all(of.ids, 2, of.leader);
    const auto token = of.group.send_join({.instance_id = of.following(), .protocols = {{"sticky", {}}}});
    CHECK(!of.group.joins.contains(token));
    CHECK(of.group.state() == group_state::preparing_rebalance);
}

TEST_CASE("a static member that comes back while the assignment is awaited starts over") {
    group_fixture group;
    const auto a = group.send_join({.instance_id = "i1"});
    group.advance(4s);
    const auto old_id = group.joins[a].member_id;
    const auto b = group.send_first_join({});
    CHECK(!group.joins.contains(b));
    group.send_join({.member_id = old_id, .instance_id = "i1"});
    REQUIRE(group.joins.contains(b));
    const auto follower = group.send_sync(group.joins[b].member_id, 2);
    const auto back = group.send_join({.instance_id = "i1"});
    CHECK(code_of(group.syncs[follower]) == errc::rebalance_in_progress);
    CHECK(!group.joins.contains(back));
    CHECK(group.state() == group_state::preparing_rebalance);
}

TEST_CASE("a parked request of the member that is replaced is fenced") {
    static_pair of;
    of.group.send_first_join({});  // a rebalance
    const auto parked = of.group.send_join({.member_id = of.leader, .instance_id = of.leading()});
    const auto back = of.group.send_join({.instance_id = of.leading()});
    REQUIRE(of.group.joins.contains(parked));
    CHECK(code_of(of.group.joins[parked]) == errc::fenced_instance_id);
    CHECK(!of.group.joins.contains(back));
}

TEST_CASE("a static member that sends its first JoinGroup again waits as long as the rebalance does") {
    group_config config;
    config.initial_rebalance_delay = 30s;
    group_fixture group{config};
    const auto first = group.send_join({.instance_id = "i1"});
    group.advance(1s);
    const auto again = group.send_join({.instance_id = "i1"});
    CHECK(code_of(group.joins[first]) == errc::fenced_instance_id);
    // Longer than its session (10 s), for which nobody can heartbeat who does not know its id yet.
    group.advance(20s);
    CHECK(!group.joins.contains(again));
    group.advance(40s);
    REQUIRE(group.joins.contains(again));
    CHECK(code_of(group.joins[again]) == errc::none);
    CHECK(group.joins[again].generation_id == 1);
}

TEST_CASE("a static member away for a restart stays in the group until its session ends") {
    static_pair of;
    const auto away = of.following();
    of.group.send_join({.member_id = of.leader, .instance_id = of.leading(), .rebalance_timeout = 5s});
    CHECK(of.group.state() == group_state::preparing_rebalance);
    // The session (10 s) ends before the other's rebalance timeout (60 s): then it is out.
    of.group.advance(11s);
    CHECK(of.group.state() == group_state::completing_rebalance);
    CHECK(of.group.shard.find("g")->members.size() == 1);
    CHECK(of.group.heartbeat(of.ids.at(away), 1, away) == errc::unknown_member_id);
}

TEST_CASE("an instance id that belongs to another member id is fenced") {
    static_pair of;
    CHECK(code_of(of.group.join_now({.member_id = of.ids.at("i2"), .instance_id = "i1"})) == errc::fenced_instance_id);
    CHECK(code_of(of.group.join_now({.member_id = of.ids.at("i2"), .instance_id = "i9"})) == errc::unknown_member_id);
    const auto sync = of.group.send_sync(of.ids.at("i2"), 1, {.instance_id = "i1"});
    CHECK(code_of(of.group.syncs[sync]) == errc::fenced_instance_id);
}

TEST_CASE("an administrator removes a static member by its instance id") {
    static_pair of;
    const auto answered = of.group.leave({{"", "i1"}});
    CHECK(answered.members.at(0).error_code == 0);
    CHECK(of.group.state() == group_state::preparing_rebalance);
    CHECK(of.group.leave({{of.ids.at("i2"), "i1"}}).members.at(0).error_code == wire_code(errc::unknown_member_id));
}

TEST_CASE("static members that are all away with a rebalance timeout of zero do not spin") {
    group_fixture group;
    const auto a = group.send_join({.instance_id = "i1", .rebalance_timeout = 1ms});
    group.advance(3s);
    REQUIRE(group.joins.contains(a));
    const auto away = group.joins[a].member_id;
    group.sync_all({{"i1", away}}, 1, away);
    auto recorded = *group.log.back().content;
    group_fixture later;
    later.append({recorded});
    later.shard.loaded(later.now());
    later.send_join({.rebalance_timeout = 0ms, .version = 3});
    const auto members = later.shard.find("g")->members;
    REQUIRE(members.size() == 2);
    later.leave_one(members[0].id == away ? members[1].id : members[0].id);
    CHECK(later.state() == group_state::preparing_rebalance);
    later.advance(30s);
    CHECK(later.state() == group_state::empty);
}
