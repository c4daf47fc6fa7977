#include "callbacks.hpp"

#include <algorithm>

namespace weir::detail {
namespace {
thread_local const callbacks* running = nullptr;
}

void callbacks::post(function<void()> step) {
    if (simulated_) return loop_.post(std::move(step));
    const std::lock_guard held{mutex_};
    if (post_) return post_(std::move(step));
    if (stopping_) return;
    steps_.push_back(std::move(step));
    if (!thread_.joinable()) thread_ = std::thread{[self = shared_from_this()] { self->run(); }};
    changed_.notify_one();
}

bool callbacks::would_deadlock() const noexcept {
    if (time_) return time_->inside_step();
    return simulated_ || running == this || loop_.running_here();
}

// Something always happens in a cluster: who waits without an end needs one here, or a lost operation would hang the test.
bool callbacks::pass_time(function<bool()> reached, nanoseconds most) {
    constexpr nanoseconds endless = std::chrono::hours{24};
    return time_->run_until(std::move(reached), std::min(most, endless));
}

void callbacks::run() {
    running = this;
    std::unique_lock held{mutex_};
    for (;;) {
        changed_.wait(held, [&] { return stopping_ || !steps_.empty(); });
        if (steps_.empty()) return;
        auto step = std::move(steps_.front());
        steps_.pop_front();
        held.unlock();
        step();
        step = nullptr;
        held.lock();
    }
}

void callbacks::stop() {
    {
        const std::lock_guard held{mutex_};
        stopping_ = true;
        changed_.notify_one();
    }
    if (!thread_.joinable()) return;
    if (running == this) thread_.detach();
    else thread_.join();
}

}  // namespace weir::detail
