// What stands behind ops: when they end, and who is told.
#pragma once
#include "callbacks.hpp"

#include <weir/op.hpp>

#include <atomic>
#include <optional>
#include <vector>

namespace weir::detail {

/// Continuations, first come first served. Mostly every record of a batch gets the same one, which is kept once. The others are in
/// pieces: a full batch has thousands of them, none of which moves, and whose memory is small enough for the allocator to have at
/// hand again.
class continuations {
public:
    void push(continuation next);
    /// The next one to run, good until the next call; nullptr: those were all. Nothing is pushed from the first call on. One of
    /// several that are the same is a copy in `room`, whatever those before did to theirs.
    continuation* next(continuation& room);
    bool empty() const noexcept { return pieces_.empty(); }
    /// Takes those of one index out.
    continuations of(std::uint32_t index);

private:
    std::vector<std::vector<continuation>> pieces_;
    std::uint32_t piece_ = 0, at_ = 0;  // where next() is
};

/// Ends once, for all its indices; an index may be cancelled before. Thread-safe.
class op_signal : public op_core {
public:
    explicit op_signal(std::shared_ptr<callbacks> strand) noexcept : strand_(std::move(strand)) {}
    error wait(std::uint32_t index, milliseconds most) override;
    void on_ready(continuation next, continue_on where) override;
    bool ready(std::uint32_t index) const noexcept override;
    void cancel(std::uint32_t index) noexcept override;
    bool ended() const noexcept { return ended_.load(std::memory_order_acquire); }

protected:
    /// Everything the outcome consists of is in place: lets the waiting go on. True the first time.
    bool finish();
    bool cancelled(std::uint32_t index) const;
    /// Has look() called where code of users may run: by a thread that waits for this, or else on the callback strand. Whoever
    /// waits may be who has to run that.
    void ask_for_look();
    /// Finds out whether it has ended, for outcomes that take code of users to be known.
    virtual void look() {}
    /// How many indices somebody waited for or hung a continuation on.
    std::size_t awaited() const;

private:
    void look_if_due();
    /// It has ended, or there is something to look at.
    bool due(std::uint32_t index) const;
    bool over(std::uint32_t index) const;
    void go_on(continuations here, continuations on_strand);
    void run(continuations all);

    std::shared_ptr<callbacks> strand_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    continuations on_any_thread_, on_strand_;
    std::vector<std::uint32_t> cancelled_;
    std::size_t awaited_ = 0;
    std::size_t blocked_ = 0;  // threads in wait()
    bool look_due_ = false;
    std::atomic<bool> ended_ = false;
};

/// One result.
template <class T>
class op_state final : public op_signal {
public:
    using op_signal::op_signal;
    /// The first call counts.
    void complete(result<T> outcome) {
        if (ended()) return;
        outcome_ = std::move(outcome);
        finish();
    }
    void take(std::uint32_t index, void* into) override {
        *static_cast<result<T>*>(into) = cancelled(index) && !ended() ? result<T>{errc::cancelled} : std::move(outcome_);
    }

private:
    result<T> outcome_{errc::closed};
};

/// An op that has ended.
template <class T>
op<T> ended_op(const std::shared_ptr<callbacks>& strand, result<T> outcome) {
    auto state = std::make_shared<op_state<T>>(strand);
    state->complete(std::move(outcome));
    return op<T>{std::move(state)};
}

}  // namespace weir::detail
