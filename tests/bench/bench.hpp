// The timing of micro-benchmarks: one comparable line per case. The only place that reads a clock of the system itself.
#pragma once
#include <ctime>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string_view>

namespace weir::bench {

/// CPU time of this thread: other programs on the machine cost accuracy, not correctness.
inline std::int64_t cpu_nanoseconds() noexcept {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return std::int64_t{now.tv_sec} * 1000000000 + now.tv_nsec;
}

/// Keeps the compiler from dropping work whose result nobody uses.
template <class T>
void keep(const T& value) noexcept {
    asm volatile("" : : "g"(&value) : "memory");
}

/// Runs `work` for about 0.3 s in slices and prints the best slice:
///     records.check.none      bytes=16544  ns/op=1234  MB/s=13406  op=batch
/// `bytes` is what one call processes; `op` names the call.
template <class Work>
void run(std::string_view name, std::string_view op, std::size_t bytes, Work work) {
    constexpr std::int64_t slice = 30'000'000;
    constexpr int slices = 10;
    std::int64_t calls = 1;
    for (;; calls *= 2) {  // also warms up
        const auto start = cpu_nanoseconds();
        for (std::int64_t i = 0; i < calls; ++i) work();
        if (cpu_nanoseconds() - start > slice / 2) break;
    }
    double best = 1e18;
    for (int round = 0; round < slices; ++round) {
        const auto start = cpu_nanoseconds();
        for (std::int64_t i = 0; i < calls; ++i) work();
        best = std::min(best, static_cast<double>(cpu_nanoseconds() - start) / static_cast<double>(calls));
    }
    std::printf("%-32.*s bytes=%-9zu ns/op=%-12.1f MB/s=%-8.0f op=%.*s\n", static_cast<int>(name.size()), name.data(),
                bytes, best, static_cast<double>(bytes) * 1000.0 / best, static_cast<int>(op.size()), op.data());
}

}  // namespace weir::bench
