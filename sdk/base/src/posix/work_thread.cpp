#include "work_thread.hpp"

namespace weir::detail {

work_thread::~work_thread() {
    {
        const std::lock_guard held{mutex_};
        stopping_ = true;
    }
    wake_.notify_one();
    if (thread_.joinable()) thread_.join();
}

void work_thread::add(function<void()> work) {
    {
        const std::lock_guard held{mutex_};
        waiting_.push_back(std::move(work));
        if (!thread_.joinable()) thread_ = std::thread{[this] { run(); }};
    }
    wake_.notify_one();
}

void work_thread::run() {
    for (;;) {
        function<void()> next;
        {
            std::unique_lock held{mutex_};
            wake_.wait(held, [this] { return stopping_ || !waiting_.empty(); });
            if (waiting_.empty()) return;
            next = std::move(waiting_.front());
            waiting_.pop_front();
        }
        next();
    }
}

}  // namespace weir::detail
