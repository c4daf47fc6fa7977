#include "producer/record_clock.hpp"

#include <doctest/doctest.h>

namespace weir::detail {
namespace {

/// The exact clock counts its readings; the cheap one moves every four milliseconds, as a kernel's does.
struct ticking_clock final : clock {
    time_point now() const noexcept override { return time_point{nanoseconds{at}}; }
    timestamp_ms wall_now() const noexcept override {
        ++readings;
        return at / 1'000'000;
    }
    timestamp_ms wall_recent() const noexcept override { return at / 4'000'000 * 4; }

    std::int64_t at = 1'767'225'600'000'000'000;
    mutable int readings = 0;
};

TEST_CASE("record clock: few readings under load, right to the millisecond") {
    ticking_clock time;
    record_clock stamps{time};
    timestamp_ms before = 0;
    for (int i = 0; i < 100'000; ++i) {
        time.at += 200;
        const auto stamp = stamps.now();
        const auto truth = time.at / 1'000'000;
        CHECK(stamp <= truth);
        CHECK(stamp >= truth - 1);
        CHECK(stamp >= before);
        before = stamp;
    }
    CHECK(time.readings < 100'000 / 25);
}

TEST_CASE("record clock: seldom records are stamped exactly") {
    ticking_clock time;
    record_clock stamps{time};
    for (int i = 0; i < 1000; ++i) {
        time.at += 1'300'000;
        CHECK(stamps.now() == time.at / 1'000'000);
    }
}

TEST_CASE("record clock: a pause after load ends with the next tick") {
    ticking_clock time;
    record_clock stamps{time};
    for (int i = 0; i < 1000; ++i) (void)stamps.now();
    time.at += 4'000'000;
    CHECK(stamps.now() == time.at / 1'000'000);
}

TEST_CASE("record clock: follows a clock that is set back") {
    ticking_clock time;
    record_clock stamps{time};
    for (int i = 0; i < 1000; ++i) (void)stamps.now();
    time.at -= 3'600'000'000'000;
    CHECK(stamps.now() == time.at / 1'000'000);
}

}  // namespace
}  // namespace weir::detail
