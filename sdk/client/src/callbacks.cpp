#include "callbacks.hpp"

#include <algorithm>
#include <utility>

namespace weir::detail {
namespace {
thread_local const callbacks* running = nullptr;
}

void callbacks::post(function<void()> step) {
    if (simulated_) return loop_.post(std::move(step));
    {
        const std::lock_guard held{mutex_};
        if (stopping_ && !post_) return;
        steps_.push_back(std::move(step));
        if (std::exchange(busy_, true)) return;
        if (!post_ && !thread_.joinable()) thread_ = std::thread{[self = shared_from_this()] { self->run(); }};
        changed_.notify_one();
    }
    if (post_) hand_over();
}

void callbacks::after_posted(function<void()> step) {
    if (simulated_) return loop_.post(std::move(step));
    {
        const std::lock_guard held{mutex_};
        if (busy_) return steps_.push_back(std::move(step));
    }
    step();
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

/// One visit of the user's executor. One that is thrown away takes with it what waited for it.
class callbacks::turn {
public:
    explicit turn(std::shared_ptr<callbacks> of) noexcept : of_(std::move(of)) {}
    turn(turn&&) noexcept = default;
    turn& operator=(turn&&) = delete;
    ~turn() { if (of_) of_->drop(); }
    void operator()() {
        const auto of = std::exchange(of_, nullptr);
        const auto* const before = std::exchange(running, of.get());
        try {
            std::unique_lock held{of->mutex_};
            of->work(held);
        } catch (...) {
            running = before;
            of->hand_over();  // the rest has its turn
            throw;
        }
        running = before;
    }

private:
    std::shared_ptr<callbacks> of_;
};

// The executor may run it at once, and what it runs may come back here: never with the lock.
void callbacks::hand_over() { post_(turn{shared_from_this()}); }

void callbacks::drop() {
    std::deque<function<void()>> dropped;
    const std::lock_guard held{mutex_};
    dropped.swap(steps_);
    busy_ = false;
}

void callbacks::work(std::unique_lock<std::mutex>& held) {
    while (!steps_.empty()) {
        auto step = std::move(steps_.front());
        steps_.pop_front();
        held.unlock();
        step();
        step = nullptr;
        held.lock();
    }
    busy_ = false;
}

void callbacks::run() {
    running = this;
    std::unique_lock held{mutex_};
    for (;;) {
        changed_.wait(held, [&] { return stopping_ || !steps_.empty(); });
        if (steps_.empty()) return;
        work(held);
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
