// Where user code runs: one thing after the other, never on the thread that serves sockets.
#pragma once
#include <weir/base/error.hpp>
#include <weir/base/event_loop.hpp>
#include <weir/net/in_process.hpp>

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

namespace weir::detail {

/// A thread that starts with the first callback, or what client_config::post gives, or, in simulations, the loop itself.
class callbacks : public std::enable_shared_from_this<callbacks> {
public:
    /// `simulated`: the client's loop is no thread, so nothing may ever block for it; with `time`, waiting lets that pass.
    callbacks(event_loop& loop, function<void(function<void()>)> post, bool simulated, net::virtual_time* time = nullptr)
        : loop_(loop), post_(std::move(post)), time_(time), simulated_(simulated) {}
    callbacks(const callbacks&) = delete;
    callbacks& operator=(const callbacks&) = delete;

    void post(function<void()> step);
    /// Runs when all that was posted before has returned; now and here, where nothing is left of that.
    void after_posted(function<void()> step);
    /// Whether a thread that waits here for the client would wait for itself.
    bool would_deadlock() const noexcept;
    bool in_virtual_time() const noexcept { return time_ != nullptr; }
    /// The executor is the user's: whoever waits here may be who has to run it.
    bool elsewhere() const noexcept { return static_cast<bool>(post_); }
    /// For who waits for an end, which the loop brings; see event_loop::lend_thread().
    void lend_thread(function<bool()> reached, nanoseconds most) { loop_.lend_thread(std::move(reached), most); }
    time_point now() const { return loop_.now(); }
    /// An end came from elsewhere: who lent its thread looks.
    void rouse() {
        if (!loop_.running_here()) loop_.post([] {});
    }
    /// In virtual time: waits; false when `most` passed before.
    bool pass_time(function<bool()> reached, nanoseconds most);
    /// Runs what was posted, then ends the thread. Harmless when repeated; on the thread itself it does not wait.
    void stop();

private:
    class turn;
    void run();
    /// Runs what waits; gives the lock up meanwhile.
    void work(std::unique_lock<std::mutex>& held);
    void hand_over();
    void drop();
    event_loop& loop_;
    function<void(function<void()>)> post_;
    net::virtual_time* const time_;
    const bool simulated_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<function<void()>> steps_;
    std::thread thread_;
    bool busy_ = false;  // somebody runs the steps, or is about to
    bool stopping_ = false;
};

}  // namespace weir::detail
