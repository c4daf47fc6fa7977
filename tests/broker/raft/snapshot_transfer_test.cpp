#include <doctest/doctest.h>

#include "quorum_fixture.hpp"

using namespace weir;
using namespace weir::raft;
using namespace weir::testing;

namespace {

/// Node 1 leads, node 3 has missed everything, and the log it would need is in a snapshot only.
void leave_behind(quorum_fixture& quorum) {
    quorum.make_leader(1);
    quorum.advance(100ms);
    quorum.cut(3);
    for (int i = 0; i < 10; ++i) REQUIRE(quorum.propose(1, "value"));
    quorum.advance(100ms);
    const auto end = quorum.committed(1);
    auto info = quorum.core(1).voters_at(end);
    info.id = {end, quorum.core(1).epoch()};
    quorum.log(1).take_snapshot(info, 4711, true);
    quorum.core(1).on_snapshot(quorum.now());
    REQUIRE(quorum.propose(1, "after the snapshot"));
    quorum.advance(100ms);
}

}  // namespace

TEST_CASE("a follower whose records are gone copies the snapshot in chunks and goes on behind it") {
    quorum_fixture quorum{3};
    leave_behind(quorum);
    const auto start = quorum.log(1).start_offset();
    quorum.heal();
    quorum.advance(5s);
    REQUIRE(quorum[3].loaded);
    CHECK(quorum[3].loaded->id.offset == start);
    CHECK(quorum[3].loaded->voters == quorum.core(1).voters());
    CHECK(quorum.log(3).state_at_start() == 4711);
    CHECK(quorum.log(3).start_offset() == start);
    CHECK(quorum.log(3).end_offset() == quorum.log(1).end_offset());
    CHECK(quorum.committed(3) == quorum.committed(1));
}

TEST_CASE("a reader without an identity that is sent to a snapshot is no observer") {
    quorum_fixture quorum{3};
    leave_behind(quorum);
    const auto before = quorum.core(1).status().observer_progress.size();
    const auto told = quorum.ask<fetch_response>(1, fetch_request{.epoch = quorum.core(1).epoch()});
    CHECK(told.snapshot);
    CHECK(quorum.core(1).status().observer_progress.size() == before);
}

TEST_CASE("a snapshot that is replaced while it is copied is started over with the newer one") {
    quorum_fixture quorum{3};
    leave_behind(quorum);
    const auto first = quorum.log(1).start_offset();
    quorum.heal();
    bool replaced = false;
    for (int steps = 0; steps < 5000 && !quorum[3].loaded; ++steps) {
        if (!replaced && !quorum.sent_by<fetch_snapshot_request>(3).empty()) {
            replaced = true;
            const auto end = quorum.committed(1);
            auto info = quorum.core(1).voters_at(end);
            info.id = {end, quorum.core(1).epoch()};
            quorum.log(1).take_snapshot(info, 4712, true);
            quorum.core(1).on_snapshot(quorum.now());
        }
        quorum.advance(10ms);
    }
    REQUIRE(quorum[3].loaded);
    CHECK(quorum[3].loaded->id.offset >= first);
    quorum.advance(2s);
    CHECK(quorum.log(3).end_offset() == quorum.log(1).end_offset());
}

TEST_CASE("a follower whose log diverged below the leader's snapshot copies it, too") {
    quorum_fixture quorum{3};
    quorum.make_leader(1);
    quorum.advance(100ms);
    quorum.cut(1);
    for (int i = 0; i < 20; ++i) REQUIRE(quorum.propose(1, "never committed"));  // a long tail of an old epoch
    quorum.advance(20s);
    const auto leader = quorum.elect();
    REQUIRE(leader != 1);
    REQUIRE(quorum.propose(leader, "value"));
    quorum.advance(100ms);
    const auto end = quorum.committed(leader);
    auto info = quorum.core(leader).voters_at(end);
    info.id = {end, quorum.core(leader).epoch()};
    quorum.log(leader).take_snapshot(info, 1, true);
    quorum.core(leader).on_snapshot(quorum.now());
    quorum.heal();
    quorum.advance(10s);
    REQUIRE(quorum[1].loaded);
    CHECK(quorum.log(1).end_offset() == quorum.log(quorum.elect()).end_offset());
}

TEST_CASE("snapshot requests the leader cannot serve name the reason") {
    quorum_fixture quorum{3};
    leave_behind(quorum);
    const auto id = quorum.log(1).latest_snapshot()->id;
    const auto epoch = quorum.core(1).epoch();
    const auto ask = [&](fetch_snapshot_request request) { return quorum.ask<fetch_snapshot_response>(1, request).error; };
    CHECK(ask({.epoch = epoch, .snapshot = {1, 1}}) == errc::snapshot_not_found);
    CHECK(ask({.epoch = epoch, .snapshot = id, .position = -1}) == errc::position_out_of_range);
    CHECK(ask({.epoch = epoch, .snapshot = id, .position = 1'000'000}) == errc::position_out_of_range);
    CHECK(ask({.epoch = epoch - 1, .snapshot = id}) == errc::fenced_leader_epoch);
    CHECK(quorum.ask<fetch_snapshot_response>(2, fetch_snapshot_request{.epoch = epoch, .snapshot = id}).error ==
          errc::not_leader_or_follower);
}
