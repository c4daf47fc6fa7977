// Where spawn() runs user coroutines: a thread of the client's that starts with the first of them.
#pragma once
#include <weir/base/function.hpp>

#include <memory>
#include <mutex>

namespace boost::asio {
class io_context;
}

namespace weir::detail {

/// Thread-safe. Outlives whatever may still hold a continuation of its coroutines.
class task_thread {
public:
    task_thread();
    ~task_thread();
    task_thread(const task_thread&) = delete;
    task_thread& operator=(const task_thread&) = delete;

    boost::asio::io_context& context();
    /// Lets the thread finish its step and calls `ended` when it has, or at once when there is none or it is this one.
    void end(function<void()> ended);
    /// Ends the thread; what waits there never runs, and is dropped with this. On the thread itself, it ends with this step.
    void stop();

private:
    struct state;
    std::mutex mutex_;
    std::shared_ptr<state> state_;
};

}  // namespace weir::detail
