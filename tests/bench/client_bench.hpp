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
};
inline produce_run parse_produce(int argc, char** argv) {
    if (argc < 5) {
        std::fprintf(stderr, "usage: %s <bootstrap> <topic> <messages> <bytes> [latency]\n", argv[0]);
        std::exit(2);
    }
    return {argv[1], argv[2], std::strtoul(argv[3], nullptr, 10), std::strtoul(argv[4], nullptr, 10), argc > 5};
}

inline double cpu_seconds() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    const auto seconds = [](const timeval& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6; };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

class throughput_report {
public:
    throughput_report(const char* name, std::size_t messages, std::size_t bytes) : name_(name), messages_(messages), bytes_(bytes) {}
    void print() const {
        const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
        const double cpu = cpu_seconds() - cpu_;
        const auto count = static_cast<double>(messages_);
        std::printf("%-10s %zu messages of %zu B: %.0f/s, %.1f MB/s, %.2f s of CPU, %.0f messages per CPU second\n", name_, messages_, bytes_, count / wall,
                    count * static_cast<double>(bytes_) / wall / 1e6, cpu, count / cpu);
    }

private:
    const char* name_;
    std::size_t messages_, bytes_;
    double cpu_ = cpu_seconds();
    std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

class latency_report {
public:
    explicit latency_report(const char* name) : name_(name) {}
    ~latency_report() {
        std::sort(all_.begin(), all_.end());
        const auto at = [&](double part) { return all_.empty() ? 0.0 : all_[static_cast<std::size_t>(part * static_cast<double>(all_.size() - 1))]; };
        std::printf("%-10s one record at a time: p50 %.0f us, p99 %.0f us\n", name_, at(0.5), at(0.99));
    }
    static std::chrono::steady_clock::time_point now() { return std::chrono::steady_clock::now(); }
    void add(std::chrono::steady_clock::time_point began) { all_.push_back(std::chrono::duration<double, std::micro>(now() - began).count()); }

private:
    const char* name_;
    std::vector<double> all_;
};

}  // namespace weir::bench
