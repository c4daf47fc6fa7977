// What is on loan: records found among what was acquired, verdicts, and what comes back by itself.
#include "consumer/share_ledger.hpp"
#include "record_batches.hpp"

#include <weir/base/sim/manual_loop.hpp>

#include <doctest/doctest.h>

using namespace weir;
using namespace weir::detail;
using namespace std::chrono_literals;

namespace {

const place where{uuid{1, 1}, 2};
const lender from{7, 1};

struct ledger_fixture {
    sim::manual_loop loop;
    int told = 0;
    std::shared_ptr<share_counters> counters = std::make_shared<share_counters>();
    std::shared_ptr<share_ledger> ledger = std::make_shared<share_ledger>(loop, counters, [this] { ++told; });

    /// A batch of as many records from offset 0; `acquired` of them are lent.
    std::shared_ptr<lease_part> lend(int records, std::vector<acquired_range> acquired, bool broken = false) {
        std::vector<std::string> values;
        for (int i = 0; i < records; ++i) values.push_back("v" + std::to_string(i));
        auto content = std::make_shared<bytes>(weir::test::make_batch(values, 0, {}));
        if (broken) content->back() ^= std::byte{1};
        const auto first = acquired.front().first;
        return std::make_shared<lease_part>(ledger, from, where, "jobs", chunk{bytes_view{*content}, content, first, {}, chunk_settings{}}, std::move(acquired), loop.now() + 30s);
    }
    std::map<std::int64_t, verdict> decided() { return ledger->take(from).decided[where]; }
};

std::string value_of(lease_part& part, std::size_t index) {
    lent_record found;
    part.describe(index, found);
    return std::string{as_text(found.raw->value_bytes())};
}

}  // namespace

TEST_CASE_FIXTURE(ledger_fixture, "of what a broker sends, only what it acquired for this consumer is handed out") {
    const auto part = lend(10, {{2, 3, 1}, {7, 8, 4}});
    REQUIRE(!part->open());
    REQUIRE(part->size() == 4);
    CHECK(value_of(*part, 0) == "v2");
    CHECK(value_of(*part, 3) == "v8");
    CHECK(part->delivery_count(1) == 1);
    CHECK(part->delivery_count(2) == 4);
    lent_record found;
    part->describe(2, found);
    CHECK(found.where.offset == 7);
    CHECK(found.where.topic == "jobs");
    CHECK(found.loan.time_left() == 30s);
}

TEST_CASE("what a broker lends has an order, and a size that its records justify") {
    using said = protocol::share_fetch_response::acquired_records_data;
    const auto range = [](std::int64_t first, std::int64_t last) {
        said one;
        one.first_offset = first;
        one.last_offset = last;
        one.delivery_count = 1;
        return one;
    };
    constexpr auto highest = std::numeric_limits<std::int64_t>::max();
    const auto good = acquired_ranges({range(20, 29), range(5, 5), range(6, 9)}, 100);
    REQUIRE(good);
    CHECK(good->front().first == 5);
    CHECK(good->back().last == 29);
    CHECK(acquired_ranges({range(0, 999'999)}, 61));
    CHECK(acquired_ranges({range(0, 1'999'999)}, 2'000'000));
    CHECK(acquired_ranges({range(highest, highest)}, 61));
    for (const auto& bad : std::vector<std::vector<said>>{{range(-1, 3)},
                                                          {range(3, 2)},
                                                          {range(0, 5), range(5, 9)},
                                                          {range(0, highest)},
                                                          {range(0, std::int64_t{1} << 62)},
                                                          {range(std::numeric_limits<std::int64_t>::min(), highest)},
                                                          {range(0, 999'999), range(1'000'000, 1'999'999)}}) {
        CHECK(acquired_ranges(bad, 61).code() == errc::malformed);
    }
}

TEST_CASE_FIXTURE(ledger_fixture, "acquired offsets without a record are accounted for") {
    const auto part = lend(4, {{2, 6, 1}});
    REQUIRE(!part->open());
    CHECK(part->size() == 2);
    CHECK(decided() == std::map<std::int64_t, verdict>{{4, verdict::gap}, {5, verdict::gap}, {6, verdict::gap}});
}

TEST_CASE_FIXTURE(ledger_fixture, "the first verdict counts, and is told once") {
    const auto part = lend(3, {{0, 2, 1}});
    part->open();
    CHECK(told == 0);
    CHECK(part->decide(0, verdict::accept));
    CHECK(!part->decide(0, verdict::reject));
    CHECK(part->decide(1, verdict::reject));
    CHECK(told == 1);
    CHECK(ledger->waiting().contains(from));
    CHECK(decided() == std::map<std::int64_t, verdict>{{0, verdict::accept}, {1, verdict::reject}});
    CHECK(ledger->waiting().empty());
    CHECK(decided().empty());
}

TEST_CASE_FIXTURE(ledger_fixture, "a renewal does not wait, and leaves the verdict open") {
    const auto part = lend(2, {{0, 1, 1}});
    part->open();
    part->decide(0, verdict::renew);
    CHECK(ledger->waiting().at(from));
    const auto news = ledger->take(from);
    CHECK(news.decided.empty());
    CHECK(news.renewals.at(where) == std::map<std::int64_t, verdict>{{0, verdict::renew}});
    REQUIRE(news.renewing.size() == 1);
    news.renewing[0]->renewed(news.renewals.at(where), loop.now() + 60s);
    CHECK(part->ends(0) == loop.now() + 60s);
    CHECK(part->ends(1) == loop.now() + 30s);
    CHECK(part->decide(0, verdict::accept));
    CHECK(decided() == std::map<std::int64_t, verdict>{{0, verdict::accept}});
}

TEST_CASE_FIXTURE(ledger_fixture, "a verdict after the end of its loan is kept from the broker, which would refuse the others with it") {
    const auto part = lend(3, {{0, 2, 1}});
    part->open();
    part->decide(0, verdict::renew);
    ledger->take(from).renewing[0]->renewed({{0, verdict::renew}}, loop.now() + 60s);
    loop.advance(30s);
    part->decide(0, verdict::accept);
    part->decide(1, verdict::accept);
    part->decide(2, verdict::renew);
    const auto news = ledger->take(from);
    CHECK(news.decided.at(where) == std::map<std::int64_t, verdict>{{0, verdict::accept}});
    CHECK(news.renewals.empty());
    CHECK(news.late.at(where) == std::map<std::int64_t, verdict>{{1, verdict::accept}, {2, verdict::renew}});
    CHECK(counters->expired.value() == 1);  // the other may still be decided about, in vain
    part->decide(2, verdict::accept);
    CHECK(ledger->take(from).late.at(where) == std::map<std::int64_t, verdict>{{2, verdict::accept}});
    CHECK(counters->expired.value() == 2);
}

TEST_CASE_FIXTURE(ledger_fixture, "what nobody decided about goes back with the last handle, read or not") {
    auto part = lend(3, {{0, 2, 1}});
    part->open();
    part->decide(1, verdict::accept);
    CHECK(decided().size() == 1);
    part->forget(2);
    part.reset();
    CHECK(decided() == std::map<std::int64_t, verdict>{{0, verdict::release}});
    lend(3, {{0, 1, 1}}).reset();
    CHECK(decided() == std::map<std::int64_t, verdict>{{0, verdict::release}, {1, verdict::release}});
}

TEST_CASE_FIXTURE(ledger_fixture, "records whose time is up are counted once, whoever notices") {
    auto part = lend(4, {{0, 3, 1}});
    part->open();
    part->decide(0, verdict::accept);
    CHECK(decided().size() == 1);
    auto unread = lend(4, {{0, 2, 1}}), waiting = lend(4, {{0, 3, 1}});
    loop.advance(30s);
    part->forget(1);  // as who hands out records notices
    part->forget(1);
    CHECK(counters->expired.value() == 1);
    part.reset();
    CHECK(counters->expired.value() == 3);
    unread.reset();
    CHECK(counters->expired.value() == 6);
    waiting->forget_all();
    waiting.reset();
    CHECK(counters->expired.value() == 10);
    CHECK(decided().empty());
}

TEST_CASE_FIXTURE(ledger_fixture, "records that cannot be read go back, and it is told") {
    const auto part = lend(3, {{0, 2, 1}}, true);
    CHECK(part->open().code() == errc::corrupt_message);
    CHECK(part->size() == 0);
    CHECK(decided().size() == 3);
}

TEST_CASE_FIXTURE(ledger_fixture, "a loan outlives its consumer") {
    auto part = lend(1, {{0, 0, 1}});
    part->open();
    lent_record found;
    part->describe(0, found);
    ledger->close();
    ledger->stop_clock();
    part.reset();
    CHECK(found.loan.time_left() == 0s);
    found.loan.decide(acknowledgement::accept);
    CHECK(ledger->waiting().empty());
}
