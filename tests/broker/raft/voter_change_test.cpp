#include <doctest/doctest.h>

#include "quorum_fixture.hpp"

using namespace weir;
using namespace weir::raft;
using namespace weir::testing;

TEST_CASE("an observer that has caught up becomes a voter, and is needed for a majority from then on") {
    quorum_fixture quorum{1, 1};
    quorum.advance(1s);
    REQUIRE(quorum.log(2).end_offset() == quorum.log(1).end_offset());
    CHECK(quorum.core(1).voters().size() == 1);

    const auto waiting = quorum.ask(1, add_voter_request{.cluster_id = "the-cluster", .added = voter_of(2), .timeout = 5s});
    CHECK_FALSE(waiting);  // not before it is committed by both
    CHECK(quorum.core(1).voters().size() == 2);
    const auto token = quorum.last_token();
    quorum.advance(1s);
    const auto answer = quorum.answer(token);
    REQUIRE(answer);
    CHECK(std::get<add_voter_response>(*answer).error == errc::none);
    CHECK(quorum.core(2).voters() == voters_of({1, 2}));

    quorum.cut(2);
    const auto last = *quorum.propose(1, "value");
    quorum.advance(100ms);
    CHECK(quorum.committed(1) <= last);
    quorum.heal();
    quorum.advance(10s);
    CHECK(quorum.committed(quorum.elect()) > last);
}

TEST_CASE("a change of voters that cannot be is refused with its reason") {
    quorum_fixture quorum{3, 1};
    quorum.make_leader(1);
    quorum.advance(1s);
    const auto add = [&](voter who) { return quorum.ask<add_voter_response>(1, add_voter_request{.added = std::move(who), .timeout = 1s}); };
    const auto remove = [&](replica_key who) { return quorum.ask<remove_voter_response>(1, remove_voter_request{.removed = who}); };

    CHECK(add(voter_of(2)).error == errc::duplicate_voter);
    CHECK(add(voter_of(77)).error == errc::request_timed_out);
    CHECK(add(voter_of(77)).text.find("77") != std::string::npos);
    auto silent = voter_of(4);
    silent.endpoints.clear();
    CHECK(add(silent).error == errc::invalid_request);
    auto old = voter_of(4);
    old.max_kraft_version = 0;
    CHECK(add(old).error == errc::invalid_request);
    CHECK(remove({4, directory_of(4)}).error == errc::voter_not_found);
    CHECK(remove({2, directory_of(99)}).error == errc::voter_not_found);
    CHECK(quorum.ask<remove_voter_response>(2, remove_voter_request{.removed = {3, directory_of(3)}}).error ==
          errc::not_leader_or_follower);
    CHECK(quorum.core(1).voters() == voters_of({1, 2, 3}));

    SUBCASE("one at a time") {
        quorum.cut(2);
        quorum.cut(3);
        CHECK_FALSE(quorum.ask(1, remove_voter_request{.removed = {3, directory_of(3)}}));
        CHECK(remove({2, directory_of(2)}).error == errc::request_timed_out);
    }
    SUBCASE("a node that lost its disk is another voter: the old one goes first") {
        auto again = voter_of(2);
        again.key.directory = directory_of(22);
        CHECK(add(again).error == errc::duplicate_voter);
    }
}

TEST_CASE("the only voter cannot be removed, and with kraft.version 0 nothing can be changed") {
    quorum_fixture quorum{1};
    CHECK(quorum.ask<remove_voter_response>(1, remove_voter_request{.removed = {1, directory_of(1)}}).error == errc::invalid_request);

    memory_raft_log log;
    quorum_config config;
    config.self = {5, directory_of(5)};
    config.static_voters = voter_set{{voter{.key = {5, {}}}}};
    raft::quorum fixed{config, {}, log, 1, time_point{1h}};
    auto outcome = fixed.take_effects();
    fixed.on_flushed(*outcome.flush, time_point{1h});
    fixed.step({9, 1, add_voter_request{.added = voter_of(6)}}, time_point{1h});
    outcome = fixed.take_effects();
    REQUIRE(outcome.messages.size() == 1);
    CHECK(std::get<add_voter_response>(outcome.messages[0].body).error == errc::unsupported_version);
}

TEST_CASE("a leader that is removed leads until that is committed, and not longer") {
    quorum_fixture quorum{3};
    quorum.make_leader(1);
    quorum.advance(1s);
    quorum.ask(1, remove_voter_request{.removed = {1, directory_of(1)}});
    const auto token = quorum.last_token();
    quorum.advance(5s);
    const auto answer = quorum.answer(token);
    REQUIRE(answer);
    CHECK(std::get<remove_voter_response>(*answer).error == errc::none);
    CHECK_FALSE(quorum.core(1).is_leader());
    const auto leader = quorum.elect();
    CHECK((leader == 2 || leader == 3));
    CHECK(quorum.core(leader).voters() == voters_of({2, 3}));
    CHECK(quorum.core(1).current_role() == role::follower);  // an observer now
    const auto last = *quorum.propose(leader, "value");
    quorum.advance(100ms);
    CHECK(quorum.committed(leader) > last);
}

TEST_CASE("a removal that only the removed leader knows does not leave a quorum without a leader") {
    quorum_fixture quorum{2};
    quorum.make_leader(1);
    quorum.advance(1s);
    quorum.cut(2);
    quorum.ask(1, remove_voter_request{.removed = {1, directory_of(1)}});
    REQUIRE(quorum.core(1).voters() == voters_of({2}));
    quorum.restart(1);
    quorum.heal();
    quorum.advance(30s);
    CHECK(quorum.elect() != no_node);
    CHECK(quorum.core(2).voters() == voters_of({2}));
    CHECK(quorum.core(2).is_leader());
}

TEST_CASE("a voter whose address changed tells the leader, and the voters record says so") {
    quorum_fixture quorum{3};
    quorum.make_leader(1);
    quorum.advance(1s);
    auto moved = voter_of(2);
    moved.endpoints[0].port = 19092;
    const auto epoch = quorum.core(1).epoch();
    CHECK(quorum.ask<update_voter_response>(1, update_voter_request{.epoch = epoch - 1, .updated = moved}).error ==
          errc::fenced_leader_epoch);
    quorum.ask(1, update_voter_request{.cluster_id = "the-cluster", .epoch = epoch, .updated = moved});
    CHECK(quorum.core(1).voters().find(2)->endpoints[0].port == 19092);
    // Node 2's own configuration says otherwise: it notices and puts the record right by itself.
    quorum.advance(10s);
    CHECK(quorum.core(1).voters().find(2)->endpoints[0].port == 9002);
    CHECK(quorum.core(3).voters().find(2)->endpoints[0].port == 9002);
}
