#include <doctest/doctest.h>

#include "quorum_fixture.hpp"

#include <limits>

using namespace weir;
using namespace weir::raft;
using namespace weir::testing;

TEST_CASE("three voters elect one leader, and its epoch begins with a control batch about it") {
    quorum_fixture quorum{3};
    const auto leader = quorum.elect();
    REQUIRE(leader != no_node);
    int leaders = 0;
    for (node_id id = 1; id <= 3; ++id) {
        leaders += quorum.core(id).is_leader();
        CHECK(quorum.core(id).leader().leader_id == leader);
        CHECK(quorum.core(id).epoch() == quorum.core(leader).epoch());
        CHECK(quorum[id].disk.leader_id == leader);
    }
    CHECK(leaders == 1);
    const auto first = *protocol::batch_view::open(quorum.log(leader).batches().front().raw);
    CHECK(first.control());
    CHECK(first.record_count() == 3);  // leader change, and what formatting said: kraft.version and voters
    CHECK(first.leader_epoch() == quorum.core(leader).epoch());
}

TEST_CASE("a follower that was cut off comes back without a new epoch: it only canvassed") {
    quorum_fixture quorum{3};
    quorum.make_leader(1);
    const auto epoch = quorum.core(1).epoch();
    quorum.cut(3);
    quorum.advance(20s);
    CHECK(quorum.core(3).epoch() == epoch);
    CHECK_FALSE(quorum.core(3).is_leader());

    quorum.heal();
    quorum.advance(5s);
    CHECK(quorum.core(1).is_leader());
    CHECK(quorum.core(1).epoch() == epoch);
    CHECK(quorum.core(3).current_role() == role::follower);
}

TEST_CASE("a follower that hears its leader refuses a pre-vote, one that has not fetched yet grants it") {
    quorum_fixture quorum{3};
    quorum.make_leader(1);
    const auto epoch = quorum.core(1).epoch();
    vote_request canvass{.cluster_id = "the-cluster",
                         .candidate = {3, directory_of(3)},
                         .voter = {2, directory_of(2)},
                         .epoch = epoch,
                         .log_end = {1000, epoch},
                         .pre_vote = true};
    CHECK_FALSE(quorum.ask<vote_response>(2, canvass).granted);
    quorum.restart(2);
    CHECK(quorum.core(2).current_role() == role::follower);
    CHECK(quorum.ask<vote_response>(2, canvass).granted);
    canvass.log_end = {0, 0};
    CHECK_FALSE(quorum.ask<vote_response>(2, canvass).granted);
}

TEST_CASE("a voter votes once in an epoch, repeats that vote, and a restart does not make it forget") {
    quorum_fixture quorum{3};
    vote_request request{.cluster_id = "the-cluster",
                         .candidate = {1, directory_of(1)},
                         .voter = {3, directory_of(3)},
                         .epoch = 7,
                         .log_end = {0, 0}};
    CHECK(quorum.ask<vote_response>(3, request).granted);
    CHECK(quorum[3].disk.voted.id == 1);
    CHECK(quorum.ask<vote_response>(3, request).granted);
    auto rival = request;
    rival.candidate = {2, directory_of(2)};
    CHECK_FALSE(quorum.ask<vote_response>(3, rival).granted);

    quorum.restart(3);
    CHECK_FALSE(quorum.ask<vote_response>(3, rival).granted);
    CHECK(quorum.ask<vote_response>(3, request).granted);
    rival.epoch = 8;
    CHECK(quorum.ask<vote_response>(3, rival).granted);
    request.epoch = 7;
    CHECK(quorum.ask<vote_response>(3, request).error == errc::fenced_leader_epoch);
}

TEST_CASE("a candidate whose log is behind is not elected") {
    quorum_fixture quorum{3};
    quorum.make_leader(1);
    quorum.cut(3);
    for (int i = 0; i < 5; ++i) REQUIRE(quorum.propose(1, "value"));
    quorum.advance(100ms);
    REQUIRE(quorum.log(3).end_offset() < quorum.log(2).end_offset());

    quorum.crash(1);
    quorum.heal();
    quorum.advance(20s);
    CHECK(quorum.core(2).is_leader());
    CHECK(quorum.log(3).end_offset() == quorum.log(2).end_offset());
}

TEST_CASE("a leader that no majority fetches from stops leading within one and a half fetch timeouts") {
    quorum_fixture quorum{3};
    quorum.make_leader(1);
    quorum.advance(1s);
    quorum.cut(2);
    quorum.cut(3);
    quorum.advance(2900ms);
    CHECK(quorum.core(1).is_leader());
    quorum.advance(700ms);
    CHECK_FALSE(quorum.core(1).is_leader());
    CHECK_FALSE(quorum[1].leading);
    CHECK(quorum.propose(1, "late").error().code() == errc::not_leader_or_follower);
}

TEST_CASE("a leader that resigns is followed by the furthest voter at once, in the next epoch") {
    quorum_fixture quorum{3};
    quorum.make_leader(1);
    quorum.advance(100ms);
    quorum.cut(3);
    REQUIRE(quorum.propose(1, "only on 1 and 2"));
    quorum.advance(50ms);
    const auto epoch = quorum.core(1).epoch();
    quorum.heal();
    quorum.core(1).resign(quorum.now());
    quorum.tick(1);
    quorum.advance(400ms);  // far below the election timeout
    CHECK(quorum.core(2).is_leader());
    CHECK(quorum.core(2).epoch() == epoch + 1);
}

TEST_CASE("requests of another cluster, to another directory, or with impossible numbers are refused and change nothing") {
    quorum_fixture quorum{3};
    quorum.make_leader(1);
    const auto epoch = quorum.core(2).epoch();
    const auto end = quorum.log(2).end_offset();

    CHECK(quorum.ask<vote_response>(2, vote_request{.cluster_id = "other", .candidate = {3, directory_of(3)}, .epoch = 99}).error ==
          errc::inconsistent_cluster_id);
    CHECK(quorum.ask<begin_epoch_response>(2, begin_epoch_request{.cluster_id = "other", .leader_id = 3, .epoch = 99}).error ==
          errc::inconsistent_cluster_id);
    CHECK(quorum.ask<end_epoch_response>(2, end_epoch_request{.cluster_id = "other", .leader_id = 1, .epoch = 99}).error ==
          errc::inconsistent_cluster_id);
    CHECK(quorum.ask<fetch_response>(1, fetch_request{.cluster_id = "other", .replica = {3, directory_of(3)}, .epoch = epoch}).error ==
          errc::inconsistent_cluster_id);
    CHECK(quorum.ask<fetch_snapshot_response>(1, fetch_snapshot_request{.cluster_id = "other", .epoch = epoch}).error ==
          errc::inconsistent_cluster_id);
    CHECK(quorum.ask<add_voter_response>(1, add_voter_request{.cluster_id = "other"}).error == errc::inconsistent_cluster_id);

    CHECK(quorum.ask<vote_response>(2, vote_request{.candidate = {3, directory_of(3)}, .voter = {2, directory_of(9)}, .epoch = 99}).error ==
          errc::invalid_voter_key);
    CHECK(quorum.ask<vote_response>(2, vote_request{.candidate = {-5, {}}, .epoch = 99}).error == errc::invalid_request);
    CHECK(quorum.ask<vote_response>(2, vote_request{.candidate = {3, {}}, .epoch = 99, .log_end = {-1, 0}}).error == errc::invalid_request);
    CHECK(quorum.ask<begin_epoch_response>(2, begin_epoch_request{.leader_id = -1, .epoch = 99}).error == errc::invalid_request);
    CHECK(quorum.ask<begin_epoch_response>(2, begin_epoch_request{.leader_id = 3, .epoch = epoch}).error == errc::invalid_request);
    CHECK(quorum.ask<fetch_response>(1, fetch_request{.replica = {3, {}}, .epoch = epoch, .offset = -1}).error == errc::invalid_request);
    CHECK(quorum.ask<fetch_response>(1, fetch_request{.replica = {3, {}}, .epoch = epoch + 1}).error == errc::unknown_leader_epoch);
    CHECK(quorum.ask<fetch_response>(1, fetch_request{.replica = {3, {}}, .epoch = epoch - 1}).error == errc::fenced_leader_epoch);
    const auto elsewhere = quorum.ask<fetch_response>(2, fetch_request{.replica = {3, {}}, .epoch = epoch});
    CHECK(elsewhere.error == errc::not_leader_or_follower);
    CHECK(elsewhere.leader.leader_id == 1);
    REQUIRE(elsewhere.leader.endpoints.size() == 1);
    CHECK(elsewhere.leader.endpoints[0].port == 9001);

    // No epoch could follow the last one there is.
    constexpr auto last = std::numeric_limits<quorum_epoch>::max();
    CHECK(quorum.ask<vote_response>(2, vote_request{.candidate = {3, directory_of(3)}, .epoch = last}).error == errc::invalid_request);
    CHECK(quorum.ask<begin_epoch_response>(2, begin_epoch_request{.leader_id = 3, .epoch = last}).error == errc::invalid_request);
    CHECK(quorum.ask<end_epoch_response>(2, end_epoch_request{.leader_id = 1, .epoch = last}).error == errc::invalid_request);

    CHECK(quorum.core(2).epoch() == epoch);
    CHECK(quorum.log(2).end_offset() == end);
    CHECK(quorum.core(1).is_leader());
}

TEST_CASE("who is sent to a leader that leads no more, again and again, asks with a pause in between") {
    quorum_fixture quorum{3, 1};
    quorum.make_leader(1);
    quorum.advance(1s);
    quorum.restart(1);  // 2 and 3 do not know yet: they wait for the answer to a fetch
    quorum.restart(4);
    const auto before = quorum.delivered();
    quorum.advance(200ms);
    CHECK(quorum.core(1).current_role() == role::unattached);
    CHECK(quorum.delivered() - before > 4);
    CHECK(quorum.delivered() - before < 100);
}

TEST_CASE("nobody has something to do at once that was not done: time passes between two steps") {
    quorum_fixture quorum{3, 1};
    const auto later = [&] {
        for (int step = 0; step < 200; ++step) {
            for (node_id id = 1; id <= 4; ++id) {
                quorum.tick(id);
                CHECK(quorum.core(id).deadline() > quorum.now());
            }
            quorum.drop_messages();
            quorum.advance(37ms);
        }
    };
    SUBCASE("with nobody to be reached") {
        for (node_id id = 1; id <= 4; ++id) quorum.cut(id);
        later();
    }
    SUBCASE("with a leader that is cut off") {
        quorum.make_leader(1);
        quorum.cut(1);
        later();
    }
    SUBCASE("with a follower and an observer that are cut off") {
        quorum.make_leader(1);
        quorum.cut(2);
        quorum.cut(4);
        later();
    }
    SUBCASE("with a disk that does not flush") {
        quorum.make_leader(1);
        quorum[2].slow_disk = true;
        CHECK(quorum.propose(1, "a"));
        later();
    }
}
