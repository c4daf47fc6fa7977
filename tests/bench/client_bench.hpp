// What the client benchmarks share: arguments, CPU and wall clocks, one comparable line each.
#pragma once
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace weir::bench {

struct produce_run {
    std::string bootstrap, topic;
    std::size_t messages = 0, bytes = 0;
    bool latency = false;
    bool told = false;       ///< each record's outcome goes to a callback
    std::int32_t first = 0;  ///< only the first partitions, in turn; 0: wherever the client chooses
};
inline produce_run parse_produce(int argc, char** argv) {
    if (argc < 5) {
        std::fprintf(stderr, "usage: %s <bootstrap> <topic> <messages> <bytes> [latency | told | first <partitions>]\n", argv[0]);
        std::exit(2);
    }
    const std::string how = argc > 5 ? argv[5] : "";
    return {argv[1], argv[2], std::strtoul(argv[3], nullptr, 10), std::strtoul(argv[4], nullptr, 10), how == "latency", how == "told",
            argc > 6 ? static_cast<std::int32_t>(std::strtol(argv[6], nullptr, 10)) : 0};
}

struct consume_run {
    std::string bootstrap, topic;
    std::int32_t partitions = 0;
    std::size_t messages = 0;
    bool slow = false;
};
inline consume_run parse_consume(int argc, char** argv) {
    if (argc < 5) {
        std::fprintf(stderr, "usage: %s <bootstrap> <topic> <partitions> <messages> [slow]\n", argv[0]);
        std::exit(2);
    }
    return {argv[1], argv[2], static_cast<std::int32_t>(std::strtol(argv[3], nullptr, 10)), std::strtoul(argv[4], nullptr, 10), argc > 5};
}

inline double cpu_seconds() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    const auto seconds = [](const timeval& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6; };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

inline double peak_bytes() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    return static_cast<double>(used.ru_maxrss) * 1024;
}

/// One line of name=value pairs after the client's name.
class throughput_report {
public:
    explicit throughput_report(const char* name) : name_(name) { begin(); }
    void begin() {
        cpu_ = cpu_seconds();
        began_ = std::chrono::steady_clock::now();
    }
    void print(std::size_t messages, std::size_t bytes) const {
        const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
        const double cpu = cpu_seconds() - cpu_;
        const auto count = static_cast<double>(messages);
        std::printf("%-10s messages=%zu per_s=%.0f mb_per_s=%.1f cpu_s=%.3f per_cpu_s=%.0f\n", name_, messages, count / wall, static_cast<double>(bytes) / wall / 1e6, cpu,
                    count / cpu);
    }

private:
    const char* name_;
    double cpu_ = 0;
    std::chrono::steady_clock::time_point began_;
};

class latency_report {
public:
    explicit latency_report(const char* name) : name_(name) {}
    ~latency_report() {
        std::sort(all_.begin(), all_.end());
        const auto at = [&](double part) { return all_.empty() ? 0.0 : all_[static_cast<std::size_t>(part * static_cast<double>(all_.size() - 1))]; };
        std::printf("%-10s p50_us=%.0f p99_us=%.0f\n", name_, at(0.5), at(0.99));
    }
    static std::chrono::steady_clock::time_point now() { return std::chrono::steady_clock::now(); }
    void add(std::chrono::steady_clock::time_point began) { all_.push_back(std::chrono::duration<double, std::micro>(now() - began).count()); }

private:
    const char* name_;
    std::vector<double> all_;
};

}  // namespace weir::bench
