// A running operation: drop it, block on it, hang a callback on it, or hand it any Asio completion token.
#pragma once
#include <weir/base/error.hpp>
#include <weir/base/function.hpp>
#include <weir/base/time.hpp>

#include <concepts>
#include <cstdint>
#include <memory>

namespace weir {
namespace detail {

/// Where a continuation runs.
enum class continue_on : std::uint8_t {
    callbacks,   ///< the client's callback strand: user code
    any_thread,  ///< where the operation ends: only for code that passes the result on elsewhere
};

class op_core;

/// What is to be done when an operation has ended, and the `count - 1` after it. Thousands of them may wait in one batch of
/// records: as small as can be with room for a few pointers.
struct continuation {
    basic_function<void(op_core&, std::uint32_t), 24> run;
    std::uint32_t index;
    std::uint32_t count = 1;
};

/// What is behind an op: one per batch or request, never one per record; held by shared pointers. Thread-safe.
class op_core : public std::enable_shared_from_this<op_core> {
public:
    virtual ~op_core() = default;
    /// No error when it has ended; errc::timed_out, or errc::would_deadlock on a thread that has to run for it to end.
    virtual error wait(std::uint32_t index, milliseconds most) = 0;
    /// Moves the outcome, a result<T>, into `into`. Ended operations only.
    virtual void take(std::uint32_t index, void* into) = 0;
    /// `next` gets this, and so need not hold it: who has the operation to do does.
    virtual void on_ready(continuation next, continue_on where) = 0;
    virtual bool ready(std::uint32_t index) const noexcept = 0;
    virtual void cancel(std::uint32_t index) noexcept = 0;
};

}  // namespace detail

/// Cheap to copy; copies are the same operation. The outcome is for one of get(), then() and the completion token, once.
/// Dropping it does not stop what it stands for. Thread-safe.
template <class T = void>
class op {
public:
    using value_type = T;
    explicit op(std::shared_ptr<detail::op_core> core, std::uint32_t index = 0) noexcept : core_(std::move(core)), index_(index) {}

    /// Blocks until it has ended. errc::would_deadlock on the client's own threads.
    result<T> get() { return get_for(milliseconds::max()); }
    /// errc::timed_out when it has not ended in time; it goes on.
    result<T> get_for(milliseconds most) {
        if (auto why = core_->wait(index_, most)) return why;
        return take();
    }
    /// Calls `f` with the result on the client's callback strand; callbacks of one client never overlap.
    template <std::invocable<result<T>> F>
    void then(F&& f) {
        auto next = [f = std::forward<F>(f)](detail::op_core& ended, std::uint32_t index) mutable { f(taken(ended, index)); };
        core_->on_ready({std::move(next), index_}, detail::continue_on::callbacks);
    }
    bool ready() const noexcept { return core_->ready(index_); }
    /// Ends the wait with errc::cancelled. A record on its way may be delivered all the same.
    void cancel() noexcept { core_->cancel(index_); }

    /// Asio's protocol for an asynchronous operation of signature void(result<T>); needs <weir/asio.hpp>.
    template <class Token>
    auto operator()(Token&& token) const -> decltype(weir_initiate(*this, std::forward<Token>(token))) {
        return weir_initiate(*this, std::forward<Token>(token));
    }
    /// For weir_initiate(): calls `f` with this op when it has ended; take() is due where the result is wanted.
    template <class F>
    void when_ready(F&& f, detail::continue_on where) {
        auto next = [f = std::forward<F>(f)](detail::op_core& ended, std::uint32_t index) mutable { f(op{ended.shared_from_this(), index}); };
        core_->on_ready({std::move(next), index_}, where);
    }
    /// The outcome of an op that has ended, once.
    result<T> take() { return taken(*core_, index_); }

private:
    static result<T> taken(detail::op_core& core, std::uint32_t index) {
        static const error none_yet{errc::incomplete};
        result<T> outcome{none_yet};  // no more than a place for it, and made without an allocation
        core.take(index, &outcome);
        return outcome;
    }

    std::shared_ptr<detail::op_core> core_;
    std::uint32_t index_;
};

}  // namespace weir
