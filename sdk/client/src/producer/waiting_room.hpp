// Records and questions that wait for their topic or for room.
#pragma once
#include <weir/base/event_loop.hpp>
#include <weir/base/function.hpp>

#include <atomic>
#include <deque>
#include <memory>
#include <vector>

namespace weir::detail {

/// For max.block.ms at most each. On the loop, but for `expected`.
class waiting_room : public std::enable_shared_from_this<waiting_room> {
public:
    enum class outcome : std::uint8_t { over, no_topic, no_room };
    struct guest {
        time_point until;
        function<outcome()> attempt;
        function<void()> too_late;
    };
    explicit waiting_room(event_loop& loop) noexcept : loop_(loop) {}
    /// Records take turns: none goes before another that waits for room.
    void add_record(guest waiting);
    void add_question(guest waiting);
    void retry();
    /// How many records wait here, or are on their way to. Any thread.
    std::atomic<std::size_t> expected{0};

private:
    void watch(time_point until);
    void look_at_the_clock();
    event_loop& loop_;
    std::deque<guest> records_;
    std::vector<guest> questions_;
    time_point alarm_at_ = time_point::max();  // one for all: those that do not wait for so long leave none behind
};

}  // namespace weir::detail
