// The machine's clocks, and pauses between sends.
#pragma once
#include <weir/base/asio_runtime.hpp>

#include <condition_variable>
#include <mutex>
#include <string>

namespace weir::tools {

class stopwatch {
public:
    time_point now() { return loops_.loop(0).now(); }
    timestamp_ms wall_now() { return loops_.loop(0).wall_now(); }
    /// Blocks until then.
    void wait_until(time_point when) {
        std::unique_lock lock{mutex_};
        for (auto at = now(); at < when; at = now()) pause_.wait_for(lock, when - at);
    }

private:
    runtime loops_{1};  // never started: only its clocks are used
    std::mutex mutex_;
    std::condition_variable pause_;
};

/// So many records a second, evenly; below 0: as fast as possible.
class pacer {
public:
    pacer(stopwatch& time, double records_per_second) : time_(time), start_(time.now()), rate_(records_per_second) {}
    /// After `sent` records: waits while that is ahead of the rate.
    void after(std::int64_t sent) {
        if (rate_ <= 0) return;
        const auto due = start_ + std::chrono::duration_cast<nanoseconds>(std::chrono::duration<double>{static_cast<double>(sent) / rate_});
        // Short waits gather: the kernel wakes late, and what is late is caught up with.
        if (due - time_.now() > std::chrono::milliseconds{2}) time_.wait_until(due);
    }

private:
    stopwatch& time_;
    time_point start_;
    double rate_;
};

/// Local time as "2026-11-21 10:00:49:975", or as another format of Java's SimpleDateFormat: yyyy, MM, dd, HH, mm, ss, SSS, and
/// 'text'. Throws weir::exception (errc::invalid_setting) for other letters.
std::string format_time(timestamp_ms when, std::string_view format = "yyyy-MM-dd HH:mm:ss:SSS");

}  // namespace weir::tools
