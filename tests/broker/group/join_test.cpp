#include "group_fixture.hpp"

#include <algorithm>

using namespace weir;
using namespace weir::group;
using namespace weir::group::testing;

TEST_CASE("a dynamic member is given an id first, and joins with it") {
    group_fixture group;
    const auto id = group.new_member_id({.client_id = "alice"});
    CHECK(id.starts_with("alice-"));
    CHECK(id.size() == std::string{"alice-"}.size() + 36);

    const auto token = group.send_join({.member_id = id});
    CHECK(!group.joins.contains(token));
    CHECK(group.state() == group_state::preparing_rebalance);
    group.advance(3s);
    REQUIRE(group.joins.contains(token));
    const auto& joined = group.joins[token];
    CHECK(code_of(joined) == errc::none);
    CHECK(joined.generation_id == 1);
    CHECK(joined.leader == id);
    CHECK(joined.member_id == id);
    CHECK(joined.protocol_name == "range");
    CHECK(joined.protocol_type == "consumer");
    CHECK(!joined.skip_assignment);
    CHECK(joined.members.size() == 1);
    CHECK(joined.members[0].metadata == subscription({"orders"}));
}

TEST_CASE("before version 4 a member joins without an id of its own") {
    group_fixture group;
    const auto token = group.send_join({.version = 3, .client_id = "old"});
    group.advance(3s);
    REQUIRE(group.joins.contains(token));
    CHECK(code_of(group.joins[token]) == errc::none);
    CHECK(group.joins[token].member_id.starts_with("old-"));
}

TEST_CASE("in version 0 the session timeout is the rebalance timeout") {
    group_fixture group;
    group.send_join({.session_timeout = 12s, .rebalance_timeout = 1ms, .version = 0});
    CHECK(group.shard.find("g")->members.at(0).rebalance_timeout == 12s);
}

TEST_CASE("an error before version 7 has an empty protocol name, not null") {
    group_fixture group;
    CHECK(group.join_now({.session_timeout = 1s, .version = 6}).protocol_name == "");
    CHECK(!group.join_now({.session_timeout = 1s, .version = 7}).protocol_name);
}

TEST_CASE("the first rebalance waits for more members, at most for the rebalance timeout") {
    group_fixture group;
    const auto first = group.send_first_join({.rebalance_timeout = 7s});
    SUBCASE("and ends after one delay when nobody comes") {
        group.advance(2999ms);
        CHECK(!group.joins.contains(first));
        group.advance(1ms);
        CHECK(group.joins.contains(first));
    }
    SUBCASE("each newcomer extends it") {
        group.advance(2s);
        const auto second = group.send_first_join({.rebalance_timeout = 7s});
        group.advance(1s);  // 3 s: extended by 3
        CHECK(!group.joins.contains(first));
        group.advance(3s);  // 6 s: nobody new since
        CHECK(group.joins.contains(first));
        CHECK(group.joins.contains(second));
        CHECK(group.joins[first].generation_id == group.joins[second].generation_id);
    }
    SUBCASE("newcomers cannot put it off for ever") {
        for (int i = 0; i < 20; ++i) {
            group.advance(500ms);
            group.send_first_join({.rebalance_timeout = 7s});
        }
        CHECK(group.joins.contains(first));
        CHECK(code_of(group.joins[first]) == errc::none);
    }
}

TEST_CASE("only the leader gets the members with their metadata") {
    group_fixture group;
    const auto a = group.send_first_join({.protocols = {{"range", to_bytes("A")}}});
    const auto b = group.send_first_join({.protocols = {{"range", to_bytes("B")}}});
    group.advance(6s);
    const auto& first = group.joins[a];
    const auto& second = group.joins[b];
    const auto& leader = first.leader == first.member_id ? first : second;
    const auto& follower = first.leader == first.member_id ? second : first;
    CHECK(first.leader == second.leader);
    CHECK(follower.members.empty());
    REQUIRE(leader.members.size() == 2);
    for (const auto& m : leader.members) CHECK(m.metadata == to_bytes(m.member_id == first.member_id ? "A" : "B"));
}

TEST_CASE("the protocol that all support and most prefer is selected") {
    group_fixture group;
    const auto a = group.send_first_join({.protocols = {{"sticky", {}}, {"range", {}}, {"only-a", {}}}});
    group.send_first_join({.protocols = {{"range", {}}, {"sticky", {}}}});
    group.send_first_join({.protocols = {{"range", {}}, {"sticky", {}}}});
    group.advance(6s);
    CHECK(group.joins[a].protocol_name == "range");
}

TEST_CASE("a protocol listed twice does not count twice") {
    group_fixture group;
    const auto a = group.send_first_join({.protocols = {{"x", {}}, {"x", {}}, {"range", {}}}});
    CHECK(code_of(group.join_now({.protocols = {{"y", {}}}})) == errc::inconsistent_group_protocol);
    group.send_first_join({.protocols = {{"range", {}}}});
    group.advance(6s);
    CHECK(group.joins[a].protocol_name == "range");
}

TEST_CASE("JoinGroup is refused") {
    group_fixture group;
    SUBCASE("for an empty group id") { CHECK(code_of(group.join_now({.group = ""})) == errc::invalid_group_id); }
    SUBCASE("for a session timeout outside the bounds") {
        CHECK(code_of(group.join_now({.session_timeout = 5999ms})) == errc::invalid_session_timeout);
        CHECK(code_of(group.join_now({.session_timeout = 1'800'001ms})) == errc::invalid_session_timeout);
        CHECK(!group.shard.find("g"));
    }
    SUBCASE("for a member id that the group never gave out") {
        CHECK(code_of(group.join_now({.member_id = "ghost"})) == errc::unknown_member_id);
        CHECK(!group.shard.find("g"));
        group.stable_group({"alice"});
        CHECK(code_of(group.join_now({.member_id = "ghost"})) == errc::unknown_member_id);
    }
    SUBCASE("without protocol or protocol type") {
        CHECK(code_of(group.join_now({.protocols = {}})) == errc::inconsistent_group_protocol);
        CHECK(code_of(group.join_now({.protocol_type = ""})) == errc::inconsistent_group_protocol);
        CHECK(!group.shard.find("g"));
    }
    SUBCASE("for another protocol type, or no protocol in common") {
        group.stable_group({"alice"});
        CHECK(code_of(group.join_now({.protocol_type = "connect"})) == errc::inconsistent_group_protocol);
        CHECK(code_of(group.join_now({.protocols = {{"other", {}}}})) == errc::inconsistent_group_protocol);
        CHECK(group.state() == group_state::stable);
    }
}

TEST_CASE("a group has no more than group.max.size members") {
    group_config config;
    config.max_size = 2;
    group_fixture group{config};
    group.send_first_join({});
    const auto third = group.new_member_id();
    group.send_first_join({});
    CHECK(code_of(group.join_now({.member_id = third})) == errc::group_max_size_reached);
    CHECK(code_of(group.join_now({})) == errc::group_max_size_reached);
    group.advance(6s);
    CHECK(group.shard.find("g")->members.size() == 2);
}

TEST_CASE("a group that is over the limit when it is loaded rebalances and loses whoever comes last") {
    group_config config;
    group_fixture group{config};
    const auto ids = group.stable_group({"alice", "bob", "carol"});
    config.max_size = 2;
    group_fixture later{config};
    later.elapsed = group.elapsed;
    for (const auto& entry : group.log) later.append({*entry.content});
    later.shard.loaded(later.now());
    CHECK(later.state() == group_state::preparing_rebalance);
    later.send_join({.member_id = ids.at("alice")});
    later.send_join({.member_id = ids.at("bob")});
    CHECK(code_of(later.join_now({.member_id = ids.at("carol")})) == errc::group_max_size_reached);
    CHECK(later.state() == group_state::completing_rebalance);
    CHECK(later.shard.find("g")->members.size() == 2);
}

TEST_CASE("a newcomer starts a rebalance, which ends when the others have rejoined") {
    group_fixture group;
    const auto ids = group.stable_group({"alice"});
    const auto bob = group.send_first_join({.client_id = "bob"});
    CHECK(group.state() == group_state::preparing_rebalance);
    CHECK(group.heartbeat(ids.at("alice"), 1) == errc::rebalance_in_progress);
    const auto alice = group.send_join({.member_id = ids.at("alice")});
    REQUIRE(group.joins.contains(alice));
    REQUIRE(group.joins.contains(bob));
    CHECK(group.joins[alice].generation_id == 2);
    CHECK(group.joins[alice].leader == ids.at("alice"));  // the leader stays
    CHECK(group.state() == group_state::completing_rebalance);
}

TEST_CASE("who does not rejoin within the rebalance timeout is out") {
    group_fixture group;
    const auto ids = group.stable_group({"alice", "bob"}, {.session_timeout = 40s, .rebalance_timeout = 20s});
    const auto carol = group.send_first_join({.session_timeout = 40s, .rebalance_timeout = 20s, .client_id = "carol"});
    group.send_join({.member_id = ids.at("bob"), .session_timeout = 40s, .rebalance_timeout = 20s});
    group.advance(19s);
    CHECK(group.heartbeat(ids.at("alice"), 1) == errc::rebalance_in_progress);
    CHECK(!group.joins.contains(carol));
    group.advance(2s);
    REQUIRE(group.joins.contains(carol));
    CHECK(group.heartbeat(ids.at("alice"), 2) == errc::unknown_member_id);
    CHECK(group.shard.find("g")->members.size() == 2);
    CHECK(group.joins[carol].leader != ids.at("alice"));
}

TEST_CASE("a member that joins again with the same metadata gets the present generation") {
    group_fixture group;
    const auto a = group.send_first_join({.client_id = "alice"});
    const auto b = group.send_first_join({.client_id = "bob"});
    group.advance(6s);
    const auto alice = group.joins[a].member_id;
    const auto bob = group.joins[b].member_id;
    SUBCASE("while the assignment is awaited") {
        CHECK(group.join_now({.member_id = group.joins[a].leader}).members.size() == 2);
        CHECK(group.join_now({.member_id = group.joins[a].leader == alice ? bob : alice}).members.empty());
        CHECK(group.state() == group_state::completing_rebalance);
    }
    SUBCASE("when it follows in a stable group") {
        const auto leader = group.joins[a].leader;
        group.sync_all({{"alice", alice}, {"bob", bob}}, 1, leader);
        const auto again = group.join_now({.member_id = leader == alice ? bob : alice});
        CHECK(code_of(again) == errc::none);
        CHECK(again.generation_id == 1);
        CHECK(group.state() == group_state::stable);
        SUBCASE("but a leader that does so wants a rebalance") {
            const auto token = group.send_join({.member_id = leader});
            CHECK(!group.joins.contains(token));
            CHECK(group.state() == group_state::preparing_rebalance);
        }
    }
    SUBCASE("with other metadata it starts a rebalance") {
        group.send_join({.member_id = bob, .protocols = {{"range", to_bytes("changed")}}});
        CHECK(group.state() == group_state::preparing_rebalance);
    }
}

TEST_CASE("a repeated JoinGroup takes the place of the parked one, which is answered") {
    group_fixture group;
    const auto id = group.new_member_id();
    const auto first = group.send_join({.member_id = id});
    const auto second = group.send_join({.member_id = id});
    REQUIRE(group.joins.contains(first));
    CHECK(code_of(group.joins[first]) == errc::rebalance_in_progress);
    group.advance(6s);
    CHECK(code_of(group.joins[second]) == errc::none);
}

TEST_CASE("a pending member holds up the rebalance until its session ends, and its group does not outlive it") {
    group_fixture group;
    const auto ids = group.stable_group({"alice"}, {.session_timeout = 30s});
    group.new_member_id({.session_timeout = 10s});
    group.send_join({.member_id = ids.at("alice"), .protocols = {{"range", to_bytes("new")}}});
    CHECK(group.state() == group_state::preparing_rebalance);
    group.advance(9s);
    CHECK(group.state() == group_state::preparing_rebalance);
    group.advance(2s);
    CHECK(group.state() == group_state::completing_rebalance);

    group_fixture other;
    other.new_member_id();
    CHECK(other.shard.find("g"));
    other.advance(11s);
    CHECK(!other.shard.find("g"));
    CHECK(other.log.empty());
}

TEST_CASE("a very long client id does not make a member id that the protocol cannot carry") {
    group_fixture group;
    const auto id = group.new_member_id({.client_id = std::string(32767, 'x')});
    CHECK(id.size() < 2000);
    std::string cut_in_character(1023, 'x');
    cut_in_character += "\xc3\xa9";
    CHECK(group.new_member_id({.client_id = cut_in_character}).substr(0, 1024) == std::string(1023, 'x') + "-");
}

TEST_CASE("rebalance timeouts of zero and below end at once, not never") {
    group_fixture group;
    const auto token = group.send_first_join({.rebalance_timeout = -5ms});
    group.advance(3s);
    REQUIRE(group.joins.contains(token));
    group.advance(1ms);  // the sync timeout is over as well
    CHECK(group.shard.find("g")->members.empty());
}
