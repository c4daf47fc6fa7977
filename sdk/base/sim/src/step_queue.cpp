#include <weir/base/sim/step_queue.hpp>

namespace weir::sim {

bool step_queue::step(time_point now) {
    if (left_in_turn_ == 0) {
        for (auto due = timers_.pop_due(now); due != timer_id::none; due = timers_.pop_due(now)) ready_.push_back({due, {}});
        left_in_turn_ = ready_.size();
    }
    if (left_in_turn_ == 0 && turn_end_.empty()) return false;
    if (left_in_turn_ > 0) {
        auto next = std::move(ready_.front());
        ready_.pop_front();
        --left_in_turn_;
        auto step = next.timer == timer_id::none ? std::move(next.step) : timers_.take(next.timer);
        if (step) step();
    }
    if (left_in_turn_ == 0) {
        auto ending = std::move(turn_end_);  // what these defer belongs to the next turn
        turn_end_.clear();
        for (auto& step : ending) step();
    }
    return true;
}

std::optional<time_point> step_queue::next(time_point now) const noexcept {
    if (!ready_.empty() || !turn_end_.empty()) return now;
    return timers_.next();
}

void step_queue::clear() noexcept {
    // Steps own things whose destructors may post or cancel: empty the queue before they go.
    while (!ready_.empty() || !turn_end_.empty() || !timers_.empty()) {
        const auto ready = std::exchange(ready_, {});
        const auto ending = std::exchange(turn_end_, {});
        timers_.clear();
    }
    timers_.clear();
    left_in_turn_ = 0;
}

}  // namespace weir::sim
