// What ends a poll: records for the application, and nothing else that a fetch may bring.
#include "consumer/reader.hpp"
#include "fetched_batches.hpp"

#include <weir/base/sim/world.hpp>

using namespace weir;
using namespace weir::detail;
using test::batch;
using test::compacted;
using test::marker;
using namespace std::chrono_literals;

namespace {

using strings = std::vector<std::string>;

void join(bytes& to, const bytes& more) { to.insert(to.end(), more.begin(), more.end()); }

error check(void*, const raw_record& which) { return as_text(which.value_bytes()).starts_with("bad") ? error{errc::malformed, "bad"} : error{}; }

void build(void* types, poll_source& from, void* into) {
    strings found;
    raw_part part;
    std::vector<std::shared_ptr<const void>> keep;
    while (from.next(part, keep)) {
        for (const auto& each : part.records) {
            const auto why = check(types, each);
            if (!why) found.emplace_back(as_text(each.value_bytes()));
            else if (!from.undecodable(part, each, why)) break;
        }
    }
    auto& outcome = *static_cast<result<strings>*>(into);
    if (found.empty() && from.failure()) outcome = from.failure();
    else outcome = std::move(found);
}

struct poll_fixture {
    sim::world world{1};
    sim::node_id desk = world.add_node("desk");
    std::shared_ptr<byte_budget> opened = std::make_shared<byte_budget>(10'000);
    std::shared_ptr<inbox> in = std::make_shared<inbox>(1 << 20, opened, function<void()>{});
    std::shared_ptr<callbacks> strand = std::make_shared<callbacks>(world.loop(desk), function<void(function<void()>)>{}, true);
    std::shared_ptr<reader> of = std::make_shared<reader>(in, strand, world.loop(desk), reader_settings{});
    feed_ptr from = std::make_shared<feed>("orders", 0, 1);
    chunk_settings how{true, true, nullptr};

    poll_fixture() {
        in->open(from);
        opened->on_room([this] { world.loop(desk).post([this] { in->room(); }); });
    }
    /// A fetch brings it, for a reader that is at `position`.
    void bring(bytes content, std::int64_t position, std::vector<aborted_transaction> aborted = {}) {
        world.loop(desk).post([this, content = std::move(content), position, aborted = std::move(aborted)]() mutable {
            const auto owner = std::make_shared<bytes>(std::move(content));
            in->put(from, chunk{bytes_view{*owner}, owner, position, std::move(aborted), how});
        });
        world.run_for(10ms);
    }
    op<strings> poll(duration most) { return op<strings>{of->poll(most, 0, nullptr, {&build, &check})}; }
    op<strings> next() { return op<strings>{of->poll(duration::max(), 1, nullptr, {&build, &check})}; }
    static strings values_of(op<strings> polled) {
        const auto got = polled.get();
        REQUIRE_MESSAGE(got, got.error().message());
        return *got;
    }
    /// The poll waits in vain, and for no shorter than it was told.
    void waits_in_vain(op<strings> polled, nanoseconds rest) {
        CHECK_FALSE(polled.ready());
        world.run_for(rest - 20ms);
        CHECK_FALSE(polled.ready());
        REQUIRE(world.run_until([&] { return polled.ready(); }, 30ms));
        CHECK(values_of(std::move(polled)).empty());
    }
};

/// Passes over what cannot be decoded.
struct skipping_fixture : poll_fixture {
    skipping_fixture() {
        reader_settings settings;
        settings.bad = on_bad_record::skip;
        of = std::make_shared<reader>(in, strand, world.loop(desk), settings);
    }
};

}  // namespace

TEST_CASE_FIXTURE(poll_fixture, "markers of transactions do not end a poll, and what is aborted does not where only what is committed is read") {
    auto polled = poll(10s);
    SUBCASE("a marker") {
        bring(marker(0, 7, true), 0);
        waits_in_vain(polled, 10s - 10ms);
    }
    SUBCASE("a marker, then a record") {
        bring(marker(0, 7, true), 0);
        CHECK_FALSE(polled.ready());
        bring(batch(1, {"a"}), 1);
        REQUIRE(polled.ready());
        CHECK(values_of(polled) == strings{"a"});
    }
    SUBCASE("an aborted transaction") {
        auto all = batch(0, {"a", "b"}, 7, protocol::codec::zstd);
        join(all, marker(2, 7, false));
        bring(all, 0, {{7, 0}});
        waits_in_vain(polled, 10s - 10ms);
        CHECK(from->how_far.finished.load() == 3);  // and a commit covers it
    }
    SUBCASE("an aborted transaction, and a record behind it") {
        auto all = batch(0, {"a", "b"}, 7);
        join(all, marker(2, 7, false));
        join(all, batch(3, {"c"}, -1, protocol::codec::zstd));
        bring(all, 0, {{7, 0}});
        REQUIRE(polled.ready());
        CHECK(values_of(polled) == strings{"c"});
    }
}

TEST_CASE_FIXTURE(poll_fixture, "nor does a batch that has nothing from the position on") {
    auto polled = poll(10s);
    SUBCASE("as its records tell") {
        bring(compacted(batch(0, {"a", "b", "c"}, -1, protocol::codec::zstd), 9), 5);
        waits_in_vain(polled, 10s - 10ms);
    }
    SUBCASE("as its header tells") {
        auto content = batch(0, {"a"});
        content.resize(61);                              // an empty batch that keeps a producer's sequence: a header and no records
        store_big_endian(content.data() + 8, std::int32_t{49});
        store_big_endian(content.data() + 57, std::int32_t{0});
        bring(compacted(content, 9), 0);
        waits_in_vain(polled, 10s - 10ms);
    }
    SUBCASE("but what follows does") {
        auto all = compacted(batch(0, {"a", "b", "c"}), 9);
        join(all, batch(10, {"d"}));
        bring(all, 5);
        REQUIRE(polled.ready());
        CHECK(values_of(polled) == strings{"d"});
    }
    SUBCASE("and what is left of a batch does") {
        bring(batch(0, {"a", "b", "c"}, -1, protocol::codec::zstd), 2);
        REQUIRE(polled.ready());
        CHECK(values_of(polled) == strings{"c"});
    }
}

TEST_CASE_FIXTURE(poll_fixture, "nor does one that cannot be opened before the application lets go of others") {
    how.opened = opened;
    opened->settle(0, 20'000);  // what it holds
    auto polled = poll(10s);
    bring(batch(0, {"a"}, -1, protocol::codec::zstd), 0);
    SUBCASE("it does not") { waits_in_vain(polled, 10s - 10ms); }
    SUBCASE("it does") {
        CHECK_FALSE(polled.ready());
        opened->release(20'000);
        world.run_for(10ms);
        REQUIRE(polled.ready());
        CHECK(values_of(polled) == strings{"a"});
    }
}

TEST_CASE_FIXTURE(poll_fixture, "what was there before the poll is passed over in the same way") {
    bring(marker(0, 7, true), 0);
    bring(compacted(batch(1, {"a", "b"}), 8), 4);
    SUBCASE("nothing else is there") {
        auto waiting = poll(10s);
        waits_in_vain(waiting, 10s);
    }
    SUBCASE("a record is") {
        bring(batch(10, {"c"}), 10);
        auto at_once = poll(0s);
        REQUIRE(at_once.ready());
        CHECK(values_of(at_once) == strings{"c"});
    }
}

TEST_CASE_FIXTURE(poll_fixture, "damage in what would be passed over is told, as anywhere") {
    auto polled = poll(10s);
    auto content = marker(0, 7, true);
    content.back() ^= std::byte{1};
    bring(content, 0);
    REQUIRE(polled.ready());
    CHECK(polled.get().code() == errc::corrupt_message);
}

TEST_CASE_FIXTURE(skipping_fixture, "records that are passed over end no poll, and a commit covers them") {
    auto polled = poll(10s);
    SUBCASE("nothing else comes") {
        bring(batch(0, {"bad", "bad"}, -1, protocol::codec::zstd), 0);
        waits_in_vain(polled, 10s - 10ms);
        CHECK(from->how_far.finished.load() == 2);
    }
    SUBCASE("others come") {
        bring(batch(0, {"bad", "bad"}), 0);
        CHECK_FALSE(polled.ready());
        bring(batch(2, {"bad", "a", "bad", "b"}, -1, protocol::codec::zstd), 2);
        REQUIRE(polled.ready());
        CHECK(from->how_far.finished.load() == 3);
        CHECK(values_of(polled) == strings{"a", "b"});
        CHECK(from->how_far.handed.load() == 6);
        CHECK(from->how_far.finished.load() == 3);  // those in hand are not
        CHECK(values_of(poll(0s)).empty());
        CHECK(from->how_far.finished.load() == 6);
    }
    SUBCASE("they were there before") {
        polled.cancel();
        bring(batch(0, {"bad", "bad"}), 0);
        waits_in_vain(poll(10s), 10s);
        bring(batch(2, {"bad", "a"}), 2);
        auto at_once = poll(0s);
        REQUIRE(at_once.ready());
        CHECK(values_of(at_once) == strings{"a"});
    }
}

TEST_CASE_FIXTURE(skipping_fixture, "nor does the next record come before one that can be decoded does") {
    auto polled = next();
    bring(batch(0, {"bad"}), 0);
    world.run_for(60s);
    CHECK_FALSE(polled.ready());
    bring(batch(1, {"bad", "a", "b"}), 1);
    REQUIRE(polled.ready());
    CHECK(values_of(polled) == strings{"a"});
    CHECK(values_of(next()) == strings{"b"});
}

TEST_CASE_FIXTURE(skipping_fixture, "what a poll ended with is not lost when nobody takes it") {
    {
        auto polled = poll(10s);
        bring(batch(0, {"bad", "a", "b"}), 0);
        REQUIRE(polled.ready());
        SUBCASE("") {}
        SUBCASE("since it was cancelled") { polled.cancel(); }
        SUBCASE("for a single one") {
            CHECK(values_of(next()) == strings{"a"});
            CHECK(values_of(poll(0s)) == strings{"b"});
            return;
        }
    }
    CHECK(from->how_far.handed.load() == 1);
    CHECK(values_of(poll(0s)) == strings{"a", "b"});
}

TEST_CASE_FIXTURE(skipping_fixture, "who seeks elsewhere between the end of a poll and its outcome gets nothing of where it was") {
    auto polled = poll(10s);
    bring(batch(0, {"bad", "a", "b"}), 0);
    REQUIRE(polled.ready());
    in->close(from);
    CHECK(values_of(polled).empty());
}

TEST_CASE_FIXTURE(skipping_fixture, "a poll that is cancelled before anybody looked leaves what came to the next") {
    auto polled = poll(10s);
    const auto owner = std::make_shared<bytes>(batch(0, {"bad", "a"}));
    world.loop(desk).post([&] {
        in->put(from, chunk{bytes_view{*owner}, owner, 0, {}, how});
        polled.cancel();
    });
    world.run_for(10ms);
    CHECK(polled.get().code() == errc::cancelled);
    CHECK(values_of(poll(0s)) == strings{"a"});
}

TEST_CASE_FIXTURE(skipping_fixture, "damage and the end are told, as without") {
    auto polled = poll(10s);
    SUBCASE("damage") {
        auto content = batch(0, {"bad"});
        content.back() ^= std::byte{1};
        bring(content, 0);
        REQUIRE(polled.ready());
        CHECK(polled.get().code() == errc::corrupt_message);
    }
    SUBCASE("the end") {
        world.loop(desk).post([&] { in->stop(error{errc::closed, "over"}); });
        world.run_for(10ms);
        REQUIRE(polled.ready());
        CHECK(polled.get().code() == errc::closed);
    }
}
