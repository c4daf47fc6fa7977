#include <doctest/doctest.h>

#include "quorum_fixture.hpp"

using namespace weir;
using namespace weir::raft;
using namespace weir::testing;

TEST_CASE("a record is committed once a majority has it on disk, the leader's own disk included") {
    quorum_fixture quorum{3};
    quorum.make_leader(1);
    quorum.advance(100ms);
    const auto before = quorum.committed(1);
    REQUIRE(before == quorum.log(1).end_offset());

    SUBCASE("leader and one follower") {
        quorum.cut(3);
        const auto last = *quorum.propose(1, "value");
        quorum.run();
        CHECK(quorum.committed(1) == last + 1);
    }
    SUBCASE("the leader's append alone does not count while its disk is slow") {
        quorum[1].slow_disk = true;
        quorum.cut(3);
        const auto last = *quorum.propose(1, "value");
        quorum.run();
        CHECK(quorum.log(2).end_offset() == last + 1);
        CHECK(quorum.committed(1) == before);
        quorum.flush(1);
        CHECK(quorum.committed(1) == last + 1);
    }
    SUBCASE("two followers are a majority without the leader's disk") {
        quorum[1].slow_disk = true;
        const auto last = *quorum.propose(1, "value");
        quorum.run();
        CHECK(quorum.committed(1) == last + 1);
    }
    SUBCASE("a follower vouches only for what it flushed") {
        quorum.cut(3);
        quorum[2].slow_disk = true;
        const auto last = *quorum.propose(1, "value");
        quorum.run();
        CHECK(quorum.log(2).end_offset() == last + 1);
        CHECK(quorum.committed(1) == before);
        quorum.flush(2);
        quorum.run();
        CHECK(quorum.committed(1) == last + 1);
    }
}

TEST_CASE("followers learn of a commit without waiting for the next record") {
    quorum_fixture quorum{3};
    quorum.make_leader(1);
    quorum.advance(100ms);
    const auto last = *quorum.propose(1, "value");
    quorum.run();
    CHECK(quorum.committed(2) == last + 1);
    CHECK(quorum.committed(3) == last + 1);
}

TEST_CASE("records of an older epoch are committed only by a record of the leader's own") {
    quorum_fixture quorum{3};
    quorum.make_leader(1);
    quorum.advance(100ms);
    quorum.cut(3);
    quorum.cut(2);
    const auto lonely = *quorum.propose(1, "on node 1 only");
    quorum.run();
    const auto before = quorum.committed(1);
    quorum.restart(1);
    quorum.heal();
    quorum.cut(3);  // of 1 and 2, only 1 can be elected: its log is longer
    quorum[2].slow_disk = true;
    for (int i = 0; i < 400 && !quorum.core(1).is_leader(); ++i) quorum.advance(50ms);
    REQUIRE(quorum.core(1).is_leader());
    // The old record reaches a majority before anything of the new epoch does: that must not commit it.
    REQUIRE_FALSE(quorum[1].leading);
    const auto epoch = quorum.core(1).epoch();
    quorum.ask(1, fetch_request{.cluster_id = "the-cluster", .replica = {2, directory_of(2)}, .epoch = epoch,
                                .offset = lonely + 1, .last_fetched_epoch = epoch - 1}, 2);
    CHECK(quorum.committed(1) <= before);
    quorum.advance(100ms);
    quorum.flush(2);
    quorum.advance(100ms);
    CHECK(quorum.committed(1) > lonely + 1);
    CHECK(quorum[1].leading == epoch);
}

TEST_CASE("a deposed leader's uncommitted records give way to the new leader's") {
    quorum_fixture quorum{3};
    quorum.make_leader(1);
    quorum.advance(100ms);
    quorum.cut(1);
    const auto lost = *quorum.propose(1, "never committed");
    REQUIRE(quorum.propose(1, "nor this"));
    quorum.advance(20s);
    const auto leader = quorum.elect();
    REQUIRE(leader != 1);
    REQUIRE(quorum.propose(leader, "committed"));
    quorum.advance(100ms);

    quorum.heal();
    quorum.advance(10s);
    const auto now = quorum.elect();
    CHECK(quorum.log(1).end_offset() == quorum.log(now).end_offset());
    for (log_offset at = 0; at < quorum.log(now).end_offset(); ++at)
        CHECK(quorum.log(1).fingerprint(at) == quorum.log(now).fingerprint(at));
    CHECK(quorum.log(1).fingerprint(lost) != 0);
}

TEST_CASE("a fetch at the end of the log waits, and is answered by the next record or by its time") {
    quorum_fixture quorum{1};
    quorum.run();
    const auto epoch = quorum.core(1).epoch();
    const fetch_request ask{.replica = {7, directory_of(7)}, .epoch = epoch, .offset = quorum.log(1).end_offset(),
                            .last_fetched_epoch = epoch, .max_wait = 500ms};
    CHECK_FALSE(quorum.ask(1, ask, 7));
    const auto token = quorum.last_token();
    SUBCASE("a record") {
        REQUIRE(quorum.propose(1, "value"));
        const auto got = quorum.answer(token);
        REQUIRE(got);
        CHECK(std::get<fetch_response>(*got).records.size() > 61);
    }
    SUBCASE("time") {
        quorum.advance(499ms);
        CHECK_FALSE(quorum.answer(token));
        quorum.advance(2ms);
        const auto got = quorum.answer(token);
        REQUIRE(got);
        CHECK(std::get<fetch_response>(*got).records.empty());
        CHECK(std::get<fetch_response>(*got).error == errc::none);
    }
}

TEST_CASE("readers without an identity wait side by side, a replica only once") {
    quorum_fixture quorum{1};
    quorum.run();
    const auto epoch = quorum.core(1).epoch();
    fetch_request ask{.epoch = epoch, .offset = quorum.log(1).end_offset(), .last_fetched_epoch = epoch, .max_wait = 500ms};
    CHECK_FALSE(quorum.ask(1, ask));
    const auto first = quorum.last_token();
    CHECK_FALSE(quorum.ask(1, ask));
    CHECK_FALSE(quorum.answer(first));
    ask.replica = {7, directory_of(7)};
    CHECK_FALSE(quorum.ask(1, ask));
    const auto given_up = quorum.last_token();
    CHECK_FALSE(quorum.ask(1, ask));
    CHECK(quorum.answer(given_up));
}

TEST_CASE("a damaged batch is not appended, and is fetched again") {
    quorum_fixture quorum{3};
    quorum.make_leader(1);
    quorum.advance(100ms);
    const auto end = quorum.log(2).end_offset();
    quorum.drop_messages();
    quorum.restart(2);
    const auto fetches = quorum.sent_by<fetch_request>(2);
    REQUIRE(fetches.size() == 1);
    quorum.drop_messages();
    const std::vector<std::string> values{"value"};
    auto batch = data_batch(values);
    protocol::patch_base_offset(batch, end);
    protocol::patch_leader_epoch(batch, quorum.core(1).epoch());
    batch.back() ^= std::byte{1};
    fetch_response reply{.leader = {1, quorum.core(1).epoch(), {}}, .high_watermark = end + 1, .records = batch};
    quorum.core(2).step({1, 1, reply}, quorum.now());  // the first request a restarted node sends is its first fetch
    CHECK(quorum.log(2).end_offset() == end);
    CHECK(quorum.committed(2) <= end);
    quorum.advance(1s);
    CHECK(quorum.committed(2) == quorum.log(1).end_offset());
}

TEST_CASE("a flush that began before a truncation says nothing about what was written after it") {
    quorum_fixture quorum{3};
    quorum.make_leader(1);
    quorum.advance(100ms);
    quorum.cut(1);
    REQUIRE(quorum.propose(1, "one"));
    REQUIRE(quorum.propose(1, "two"));
    quorum[1].slow_disk = true;
    REQUIRE(quorum.propose(1, "three"));
    REQUIRE(quorum[1].flush);
    const auto stale = *quorum[1].flush;
    quorum.flush(1);
    quorum.advance(20s);
    REQUIRE(quorum.elect() != 1);
    quorum.heal();
    quorum.advance(3s);  // node 1 truncates and appends the new leader's first batch, which its disk has not taken
    REQUIRE(quorum[1].flush);
    CHECK(quorum[1].flush->generation != stale.generation);
    quorum.core(1).on_flushed(stale, quorum.now());
    quorum.tick(1);
    CHECK(quorum.sent_by<fetch_request>(1).empty());
}

TEST_CASE("a follower refuses to drop what is committed, and stops") {
    quorum_fixture quorum{3};
    quorum.make_leader(1);
    quorum.advance(100ms);
    const auto epoch = quorum.core(1).epoch();
    quorum.restart(2);
    quorum.run();
    quorum.advance(100ms);
    REQUIRE(quorum.committed(2) > 0);
    const auto end = quorum.log(2).end_offset();
    // The leader's disk was replaced by an older copy: same node, same epoch, shorter log.
    fetch_response lying{.leader = {1, epoch, {}}, .high_watermark = 0, .diverging = log_position{0, 0}};
    for (std::uint64_t id = 1; id < 50 && !quorum[2].failure; ++id) {
        quorum.core(2).step({1, id, lying}, quorum.now());
        auto outcome = quorum.core(2).take_effects();
        if (outcome.failure) quorum[2].failure = outcome.failure;
    }
    REQUIRE(quorum[2].failure);
    CHECK(quorum.log(2).end_offset() == end);
    CHECK(quorum[2].failure->message().find("committed") != std::string::npos);
}

TEST_CASE("a disk that fails stops the replica and nothing more leaves it") {
    quorum_fixture quorum{3};
    quorum.make_leader(1);
    quorum.advance(100ms);
    quorum.log(1).fails = true;
    CHECK(quorum.propose(1, "value").error().code() == errc::io_error);
    REQUIRE(quorum[1].failure);
    CHECK_FALSE(quorum.propose(1, "value"));
    CHECK(quorum.core(1).deadline() == time_point::max());
}

TEST_CASE("batches that the log must not take are refused") {
    quorum_fixture quorum{1};
    const auto end = quorum.log(1).end_offset();
    bytes nothing;
    CHECK(quorum.core(1).propose(nothing, quorum.now()).error().code() == errc::incomplete);
    const std::vector<std::string> values{"a"};
    auto two = data_batch(values);
    const auto other = data_batch(values);
    two.insert(two.end(), other.begin(), other.end());
    CHECK(quorum.core(1).propose(two, quorum.now()).error().code() == errc::invalid_record);
    const std::vector<std::string> large{std::string(max_batch_bytes, 'x')};
    auto huge = data_batch(large);
    CHECK(quorum.core(1).propose(huge, quorum.now()).error().code() == errc::record_list_too_large);
    CHECK(quorum.log(1).end_offset() == end);
}
