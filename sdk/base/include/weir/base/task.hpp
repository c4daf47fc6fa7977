// Coroutines without a framework: a lazy task, a way to start one, and a bridge from callbacks.
//
// Asio's awaitable costs three CPU seconds a file and needs an Asio executor; these tasks run on any event_loop, the
// simulated one included, and cost a tenth (docs/decisions/0002).
#pragma once
#include <weir/base/event_loop.hpp>
#include <weir/base/function.hpp>

#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace weir {

template <class T = void>
class task;

namespace detail {

struct promise_base {
    std::coroutine_handle<> waiter = std::noop_coroutine();
    std::coroutine_handle<> root;  // what spawn() started; destroying it frees every frame that waits in this chain
    std::exception_ptr thrown;

    std::suspend_always initial_suspend() const noexcept { return {}; }
    struct final_awaiter {
        bool await_ready() const noexcept { return false; }
        template <class Promise>
        std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) const noexcept {
            return self.promise().waiter;
        }
        void await_resume() const noexcept {}
    };
    final_awaiter final_suspend() const noexcept { return {}; }
    void unhandled_exception() noexcept { thrown = std::current_exception(); }
};

template <class Promise>
std::coroutine_handle<> root_of(std::coroutine_handle<Promise> frame) noexcept {
    if constexpr (requires { frame.promise().root; }) return frame.promise().root;
    else return {};
}

/// A step that resumes a coroutine. Dropped instead of run (its loop is gone), it takes the coroutine along.
class resumption {
public:
    template <class Promise>
    explicit resumption(std::coroutine_handle<Promise> frame) noexcept : next_(frame), root_(root_of(frame)) {}
    resumption(resumption&& other) noexcept : next_(std::exchange(other.next_, nullptr)), root_(other.root_) {}
    resumption& operator=(resumption&&) = delete;
    ~resumption() { if (next_ && root_) root_.destroy(); }
    void operator()() { std::exchange(next_, nullptr).resume(); }

private:
    std::coroutine_handle<> next_;
    std::coroutine_handle<> root_;
};

template <class T>
struct promise : promise_base {
    std::optional<T> value;
    task<T> get_return_object() noexcept;
    template <class U>
    void return_value(U&& returned) { value.emplace(std::forward<U>(returned)); }
    T take() {
        if (thrown) std::rethrow_exception(thrown);
        return std::move(*value);
    }
};

template <>
struct promise<void> : promise_base {
    task<void> get_return_object() noexcept;
    void return_void() const noexcept {}
    void take() const {
        if (thrown) std::rethrow_exception(thrown);
    }
};

}  // namespace detail

/// A coroutine that starts when awaited and hands its value to the awaiting one. Owns its frame. Move-only.
/// Coroutines are free functions or members that take values: a coroutine lambda outlives its captures.
template <class T>
class [[nodiscard]] task {
public:
    using promise_type = detail::promise<T>;
    explicit task(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}
    task(task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
    task& operator=(task&& other) noexcept {
        if (this != &other) {
            if (frame_) frame_.destroy();
            frame_ = std::exchange(other.frame_, nullptr);
        }
        return *this;
    }
    ~task() { if (frame_) frame_.destroy(); }

    class awaiter {
    public:
        explicit awaiter(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}
        bool await_ready() const noexcept { return false; }
        template <class Promise>
        std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> waiter) noexcept {
            frame_.promise().waiter = waiter;
            frame_.promise().root = detail::root_of(waiter);
            return frame_;
        }
        T await_resume() { return frame_.promise().take(); }
    private:
        std::coroutine_handle<promise_type> frame_;
    };
    awaiter operator co_await() const noexcept { return awaiter{frame_}; }

private:
    std::coroutine_handle<promise_type> frame_;
};

template <class T>
task<T> detail::promise<T>::get_return_object() noexcept {
    return task<T>{std::coroutine_handle<promise>::from_promise(*this)};
}
inline task<void> detail::promise<void>::get_return_object() noexcept {
    return task<void>{std::coroutine_handle<promise>::from_promise(*this)};
}

namespace detail {
struct detached {
    struct promise_type {
        std::coroutine_handle<> root;
        detached get_return_object() noexcept {
            root = std::coroutine_handle<promise_type>::from_promise(*this);
            return {};
        }
        std::suspend_never initial_suspend() const noexcept { return {}; }
        std::suspend_never final_suspend() const noexcept { return {}; }
        void return_void() const noexcept {}
        [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }
    };
};
inline detached run_detached(task<void> work) { co_await std::move(work); }
}  // namespace detail

/// Starts `work` now, on this thread; it frees itself when done. An exception that escapes it ends the process:
/// catch at the edge.
inline void spawn(task<void> work) { detail::run_detached(std::move(work)); }

/// co_await-able made of an operation that takes a callback: `co_await completion<T>([&](function<void(T)> done) {...})`.
/// The callback runs once, on the awaiting loop's thread; running before the operation returns is fine. An operation that
/// drops the callback without running it ends the coroutine there: its locals are destroyed, what follows never runs.
template <class T, class Start>
class completion_awaiter {
public:
    explicit completion_awaiter(Start start) : start_(std::move(start)) {}
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> waiter) {
        waiter_ = waiter;
        root_ = detail::root_of(waiter);
        start_(function<void(T)>{landing{this}});
        if (dropped_ && root_) {
            root_.destroy();  // this object too
            return true;
        }
        suspended_ = true;
        return !value_.has_value();
    }
    T await_resume() { return std::move(*value_); }

private:
    class landing {
    public:
        explicit landing(completion_awaiter* to) noexcept : to_(to) {}
        landing(landing&& other) noexcept : to_(std::exchange(other.to_, nullptr)) {}
        landing& operator=(landing&&) = delete;
        ~landing() { if (to_) to_->drop(); }
        void operator()(T value) { std::exchange(to_, nullptr)->arrive(std::move(value)); }

    private:
        completion_awaiter* to_;
    };
    void arrive(T value) {
        value_.emplace(std::move(value));
        if (suspended_) waiter_.resume();
    }
    void drop() noexcept {
        if (!suspended_) dropped_ = true;
        else if (root_) root_.destroy();
    }

    Start start_;
    std::coroutine_handle<> waiter_;
    std::coroutine_handle<> root_;
    std::optional<T> value_;
    bool suspended_ = false;
    bool dropped_ = false;
};
template <class T, class Start>
completion_awaiter<T, Start> completion(Start start) {
    return completion_awaiter<T, Start>{std::move(start)};
}

/// Goes on, on `loop`'s thread, after what is already posted there.
class switch_to {
public:
    explicit switch_to(event_loop& loop) noexcept : loop_(loop) {}
    bool await_ready() const noexcept { return loop_.running_here(); }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> waiter) const { loop_.post(detail::resumption{waiter}); }
    void await_resume() const noexcept {}

private:
    event_loop& loop_;
};

/// Goes on after `delay` of the loop's time; on that loop's thread.
class pause_for {
public:
    pause_for(event_loop& loop, nanoseconds delay) noexcept : loop_(loop), delay_(delay) {}
    bool await_ready() const noexcept { return delay_ <= nanoseconds{0}; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> waiter) const {
        loop_.call_after(delay_, detail::resumption{waiter});
    }
    void await_resume() const noexcept {}

private:
    event_loop& loop_;
    nanoseconds delay_;
};

namespace detail {
struct join_state {
    std::size_t left;
    std::coroutine_handle<> waiter;
    std::coroutine_handle<> root;
    bool part_dropped = false;
};
/// Counts a part out, whether it ended or was dropped; when one was dropped, so is who waits for all.
class join_ticket {
public:
    explicit join_ticket(join_state& all) noexcept : all_(&all) {}
    join_ticket(const join_ticket&) = delete;
    ~join_ticket() {
        if (!all_) return;
        all_->part_dropped = true;
        leave();
    }
    void leave() {
        auto& all = *std::exchange(all_, nullptr);
        if (--all.left > 0 || !all.waiter) return;
        if (!all.part_dropped) all.waiter.resume();
        else if (all.root) all.root.destroy();
    }

private:
    join_state* all_;
};
inline detached run_joined(task<void> part, join_state& all) {
    join_ticket ticket{all};
    co_await std::move(part);
    ticket.leave();
}
class join_awaiter {
public:
    explicit join_awaiter(join_state& all) noexcept : all_(all) {}
    bool await_ready() const noexcept { return all_.left == 0 && !all_.part_dropped; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> waiter) const noexcept {
        all_.waiter = waiter;
        all_.root = root_of(waiter);
        if (all_.left == 0 && all_.root) all_.root.destroy();  // every part has gone, and one of them unfinished
        return true;
    }
    void await_resume() const noexcept {}

private:
    join_state& all_;
};
}  // namespace detail

/// Starts all parts, in order, and goes on when the last one has ended. Each may work on other loops but ends on the
/// awaiting one's thread.
inline task<void> when_all(std::vector<task<void>> parts) {
    detail::join_state all{parts.size(), {}};
    for (auto& part : parts) detail::run_joined(std::move(part), all);
    detail::join_awaiter ended{all};
    co_await ended;
}

}  // namespace weir
