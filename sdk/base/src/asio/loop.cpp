#include "loop.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <chrono>
#include <ctime>

namespace weir::detail {
namespace {

thread_local const asio_loop* running = nullptr;

// Who comes back this soon, this often, waits for one short thing after the other, and serves itself faster than it is woken.
constexpr auto guest_returns_within = std::chrono::milliseconds{1};
constexpr int visits_before_lending = 3;

}  // namespace

asio_loop::asio_loop() {
    io_.emplace(1);
    alarm_.emplace(*io_);
    doorbells_.emplace(*this);
}

asio_loop::~asio_loop() { shut_down(); }

void asio_loop::shut_down() noexcept {
    doorbells_.reset();
    alarm_.reset();
    io_.reset();
    drop_steps();
}

void asio_loop::drop_steps() noexcept {
    // Dropped steps may own things that post or set timers as they go.
    for (int i = 0; i < 100; ++i) {
        const auto ready = std::exchange(ready_, {});
        const auto turn = std::exchange(turn_, {});
        const auto ending = std::exchange(turn_end_, {});
        std::vector<function<void()>> remote;
        {
            const std::lock_guard held{remote_mutex_};
            remote.swap(remote_);
        }
        timers_.clear();
        if (ready.empty() && turn.empty() && ending.empty() && remote.empty() && timers_.empty()) break;
    }
}

time_point asio_loop::now() const noexcept {
    return time_point{std::chrono::steady_clock::now().time_since_epoch()};
}

timestamp_ms asio_loop::wall_now() const noexcept {
    return std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

timestamp_ms asio_loop::wall_recent() const noexcept {
    timespec tick{};
    ::clock_gettime(CLOCK_REALTIME_COARSE, &tick);
    return static_cast<timestamp_ms>(tick.tv_sec) * 1000 + tick.tv_nsec / 1'000'000;
}

bool asio_loop::running_here() const noexcept { return running == this; }

void asio_loop::post(function<void()> step) {
    if (running_here()) {
        ready_.push_back({timer_id::none, std::move(step)});
        return;
    }
    bool first = false;
    {
        const std::lock_guard held{remote_mutex_};
        first = remote_.empty();
        remote_.push_back(std::move(step));
    }
    // One wake-up for all that is posted until the loop takes them.
    if (!first || !io_) return;
    boost::asio::post(*io_, handler([this] { take_remote(); }));
    // Nobody is within Asio. No lock here: who posts may hold what a step wants. A call that is not heard costs a millisecond.
    if (aside_ && !guest_) call_back();
}

void asio_loop::run_or_post(function<void()> step) noexcept {
    if (running_here()) return post(std::move(step));
    std::unique_lock held{turn_mutex_, std::try_to_lock};
    const auto overtakes = [&] {
        const std::lock_guard looking{remote_mutex_};
        return !remote_.empty();
    };
    if (!held || !free() || !ready_.empty() || overtakes()) {
        held = {};
        return post(std::move(step));
    }
    const auto* const before = std::exchange(running, this);
    ready_.push_back({timer_id::none, std::move(step)});
    // The second is for what the first wrote, whose end is a step.
    for (int turns = 0; turns < 2 && (!ready_.empty() || !turn_end_.empty()); ++turns) run_steps();
    running = before;
    if (something_to_do()) fetch_thread();
    else if (!aside_) arm();
}

void asio_loop::take_remote() {
    std::vector<function<void()>> taken;
    {
        const std::lock_guard held{remote_mutex_};
        taken.swap(remote_);
    }
    for (auto& step : taken) ready_.push_back({timer_id::none, std::move(step)});
}

timer_id asio_loop::call_at(time_point when, function<void()> step) { return timers_.add(when, std::move(step)); }
void asio_loop::cancel(timer_id timer) noexcept { timers_.cancel(timer); }
void asio_loop::defer_to_turn_end(function<void()> step) { turn_end_.push_back(std::move(step)); }

bool asio_loop::something_to_do() const noexcept {
    if (!ready_.empty() || !turn_end_.empty() || stopping_.load(std::memory_order_relaxed)) return true;
    const auto next = timers_.next();
    return next && *next <= now();
}

// Sets the alarm for the first timer. It is never put off: an alarm that rings too early because its timer was cancelled
// costs one wake-up, setting it anew for each request's timeout would cost a system call each.
void asio_loop::arm() {
    const auto next = timers_.next();
    if (!next || (armed_for_ && *armed_for_ <= *next)) return;
    armed_for_ = next;
    alarm_->expires_at(std::chrono::steady_clock::time_point{next->time_since_epoch()});
    alarm_->async_wait(handler([this](const boost::system::error_code& failure) {
        if (!failure) armed_for_.reset();
    }));
}

void asio_loop::sleep() {
    arm();
    const auto tired = now();
    asleep_ = true;
    turn_mutex_.unlock();
    io_->run_one();  // whose handler wakes up first
    wake_up();
    slept_.store(slept_.load(std::memory_order_relaxed) + (now() - tired).count(), std::memory_order_relaxed);
}

void asio_loop::wake_up() {
    if (!asleep_) return;
    turn_mutex_.lock();
    asleep_ = false;
}

void asio_loop::run_steps() {
    turn_.swap(ready_);
    for (auto& next : turn_) {
        auto step = next.timer == timer_id::none ? std::move(next.step) : timers_.take(next.timer);
        if (step) step();
    }
    turn_.clear();
    if (turn_end_.empty()) return;
    auto ending = std::exchange(turn_end_, {});  // what these defer belongs to the next turn
    for (auto& step : ending) step();
}

void asio_loop::turn() {
    if (!something_to_do()) sleep();
    io_->poll();
    const auto now_at = now();
    for (auto due = timers_.pop_due(now_at); due != timer_id::none; due = timers_.pop_due(now_at)) {
        ready_.push_back({due, {}});
    }
    run_steps();
}

void asio_loop::run() {
    const auto guard = boost::asio::make_work_guard(*io_);
    const auto* const before = std::exchange(running, this);
    std::unique_lock held{turn_mutex_};
    while (!stopping_.load(std::memory_order_acquire)) {
        turn();
        if (guest_) step_aside(held);
    }
    running = before;
}

// A guest that has gone is likely to be back soon, as from one blocking call after the other.
void asio_loop::step_aside(std::unique_lock<std::mutex>& held) {
    aside_ = true;
    called_back_ = false;
    changed_places_.notify_all();
    for (auto seen = visits_;;) {
        if (stays_) changed_places_.wait(held);
        else changed_places_.wait_for(held, guest_returns_within);
        if (!guest_ && (called_back_ || stopping_ || seen == visits_)) break;
        stays_ = guest_ && seen == visits_;  // then it tells when it goes
        seen = visits_;
    }
    stays_ = false;
    aside_ = false;
}

void asio_loop::call_back() {
    called_back_ = true;
    changed_places_.notify_all();
}

// Makes the loop's own thread look, wherever it is.
void asio_loop::fetch_thread() {
    if (aside_) call_back();
    else boost::asio::post(*io_, handler([] {}));
}

void asio_loop::lend_thread(function<bool()> reached, nanoseconds most) noexcept {
    if (running_here()) return;
    std::unique_lock held{turn_mutex_, std::try_to_lock};
    if (!held || !free() || stopping_) return;
    const auto began = now();
    const bool soon = began - std::exchange(last_visit_, began) < guest_returns_within;
    visits_in_a_row_ = soon ? visits_in_a_row_ + 1 : 0;
    if (visits_in_a_row_ < visits_before_lending) return;
    guest_ = true;
    ++visits_;
    if (!aside_) {
        fetch_thread();
        changed_places_.wait(held, [this] { return aside_.load(); });
    }
    const auto* const before = std::exchange(running, this);
    const auto until = most < nanoseconds::max() - began.time_since_epoch() ? began + most : time_point::max();
    const auto alarm = until == time_point::max() ? timer_id::none : call_at(until, [] {});
    while (!reached() && now() < until && !stopping_) turn();
    cancel(alarm);
    running = before;
    guest_ = false;
    const std::lock_guard looking{remote_mutex_};
    if (stays_ || !remote_.empty() || something_to_do()) fetch_thread();
}

void asio_loop::stop() noexcept {
    stopping_.store(true, std::memory_order_release);
    if (io_) boost::asio::post(*io_, handler([] {}));
}

}  // namespace weir::detail
