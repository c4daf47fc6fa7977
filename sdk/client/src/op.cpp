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
    ++blocked_;
    held.unlock();
    const auto left = strand_->lend_thread([&] { return ready(index); }, most == milliseconds::max() ? nanoseconds::max() : nanoseconds{most});
    held.lock();
    bool in_time = true;
    if (most == milliseconds::max()) changed_.wait(held, is_over);
    else in_time = changed_.wait_for(held, left, is_over);
    --blocked_;
    return in_time ? error{} : late();
}

// One step for all that the strand has to run: a batch ends for thousands of records at a time.
void op_signal::go_on(continuations here, continuations on_strand) {
    for (auto& each : here) each.run(*this, each.index);
    if (!on_strand.empty()) strand_->post([self = shared_from_this(), this, all = std::move(on_strand)]() mutable { run_from(std::move(all), 0); });
}

// What one callback throws is its executor's business, and takes nothing from the others.
void op_signal::run_from(continuations all, std::size_t first) {
    while (first < all.size()) {
        try {
            auto& next = all[first++];
            next.run(*this, next.index);
        } catch (...) {
            if (first < all.size()) strand_->post([self = shared_from_this(), this, all = std::move(all), first]() mutable { run_from(std::move(all), first); });
            throw;
        }
    }
}

void op_signal::on_ready(continuation next, continue_on where) {
    const bool anywhere = where == continue_on::any_thread;
    {
        const std::lock_guard held{mutex_};
        ++awaited_;
        if (!over(next.index)) {
            auto& all = anywhere ? on_any_thread_ : on_strand_;
            if (!all.empty() && all.size() == all.capacity()) all.reserve(4 * all.size());  // a full batch has thousands: fewer moves
            all.push_back(std::move(next));
            return;
        }
    }
    continuations late;
    late.push_back(std::move(next));
    if (anywhere) go_on(std::move(late), {});
    else go_on({}, std::move(late));
}

bool op_signal::ready(std::uint32_t index) const noexcept {
    if (ended()) return true;
    const std::lock_guard held{mutex_};
    return over(index);
}

void op_signal::cancel(std::uint32_t index) noexcept {
    const auto take = [index](continuations& from) {
        continuations mine;
        const auto others = std::stable_partition(from.begin(), from.end(), [&](const continuation& each) { return each.index != index; });
        std::move(others, from.end(), std::back_inserter(mine));
        from.erase(others, from.end());
        return mine;
    };
    continuations here, on_strand;
    bool waiting = false;
    {
        const std::lock_guard held{mutex_};
        if (over(index)) return;
        cancelled_.push_back(index);
        here = take(on_any_thread_);
        on_strand = take(on_strand_);
        changed_.notify_all();
        waiting = blocked_ > 0;
    }
    if (waiting) strand_->rouse();
    go_on(std::move(here), std::move(on_strand));
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
    continuations here, on_strand;
    std::shared_ptr<op_core> kept;
    {
        const std::lock_guard held{mutex_};
        if (ended()) return false;
        ended_.store(true, std::memory_order_release);
        here.swap(on_any_thread_);
        on_strand.swap(on_strand_);
        if (blocked_ > 0) kept = shared_from_this();
    }
    // Not under the lock: who wakes wants it at once, and would go back to sleep for it.
    if (kept) {
        changed_.notify_all();
        strand_->rouse();
    }
    go_on(std::move(here), std::move(on_strand));
    return true;
}

}  // namespace weir::detail
