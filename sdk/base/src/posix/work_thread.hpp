// A thread that does what it is given, one thing after another.
#pragma once
#include <weir/base/function.hpp>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace weir::detail {

/// Thread-safe. The thread starts with the first call.
class work_thread {
public:
    work_thread() = default;
    /// Finishes what was given.
    ~work_thread();
    void add(function<void()> work);

private:
    void run();

    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<function<void()>> waiting_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace weir::detail
