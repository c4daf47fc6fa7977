#include <doctest/doctest.h>

#include "quorum_fixture.hpp"

using namespace weir;
using namespace weir::raft;
using namespace weir::testing;

TEST_CASE("a quorum of one leads at once, without a timeout, and then has nothing to wait for") {
    quorum_fixture quorum{1};  // no time has passed
    CHECK(quorum.core(1).is_leader());
    CHECK(quorum[1].leading == 1);
    CHECK(quorum.committed(1) == 3);
    CHECK(quorum.core(1).deadline() == time_point::max());
    const auto last = *quorum.propose(1, "value");
    CHECK(last == 3);
    CHECK(quorum.committed(1) == 4);
}

TEST_CASE("a restarted quorum of one leads the next epoch with all it had acknowledged") {
    quorum_fixture quorum{1};
    REQUIRE(quorum.propose(1, "value"));
    const auto state = quorum[1].disk;
    CHECK(state.leader_id == 1);
    CHECK(state.leader_epoch == 1);
    quorum.restart(1);
    CHECK(quorum.core(1).is_leader());
    CHECK(quorum.core(1).epoch() == 2);
    CHECK(quorum.committed(1) == 5);  // voters' batch of 3, the value, and this epoch's leader change alone
    CHECK(quorum.log(1).batches().back().next - quorum.log(1).batches().back().base == 1);

    SUBCASE("even when the file with the epoch was lost") {
        quorum.crash(1);
        quorum[1].disk = {};
        quorum.start(1);
        CHECK(quorum.core(1).epoch() == 3);
    }
}

TEST_CASE("what only the page cache remembers at the start is flushed before it counts") {
    quorum_fixture quorum{1};
    quorum[1].slow_disk = true;
    REQUIRE(quorum.propose(1, "value"));
    quorum[1].core.reset();  // killed, not powered off: the log still has it
    quorum.start(1);
    CHECK(quorum.core(1).is_leader());
    CHECK(quorum.committed(1) == 0);
    CHECK_FALSE(quorum[1].leading);
    REQUIRE(quorum[1].flush);
    quorum.flush(1);
    CHECK(quorum.committed(1) == 5);
    CHECK(quorum[1].leading == 2);
}

TEST_CASE("with kraft.version 0 the voters come from the configuration, and directories do not matter") {
    memory_raft_log log;
    quorum_config config;
    config.self = {5, directory_of(5)};
    config.static_voters = voter_set{{voter{.key = {5, {}}}}};
    raft::quorum alone{config, {}, log, 1, time_point{1h}};
    CHECK(alone.is_leader());
    const auto first = *protocol::batch_view::open(log.batches().front().raw);
    CHECK(first.record_count() == 1);  // the leader change alone: nothing about voters belongs in this log
    CHECK(alone.status().kraft_version == 0);
}
