#include <weir/base/random.hpp>
#include <weir/base/sim/manual_loop.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

using namespace weir;
using namespace std::chrono_literals;

TEST_CASE("steps run in the order posted, and those posted meanwhile after them") {
    sim::manual_loop loop;
    std::string seen;
    loop.post([&] {
        seen += 'a';
        loop.post([&] { seen += 'c'; });
    });
    loop.post([&] { seen += 'b'; });
    CHECK(loop.run_ready() == 3);
    CHECK(seen == "abc");
}

TEST_CASE("the end of a turn comes after what was ready when it began and before what was posted meanwhile") {
    sim::manual_loop loop;
    std::string seen;
    loop.post([&] {
        seen += '1';
        loop.defer_to_turn_end([&] { seen += 'E'; });
        loop.post([&] { seen += '3'; });
    });
    loop.post([&] {
        seen += '2';
        loop.defer_to_turn_end([&] { seen += 'F'; });
    });
    loop.run_ready();
    CHECK(seen == "12EF3");
}

TEST_CASE("something deferred outside of any turn, or by the end of one, still runs once") {
    sim::manual_loop loop;
    int runs = 0;
    loop.defer_to_turn_end([&] {
        ++runs;
        loop.defer_to_turn_end([&] { ++runs; });
    });
    loop.run_ready();
    CHECK(runs == 2);
}

TEST_CASE("timers fire at their time, in order, and see that time") {
    sim::manual_loop loop;
    const auto start = loop.now();
    std::string seen;
    loop.call_after(30ms, [&] {
        seen += 'c';
        CHECK(loop.now() == start + 30ms);
    });
    loop.call_after(10ms, [&] {
        seen += 'a';
        loop.call_after(5ms, [&] { seen += 'b'; });
    });
    loop.call_after(10ms, [&] { seen += 'A'; });
    loop.advance(9ms);
    CHECK(seen.empty());
    loop.advance(1ms);
    CHECK(seen == "aA");
    loop.advance(1h);
    CHECK(seen == "aAbc");
    CHECK(loop.now() == start + 1h + 10ms);
}

TEST_CASE("a cancelled timer never fires, even when it is due already") {
    sim::manual_loop loop;
    timer_id second{};
    int fired = 0;
    loop.call_after(1ms, [&] {
        ++fired;
        loop.cancel(second);
    });
    second = loop.call_after(1ms, [&] { fired += 100; });
    loop.advance(2ms);
    CHECK(fired == 1);
    loop.cancel(second);
    loop.cancel(timer_id::none);
    CHECK_FALSE(loop.next());
}

TEST_CASE("ten thousand timers, half of them cancelled, fire in the order of their times") {
    sim::manual_loop loop;
    const auto start = loop.now();
    random_source random{7};
    std::vector<timer_id> made;
    std::vector<nanoseconds> fired;
    for (int i = 0; i < 10'000; ++i) {
        made.push_back(loop.call_after(nanoseconds{static_cast<std::int64_t>(random.below(1'000'000))},
                                       [&] { fired.push_back(loop.now() - start); }));
    }
    for (std::size_t i = 0; i < made.size(); i += 2) loop.cancel(made[i]);
    loop.advance(1s);
    CHECK(fired.size() == 5'000);
    CHECK(std::is_sorted(fired.begin(), fired.end()));
}

TEST_CASE("the wall clock moves with time and can be set apart from it") {
    sim::manual_clock clock;
    const auto wall = clock.wall_now();
    const auto before = clock.now();
    clock.advance(1500ms);
    CHECK(clock.wall_now() == wall + 1500);
    clock.jump_wall(-1h);
    CHECK(clock.wall_now() == wall + 1500 - 3'600'000);
    CHECK(clock.now() == before + 1500ms);
}
