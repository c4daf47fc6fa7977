#include "replica_fixture.hpp"

using namespace weir;
using namespace weir::replica;
using namespace weir::replica::test;

TEST_CASE_FIXTURE(replica_fixture, "a writer hears when its time is up, within a second, and the others go on waiting") {
    const auto orders = lead("orders");
    files.set_sync_delay(60s);
    const auto end = append(*orders);
    const auto hurried = wait(*orders, end, 2s);
    const auto patient = wait(*orders, end, 50s);
    loop.run_ready();
    loop.advance(1900ms);
    CHECK_FALSE(*hurried);
    loop.advance(1200ms);
    REQUIRE(*hurried);
    CHECK(**hurried == errc::request_timed_out);
    CHECK_FALSE(*patient);
    loop.advance(50s);
    REQUIRE(*patient);
    CHECK(**patient == errc::request_timed_out);
    loop.advance(10s);
    CHECK(orders->high_watermark() == end);  // written all the same
    CHECK_FALSE(loop.next());
}

TEST_CASE_FIXTURE(replica_fixture, "writers are answered in the order of their offsets, duplicates beside their first") {
    const auto orders = lead("orders");
    std::string order;
    const auto note = [&](std::int64_t offset, char name) {
        orders->when_committed(offset, loop.now() + 30s, [&order, name](result<void> done) {
            CHECK(done);
            order += name;
        });
    };
    const auto one = append(*orders);
    const auto two = append(*orders);
    note(one, 'a');
    note(two, 'b');
    note(one, 'A');  // the same batch sent again, over another connection
    loop.run_ready();
    loop.advance(5ms);
    CHECK(order == "aAb");
}

TEST_CASE_FIXTURE(replica_fixture, "losing leadership fails who waits and who comes later") {
    const auto orders = lead("orders");
    const auto end = append(*orders);
    const auto writer = wait(*orders, end);
    orders->resign();
    REQUIRE(*writer);
    CHECK(**writer == errc::not_leader_or_follower);
    CHECK(**wait(*orders, end) == errc::not_leader_or_follower);
    CHECK(try_append(*orders).code() == errc::not_leader_or_follower);
    read_request request;
    CHECK(orders->read(request).code == errc::not_leader_or_follower);
    CHECK(orders->delete_records(0).code() == errc::not_leader_or_follower);
    loop.run_ready();
    loop.advance(5s);
    CHECK(orders->high_watermark() == 0);
}

TEST_CASE_FIXTURE(replica_fixture, "who is late to ask is answered at once") {
    const auto orders = lead("orders");
    const auto end = append(*orders);
    loop.run_ready();
    loop.advance(5ms);
    CHECK(**wait(*orders, end) == errc::none);
}

TEST_CASE_FIXTURE(replica_fixture, "a new leader epoch refuses clients that know an older or a newer one") {
    const auto orders = lead("orders");
    orders->lead(7);
    CHECK(orders->check_epoch(-1) == errc::none);
    CHECK(orders->check_epoch(6) == errc::fenced_leader_epoch);
    CHECK(orders->check_epoch(7) == errc::none);
    CHECK(orders->check_epoch(8) == errc::unknown_leader_epoch);
    orders->lead(3);  // late news
    CHECK(orders->leader_epoch() == 7);
}

TEST_CASE_FIXTURE(replica_fixture, "a writer that hears of its flush may end any partition of that flush, its own too") {
    auto orders = lead("orders");
    auto clicks = lead("clicks");
    std::unique_ptr<storage::partition_log> taken;
    const auto remove = [&](std::shared_ptr<partition>& gone) {
        gone->resign();
        taken = gone->take_log();
        gone.reset();
    };
    const auto end = append(*orders);
    const auto other = wait(*clicks, append(*clicks));
    SUBCASE("the next one") {
        orders->when_committed(end, loop.now() + 30s, [&](result<void>) { remove(clicks); });
        loop.run_ready();
        loop.advance(5ms);
        CHECK(**other == errc::not_leader_or_follower);
        CHECK(orders->high_watermark() == end);
    }
    SUBCASE("its own") {
        orders->when_committed(end, loop.now() + 30s, [&](result<void>) { remove(orders); });
        const auto late = wait(*orders, end);
        loop.run_ready();
        loop.advance(5ms);
        CHECK(**late == errc::not_leader_or_follower);
        CHECK(**other == errc::none);
    }
    SUBCASE("when the disk has failed") {
        orders->when_committed(end, loop.now() + 30s, [&](result<void>) {
            remove(clicks);
            remove(orders);
        });
        files.fail_next_sync(errc::io_error, "orders-0");
        loop.run_ready();
        loop.advance(5ms);
        CHECK(**other == errc::not_leader_or_follower);
    }
    taken.reset();
}

TEST_CASE_FIXTURE(replica_fixture, "a writer whose time is up may wait anew, and end any partition that waits") {
    auto orders = lead("orders");
    const auto views = lead("views");
    auto clicks = lead("clicks");
    std::unique_ptr<storage::partition_log> taken;
    files.set_sync_delay(60s);
    const auto end = append(*orders);
    fate again, elsewhere;
    orders->when_committed(end, loop.now() + 2s, [&](result<void> done) {
        CHECK(done.code() == errc::request_timed_out);
        again = wait(*orders, end, 2s);
        for (int i = 0; i < 8; ++i) elsewhere = wait(*views, append(*views), 2s);
        clicks->resign();
        taken = clicks->take_log();
        clicks.reset();
    });
    const auto gone = wait(*clicks, append(*clicks), 2s);
    loop.run_ready();
    loop.advance(3s);
    CHECK(**gone == errc::not_leader_or_follower);
    REQUIRE(again);
    CHECK_FALSE(*again);
    loop.advance(3s);
    REQUIRE(*again);
    CHECK(**again == errc::request_timed_out);
    REQUIRE(*elsewhere);
    CHECK(**elsewhere == errc::request_timed_out);
}

TEST_CASE_FIXTURE(replica_fixture, "a flusher that goes takes its timer along") {
    auto brief = std::make_unique<flusher>(loop, files);
    auto log = open_log(files, loop, "orders", 0);
    const partition_id id{log->topic_id(), 0};
    auto orders = std::make_shared<partition>(id, "orders", std::move(log), loop, *brief);
    orders->lead(0);
    const auto end = append(*orders);
    loop.run_ready();
    loop.advance(5ms);
    const auto writer = wait(*orders, end + 1, 30s);
    REQUIRE(loop.next());
    orders.reset();
    brief.reset();
    CHECK_FALSE(loop.next());
    CHECK_FALSE(*writer);
}
