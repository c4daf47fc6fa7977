#include "op_state.hpp"

#include <algorithm>
#include <utility>

namespace weir::detail {

namespace {

/// Counts a thread in wait(), under the lock, whatever it looks at throws.
class stay {
public:
    stay(std::unique_lock<std::mutex>& held, std::size_t& count) : held_(held), count_(count) { ++count_; }
    stay(const stay&) = delete;
    stay& operator=(const stay&) = delete;
    ~stay() {
        if (!held_.owns_lock()) held_.lock();
        --count_;
    }

private:
    std::unique_lock<std::mutex>& held_;
    std::size_t& count_;
};

}  // namespace

void continuations::push(continuation next) {
    constexpr std::size_t most = 256;  // 10 KiB
    if (!pieces_.empty()) {
        auto& last = pieces_.back().back();
        if (last.index + last.count == next.index && last.run.same_as(next.run)) {
            last.count += next.count;
            return;
        }
    }
    if (pieces_.empty() || pieces_.back().size() == pieces_.back().capacity()) {
        const auto size = pieces_.empty() ? 1 : std::min(most, 8 * pieces_.back().size());
        pieces_.emplace_back().reserve(size);
    }
    pieces_.back().push_back(std::move(next));
}

continuation* continuations::next(continuation& room) {
    for (; piece_ < pieces_.size(); ++piece_, at_ = 0) {
        auto& piece = pieces_[piece_];
        if (at_ < piece.size()) {
            auto& each = piece[at_];
            if (each.count == 1) {
                ++at_;
                return &each;
            }
            --each.count;
            room.run.double_of(each.run);
            room.index = each.index++;
            return &room;
        }
        piece = std::vector<continuation>{};
    }
    return nullptr;
}

continuations continuations::of(std::uint32_t index) {
    continuations mine, others;
    continuation room{};
    while (auto* const each = next(room)) (each->index == index ? mine : others).push(std::move(*each));
    *this = std::move(others);
    return mine;
}

bool op_signal::over(std::uint32_t index) const {
    return ended() || (!cancelled_.empty() && std::find(cancelled_.begin(), cancelled_.end(), index) != cancelled_.end());
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
    const auto is_up = [&] { return look_due_ || over(index); };
    const auto until = most == milliseconds::max() ? time_point::max() : strand_->now() + most;
    const auto left = [&] { return until == time_point::max() ? nanoseconds::max() : until - strand_->now(); };
    const stay here{held, blocked_};
    for (bool in_time = true; in_time;) {
        held.unlock();
        look_if_due();
        strand_->lend_thread([&] { return due(index); }, left());
        held.lock();
        if (until == time_point::max()) changed_.wait(held, is_up);
        else in_time = changed_.wait_for(held, left(), is_up);
        if (over(index)) return {};
    }
    return late();
}

bool op_signal::due(std::uint32_t index) const {
    if (ended()) return true;
    const std::lock_guard held{mutex_};
    return look_due_ || over(index);
}

void op_signal::ask_for_look() {
    bool waited_for = false;
    {
        const std::lock_guard held{mutex_};
        look_due_ = true;
        waited_for = blocked_ > 0;
    }
    if (!waited_for) return strand_->post([self = shared_from_this(), this] { look_if_due(); });
    changed_.notify_all();
    strand_->rouse();
}

void op_signal::look_if_due() {
    {
        const std::lock_guard held{mutex_};
        if (!std::exchange(look_due_, false)) return;
    }
    look();
}

// One step for all that the strand has to run: a batch ends for thousands of records at a time.
void op_signal::go_on(continuations here, continuations on_strand) {
    continuation room{};
    while (auto* const each = here.next(room)) each->run(*this, each->index);
    if (!on_strand.empty()) strand_->post([self = shared_from_this(), this, all = std::move(on_strand)]() mutable { run(std::move(all)); });
}

// What one callback throws is its executor's business, and takes nothing from the others.
void op_signal::run(continuations all) {
    try {
        continuation room{};
        while (auto* const each = all.next(room)) each->run(*this, each->index);
    } catch (...) {
        strand_->post([self = shared_from_this(), this, all = std::move(all)]() mutable { run(std::move(all)); });
        throw;
    }
}

void op_signal::on_ready(continuation next, continue_on where) {
    const bool anywhere = where == continue_on::any_thread;
    {
        const std::lock_guard held{mutex_};
        ++awaited_;
        if (!over(next.index)) {
            (anywhere ? on_any_thread_ : on_strand_).push(std::move(next));
            return;
        }
    }
    continuations late;
    late.push(std::move(next));
    if (anywhere) go_on(std::move(late), {});
    else go_on({}, std::move(late));
}

bool op_signal::ready(std::uint32_t index) const noexcept {
    if (ended()) return true;
    const std::lock_guard held{mutex_};
    return over(index);
}

void op_signal::cancel(std::uint32_t index) noexcept {
    continuations here, on_strand;
    bool waiting = false;
    {
        const std::lock_guard held{mutex_};
        if (over(index)) return;
        cancelled_.push_back(index);
        here = on_any_thread_.of(index);
        on_strand = on_strand_.of(index);
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
        here = std::exchange(on_any_thread_, {});
        on_strand = std::exchange(on_strand_, {});
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
