// What a simulated loop has to do: posted steps, due timers and ends of turns, one at a time.
#pragma once
#include <weir/base/detail/timer_queue.hpp>
#include <weir/base/event_loop.hpp>

#include <deque>
#include <optional>
#include <vector>

namespace weir::sim {

/// Time is told, never read. Turns are those of a real loop: what was ready when a turn began runs, then what was
/// deferred to its end.
class step_queue {
public:
    void post(function<void()> step) { ready_.push_back({timer_id::none, std::move(step)}); }
    timer_id call_at(time_point when, function<void()> step) { return timers_.add(when, std::move(step)); }
    void cancel(timer_id timer) noexcept { timers_.cancel(timer); }
    void defer_to_turn_end(function<void()> step) { turn_end_.push_back(std::move(step)); }

    /// Runs the next step, and the end of the turn when that was its last. False when there is nothing to do at `now`.
    bool step(time_point now);
    /// When there will be something to do: `now` or the first timer.
    std::optional<time_point> next(time_point now) const noexcept;
    void clear() noexcept;

private:
    struct item {
        timer_id timer;
        function<void()> step;
    };
    detail::timer_queue timers_;
    std::deque<item> ready_;
    std::vector<function<void()>> turn_end_;
    std::size_t left_in_turn_ = 0;
};

}  // namespace weir::sim
