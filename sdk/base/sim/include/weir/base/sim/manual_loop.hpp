// A clock and a loop that a test moves by hand.
#pragma once
#include <weir/base/sim/posted_doorbell.hpp>
#include <weir/base/sim/step_queue.hpp>

namespace weir::sim {

/// Stands still until told. Monotonic time begins at one hour, wall time at 2026-01-01T00:00Z: far enough from zero
/// that a forgotten initialisation shows.
class manual_clock : public clock {
public:
    time_point now() const noexcept override { return now_; }
    timestamp_ms wall_now() const noexcept override { return wall_at_start_ + milliseconds_since_start(); }
    void advance(nanoseconds by) noexcept { now_ += by; }
    /// Moves the wall clock alone, as an administrator or NTP would.
    void jump_wall(milliseconds by) noexcept { wall_at_start_ += by.count(); }

private:
    static constexpr time_point start{std::chrono::hours{1}};
    std::int64_t milliseconds_since_start() const noexcept {
        return std::chrono::duration_cast<milliseconds>(now_ - start).count();
    }
    time_point now_ = start;
    timestamp_ms wall_at_start_ = 1'767'225'600'000;
};

/// A loop without a thread: nothing runs until the test says so, and time passes only in advance(). Single-threaded;
/// running_here() is always true.
class manual_loop final : public event_loop {
public:
    manual_loop() = default;
    ~manual_loop() override;
    time_point now() const noexcept override { return clock_.now(); }
    timestamp_ms wall_now() const noexcept override { return clock_.wall_now(); }
    void post(function<void()> step) override { queue_.post(std::move(step)); }
    std::unique_ptr<doorbell> hang_doorbell(function<void()> step) override { return std::make_unique<posted_doorbell>(*this, std::move(step)); }
    timer_id call_at(time_point when, function<void()> step) override { return queue_.call_at(when, std::move(step)); }
    void cancel(timer_id timer) noexcept override { queue_.cancel(timer); }
    void defer_to_turn_end(function<void()> step) override { queue_.defer_to_turn_end(std::move(step)); }
    bool running_here() const noexcept override { return true; }

    /// Runs one step; false when nothing is ready at this instant.
    bool step() { return queue_.step(now()); }
    /// Runs until nothing is ready at this instant, and returns how many steps that took. Throws std::logic_error after
    /// a million: something posts itself for ever.
    std::size_t run_ready();
    /// Lets `by` pass, stopping at every timer on the way to run it at its time.
    void advance(nanoseconds by);
    void jump_wall(milliseconds by) noexcept { clock_.jump_wall(by); }
    /// When there will be something to do; nullopt: never.
    std::optional<time_point> next() const noexcept { return queue_.next(now()); }

private:
    manual_clock clock_;
    step_queue queue_;
};

}  // namespace weir::sim
