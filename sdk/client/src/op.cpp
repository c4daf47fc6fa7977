#include "op_state.hpp"

#include <algorithm>

namespace weir::detail {

bool op_signal::over(std::uint32_t index) const {
    return ended() || std::find(cancelled_.begin(), cancelled_.end(), index) != cancelled_.end();
}

error op_signal::wait(std::uint32_t index, milliseconds most) {
    if (op_signal::ready(index)) return {};
    if (strand_->would_deadlock()) return error{errc::would_deadlock, "get() on the client's own thread would wait for itself; use then() or co_await"};
    const auto late = [&] { return error{errc::timed_out, "not finished within " + std::to_string(most.count()) + " ms"}; };
    std::unique_lock held{mutex_};
    ++awaited_;
    if (strand_->in_virtual_time()) {
        held.unlock();
        const auto limit = most == milliseconds::max() ? nanoseconds::max() : nanoseconds{most};
        return strand_->pass_time([&] { return ready(index); }, limit) ? error{} : late();
    }
    const auto is_over = [&] { return over(index); };
    if (most == milliseconds::max()) changed_.wait(held, is_over);
    else if (!changed_.wait_for(held, most, is_over)) return late();
    return {};
}

void op_signal::go_on(continuation next) const {
    if (next.where == continue_on::any_thread) next.run();
    else strand_->post(std::move(next.run));
}

void op_signal::on_ready(std::uint32_t index, function<void()> next, continue_on where) {
    continuation made{index, where, std::move(next)};
    {
        const std::lock_guard held{mutex_};
        ++awaited_;
        if (!over(index)) {
            continuations_.push_back(std::move(made));
            return;
        }
    }
    go_on(std::move(made));
}

bool op_signal::ready(std::uint32_t index) const noexcept {
    if (ended()) return true;
    const std::lock_guard held{mutex_};
    return over(index);
}

void op_signal::cancel(std::uint32_t index) noexcept {
    std::vector<continuation> mine;
    {
        const std::lock_guard held{mutex_};
        if (over(index)) return;
        cancelled_.push_back(index);
        const auto others = std::partition(continuations_.begin(), continuations_.end(), [&](const continuation& each) { return each.index != index; });
        std::move(others, continuations_.end(), std::back_inserter(mine));
        continuations_.erase(others, continuations_.end());
        changed_.notify_all();
    }
    for (auto& each : mine) go_on(std::move(each));
}

bool op_signal::cancelled(std::uint32_t index) const {
    const std::lock_guard held{mutex_};
    return std::find(cancelled_.begin(), cancelled_.end(), index) != cancelled_.end();
}

std::size_t op_signal::awaited() const {
    const std::lock_guard held{mutex_};
    return awaited_;
}

bool op_signal::finish() {
    std::vector<continuation> all;
    {
        const std::lock_guard held{mutex_};
        if (ended()) return false;
        ended_.store(true, std::memory_order_release);
        all.swap(continuations_);
        changed_.notify_all();
    }
    for (auto& each : all) go_on(std::move(each));
    return true;
}

}  // namespace weir::detail
