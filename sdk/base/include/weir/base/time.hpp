// Time as the rest of the code sees it: two clocks, read only through the seam.
#pragma once
#include <chrono>
#include <cstdint>

namespace weir {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

/// Monotonic time, for deadlines and intervals. There is no now(): ask the event loop or the clock you were given.
struct monotonic_clock {
    using duration = nanoseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<monotonic_clock>;
    static constexpr bool is_steady = true;
};
using time_point = monotonic_clock::time_point;

/// Kafka's timestamps: milliseconds since 1970-01-01T00:00Z, -1 for "none".
using timestamp_ms = std::int64_t;
inline constexpr timestamp_ms no_timestamp = -1;

class clock {
public:
    virtual ~clock() = default;
    virtual time_point now() const noexcept = 0;
    virtual timestamp_ms wall_now() const noexcept = 0;
    /// The same for a fraction of the cost: a few milliseconds behind at most, never ahead.
    virtual timestamp_ms wall_recent() const noexcept { return wall_now(); }
};

}  // namespace weir
