// Values of the last half minute to minute, as Kafka's own sensors keep them: two windows, of which the older one goes.
#pragma once
#include <weir/base/time.hpp>

#include <algorithm>
#include <cstdint>

namespace weir::raft {

class recent_values {
public:
    static constexpr nanoseconds window = std::chrono::seconds{30};

    void add(double value, time_point now) noexcept {
        if (now - newer_.begun >= window || newer_.count == 0) {
            older_ = newer_;
            newer_ = {now, 0, 0, 0};
        }
        ++newer_.count;
        newer_.sum += value;
        newer_.most = std::max(newer_.most, value);
    }
    /// 0 when there are none; so is max.
    double average(time_point now) const noexcept {
        const auto both = kept(now);
        return both.count == 0 ? 0 : both.sum / static_cast<double>(both.count);
    }
    double max(time_point now) const noexcept { return kept(now).most; }
    /// Their sum for each second.
    double rate(time_point now) const noexcept {
        const auto both = kept(now);
        const auto time = std::max<nanoseconds>(both.count == 0 ? window : now - both.begun, window);
        return both.sum / std::chrono::duration<double>(time).count();
    }

private:
    struct values {
        time_point begun{};
        std::uint64_t count = 0;
        double sum = 0;
        double most = 0;
    };
    values kept(time_point now) const noexcept {
        values both;
        for (const auto* each : {&older_, &newer_}) {
            if (each->count == 0 || now - each->begun >= 2 * window) continue;
            if (both.count == 0) both.begun = each->begun;
            both.count += each->count;
            both.sum += each->sum;
            both.most = std::max(both.most, each->most);
        }
        return both;
    }
    values older_, newer_;
};

}  // namespace weir::raft
