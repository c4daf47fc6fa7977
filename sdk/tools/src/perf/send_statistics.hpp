// What the producer's performance test counts and prints. No clock inside.
#pragma once
#include <weir/base/time.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace weir::tools {

/// Latencies in whole milliseconds, kept for at most 500,000 of the records, evenly chosen.
class send_statistics {
public:
    send_statistics(std::int64_t expected, timestamp_ms start, bool steady_state = false);
    void record(std::int64_t latency_ms, std::size_t bytes);
    std::int64_t count() const noexcept { return total_.count; }
    /// Whether there is something to say since the last line().
    bool window_has_records() const noexcept { return window_.count > 0; }
    timestamp_ms window_start() const noexcept { return window_start_; }
    /// "994 records sent, 992.0 records/sec (0.09 MB/sec), 49.2 ms avg latency, 489.0 ms max latency.", and begins anew.
    std::string window_line(timestamp_ms now);
    /// "2000 records sent, 991.080278 records/sec ... 100 ms 99.9th."
    std::string total_line(timestamp_ms now);
    /// [0.5, 0.95, 0.99, 0.999] of what was kept.
    std::vector<std::int64_t> percentiles();
    struct sums {
        std::int64_t count = 0, latency = 0, longest = 0, bytes = 0;
        void add(std::int64_t latency_ms, std::size_t size) noexcept;
    };
    const sums& total() const noexcept { return total_; }
    timestamp_ms start() const noexcept { return start_; }

private:
    timestamp_ms start_, window_start_;
    bool steady_state_;
    std::int64_t sampling_;
    sums total_, window_;
    std::vector<std::int64_t> latencies_;
};

}  // namespace weir::tools
