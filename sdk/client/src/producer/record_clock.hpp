// What time records are stamped with.
#pragma once
#include <weir/base/time.hpp>

#include <algorithm>

namespace weir::detail {

/// Right to the millisecond while records come steadily, and never further behind than the cheap clock is. Reading the
/// exact clock costs as much as the rest of a small record, so under load it is read for some records only: as many in
/// one millisecond as it takes to double their number.
class record_clock {
public:
    explicit record_clock(const clock& time) noexcept : time_(time) {}

    timestamp_ms now() noexcept {
        const auto recent = time_.wall_recent();
        if (recent == recent_ && trusted_ > 0) {
            --trusted_;
            return last_;
        }
        const auto exact = time_.wall_now();
        trusting_ = recent == recent_ && exact == last_ ? std::min(2 * trusting_ + 1, most_trusted) : 0;
        trusted_ = trusting_;
        recent_ = recent;
        last_ = exact;
        return exact;
    }

private:
    static constexpr int most_trusted = 63;

    const clock& time_;
    timestamp_ms recent_ = no_timestamp;
    timestamp_ms last_ = no_timestamp;
    int trusting_ = 0;  // records that go without a reading of their own,
    int trusted_ = 0;   // and those of them still to come
};

}  // namespace weir::detail
