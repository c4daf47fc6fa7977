#include "send_statistics.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace weir::tools {

namespace {

constexpr std::int64_t most_latencies = 500'000;

double per_second(double amount, timestamp_ms elapsed) { return 1'000.0 * amount / static_cast<double>(std::max<timestamp_ms>(1, elapsed)); }
double megabytes(std::int64_t bytes) { return static_cast<double>(bytes) / (1024.0 * 1024.0); }
double mean(const send_statistics::sums& of) { return static_cast<double>(of.latency) / static_cast<double>(std::max<std::int64_t>(1, of.count)); }

}  // namespace

void send_statistics::sums::add(std::int64_t latency_ms, std::size_t size) noexcept {
    ++count;
    latency += latency_ms;
    longest = std::max(longest, latency_ms);
    bytes += static_cast<std::int64_t>(size);
}

send_statistics::send_statistics(std::int64_t expected, timestamp_ms start, bool steady_state)
    : start_(start), window_start_(start), steady_state_(steady_state), sampling_(std::max<std::int64_t>(1, expected / most_latencies)) {}

void send_statistics::record(std::int64_t latency_ms, std::size_t bytes) {
    if (total_.count % sampling_ == 0) latencies_.push_back(latency_ms);
    total_.add(latency_ms, bytes);
    window_.add(latency_ms, bytes);
}

std::string send_statistics::window_line(timestamp_ms now) {
    const auto elapsed = now - window_start_;
    auto line = fmt::format("{} records sent, {:.1f} records/sec ({:.2f} MB/sec), {:.1f} ms avg latency, {:.1f} ms max latency.", window_.count,
                            per_second(static_cast<double>(window_.count), elapsed), per_second(megabytes(window_.bytes), elapsed), mean(window_),
                            static_cast<double>(window_.longest));
    window_ = {};
    window_start_ = now;
    return line;
}

std::vector<std::int64_t> send_statistics::percentiles() {
    std::sort(latencies_.begin(), latencies_.end());
    std::vector<std::int64_t> found;
    for (const double share : {0.5, 0.95, 0.99, 0.999})
        found.push_back(latencies_.empty() ? 0 : latencies_[static_cast<std::size_t>(share * static_cast<double>(latencies_.size()))]);
    return found;
}

std::string send_statistics::total_line(timestamp_ms now) {
    const auto elapsed = now - start_;
    const auto shares = percentiles();
    return fmt::format("{}{} records sent, {:f} records/sec ({:.2f} MB/sec), {:.2f} ms avg latency, {:.2f} ms max latency, {} ms 50th, {} ms 95th, {} ms 99th, {} ms 99.9th.",
                       total_.count, steady_state_ ? " steady state" : "", per_second(static_cast<double>(total_.count), elapsed), per_second(megabytes(total_.bytes), elapsed),
                       mean(total_), static_cast<double>(total_.longest), shares[0], shares[1], shares[2], shares[3]);
}

}  // namespace weir::tools
