#include "replica_fixture.hpp"

using namespace weir;
using namespace weir::replica;
using namespace weir::replica::test;

TEST_CASE_FIXTURE(replica_fixture, "an answer waits until the disk has what it speaks of") {
    const auto orders = lead("orders");
    const auto end = append(*orders);
    const auto writer = wait(*orders, end);
    loop.run_ready();
    CHECK_FALSE(*writer);
    CHECK(orders->high_watermark() == 0);

    loop.advance(4ms);
    CHECK_FALSE(*writer);
    loop.advance(1ms);
    REQUIRE(*writer);
    CHECK(**writer == errc::none);
    CHECK(orders->high_watermark() == 1);
    CHECK(orders->last_stable_offset() == 1);
}

TEST_CASE_FIXTURE(replica_fixture, "partitions written in one turn share one round of the disk") {
    const auto orders = lead("orders");
    const auto clicks = lead("clicks");
    const auto idle = lead("idle");
    append(*orders);
    append(*clicks);
    loop.run_ready();
    loop.advance(5ms);  // the first flush also makes the new files' names durable
    const auto before = files.syncs();
    loop.post([&] {
        append(*orders);
        append(*clicks);
        append(*orders);
    });
    loop.run_ready();
    loop.advance(5ms);
    CHECK(orders->high_watermark() == 3);
    CHECK(clicks->high_watermark() == 2);
    CHECK(files.syncs() == before + 2);  // one per file, however many batches
    CHECK_FALSE(loop.next());            // and nothing is left that would wake an idle broker
}

TEST_CASE_FIXTURE(replica_fixture, "what is written while a flush is on its way goes with the next one") {
    const auto orders = lead("orders");
    const auto first = wait(*orders, append(*orders));
    loop.run_ready();
    loop.advance(2ms);
    const auto second = wait(*orders, append(*orders));
    loop.advance(3ms);
    CHECK(**first == errc::none);
    CHECK_FALSE(*second);  // the first flush says nothing of it
    CHECK(orders->high_watermark() == 1);
    loop.advance(4ms);
    CHECK_FALSE(*second);
    loop.advance(1ms);
    REQUIRE(*second);
    CHECK(**second == errc::none);
    CHECK(orders->high_watermark() == 2);
}

TEST_CASE_FIXTURE(replica_fixture, "a writer that writes again when it is answered is not forgotten") {
    const auto orders = lead("orders");
    fate second;
    orders->when_committed(append(*orders), loop.now() + 30s, [&](result<void> done) {
        CHECK(done);
        second = wait(*orders, append(*orders));
    });
    loop.run_ready();
    loop.advance(20ms);
    REQUIRE(second);
    REQUIRE(*second);
    CHECK(**second == errc::none);
}

TEST_CASE_FIXTURE(replica_fixture, "without flush.before.ack records count as committed once they are written") {
    storage::log_config config;
    config.flush_before_ack = false;
    const auto orders = lead("orders", config);
    const auto before = files.syncs();
    const auto writer = wait(*orders, append(*orders, {"a", "b"}));
    REQUIRE(*writer);
    CHECK(**writer == errc::none);
    CHECK(orders->high_watermark() == 2);
    loop.run_ready();
    loop.advance(1s);
    CHECK(files.syncs() == before);
}

TEST_CASE_FIXTURE(replica_fixture, "a failed sync is never acknowledged, and ends writing") {
    const auto orders = lead("orders");
    const auto one = wait(*orders, append(*orders));
    const auto two = wait(*orders, append(*orders));
    files.fail_next_sync();
    loop.run_ready();
    loop.advance(5ms);
    REQUIRE(*one);
    REQUIRE(*two);
    CHECK(**one == errc::kafka_storage_error);
    CHECK(**two == errc::kafka_storage_error);
    CHECK(orders->high_watermark() == 0);

    // The kernel may have dropped the pages: a later sync that works proves nothing.
    CHECK(try_append(*orders).code() == errc::kafka_storage_error);
    loop.run_ready();
    loop.advance(1s);
    CHECK(orders->high_watermark() == 0);
}

TEST_CASE_FIXTURE(replica_fixture, "one partition's failed sync leaves the others of its round alone") {
    const auto orders = lead("orders");
    const auto clicks = lead("clicks");
    const auto lost = wait(*orders, append(*orders));
    const auto kept = wait(*clicks, append(*clicks));
    files.fail_next_sync(errc::io_error, "orders-0");
    loop.run_ready();
    loop.advance(5ms);
    REQUIRE(*lost);
    REQUIRE(*kept);
    CHECK(**lost == errc::kafka_storage_error);
    CHECK(**kept == errc::none);
}

TEST_CASE_FIXTURE(replica_fixture, "what a log holds is flushed before the first reader sees it") {
    const auto topic_end = [&] {
        const auto orders = lead("orders");
        const auto end = append(*orders);
        return end;  // dropped without a flush, as a process that is killed does
    }();
    const auto again = lead("orders");
    CHECK(again->log().log_end_offset() == topic_end);
    // A client that knows the old high watermark must not be told a smaller one.
    CHECK(!again->serves());
    CHECK(again->read({.offset = 0, .max_bytes = 1024}).code == errc::not_leader_or_follower);
    loop.run_ready();
    loop.advance(5ms);
    CHECK(again->serves());
    CHECK(again->read({.offset = 0, .max_bytes = 1024}).code == errc::none);
    CHECK(again->high_watermark() == topic_end);
    CHECK(again->log().flushed_offset() == topic_end);
}

TEST_CASE_FIXTURE(replica_fixture, "a partition may go while its flush is on the way") {
    auto orders = lead("orders");
    const auto clicks = lead("clicks");
    append(*orders);
    const auto other = wait(*clicks, append(*clicks));
    loop.run_ready();
    orders->resign();
    auto log = orders->take_log();
    orders.reset();
    loop.advance(5ms);
    REQUIRE(*other);
    CHECK(**other == errc::none);
}
