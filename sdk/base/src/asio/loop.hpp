// One real loop: an io_context for readiness and waking, our own queue for steps and timers.
#pragma once
#include "doorbells.hpp"

#include <weir/base/detail/timer_queue.hpp>
#include <weir/base/event_loop.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <vector>

namespace weir::detail {

class asio_loop final : public event_loop {
public:
    asio_loop();
    ~asio_loop() override;

    time_point now() const noexcept override;
    timestamp_ms wall_now() const noexcept override;
    timestamp_ms wall_recent() const noexcept override;
    void post(function<void()> step) override;
    // Of these two, what throws ends the program, as on the loop's own thread.
    void run_or_post(function<void()> step) noexcept override;
    void lend_thread(function<bool()> reached, nanoseconds most) noexcept override;
    std::unique_ptr<doorbell> hang_doorbell(function<void()> step) override { return doorbells_->hang(std::move(step)); }
    timer_id call_at(time_point when, function<void()> step) override;
    void cancel(timer_id timer) noexcept override;
    void defer_to_turn_end(function<void()> step) override;
    bool running_here() const noexcept override;

    /// Turns until stop().
    void run();
    void stop() noexcept;  ///< any thread
    nanoseconds slept() const noexcept { return nanoseconds{slept_.load(std::memory_order_relaxed)}; }  ///< any thread
    /// Drops the steps that never ran; with the loop's thread gone.
    void drop_steps() noexcept;
    /// The same, and the io_context. Afterwards posting is harmless, so that all loops can do this before the first is gone.
    void shut_down() noexcept;
    boost::asio::io_context& io() noexcept { return *io_; }
    /// Every handler given to Asio goes through here: it may find that another thread has taken this one's place.
    template <class F>
    auto handler(F what) {
        return [this, what = std::move(what)](auto&&... outcome) mutable {
            wake_up();
            what(std::forward<decltype(outcome)>(outcome)...);
        };
    }
    /// What such a handler hands on: runs in this turn. Own thread only.
    void run_in_this_turn(function<void()> step) { ready_.push_back({timer_id::none, std::move(step)}); }

private:
    struct item {
        timer_id timer;
        function<void()> step;
    };
    bool something_to_do() const noexcept;
    void arm();
    void take_remote();
    void turn();
    void run_steps();
    void sleep();
    void wake_up();
    void step_aside(std::unique_lock<std::mutex>& held);
    void call_back();
    void fetch_thread();
    /// Whether a thread other than the loop's own may take its place; with the turn held.
    bool free() const noexcept { return !guest_ && (asleep_ || aside_); }

    // Behind an optional, so that it can go first: handlers it drops may own things that still call this loop.
    std::optional<boost::asio::io_context> io_;
    std::optional<boost::asio::steady_timer> alarm_;
    std::optional<doorbells> doorbells_;
    std::optional<time_point> armed_for_;
    timer_queue timers_;
    std::vector<item> ready_;
    std::vector<item> turn_;
    std::vector<function<void()>> turn_end_;
    /// Whoever holds it is the loop: its own thread, but for while that sleeps or has stepped aside for a guest.
    std::mutex turn_mutex_;
    bool asleep_ = false;  // within Asio; written by who sleeps, under the lock
    std::atomic<bool> guest_{false};  // a thread is lent; this and the next are written under the lock
    std::atomic<bool> aside_{false};  // the loop's own thread waits for the guest to be gone
    bool stays_ = false;
    std::uint64_t visits_ = 0;
    int visits_in_a_row_ = 0;
    time_point last_visit_{};
    std::atomic<bool> called_back_{false};
    std::condition_variable changed_places_;
    std::mutex remote_mutex_;
    std::vector<function<void()>> remote_;  // posted by other threads
    std::atomic<bool> stopping_{false};
    std::atomic<std::int64_t> slept_{0};  // nanoseconds; written by the loop alone
};

}  // namespace weir::detail
