#include <weir/asio.hpp>

#include "client_core.hpp"

#include <weir/base/log.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <thread>
#include <vector>

namespace weir {
namespace detail {
namespace {
log::logger asio_logs{"weir.client"};
}

/// The thread has a share in it: it may be the one that drops the client.
struct task_thread::state {
    boost::asio::io_context io{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{io.get_executor()};
    std::thread runner;
    std::mutex mutex;
    bool over = false;
    std::vector<function<void()>> waiting;  // for that

    void run() {
        io.run();
        std::vector<function<void()>> told;
        {
            const std::lock_guard held{mutex};
            over = true;
            told.swap(waiting);
        }
        for (auto& each : told) each();
    }
};

task_thread::task_thread() = default;
task_thread::~task_thread() { stop(); }

boost::asio::io_context& task_thread::context() {
    const std::lock_guard held{mutex_};
    if (!state_) {
        state_ = std::make_shared<state>();
        state_->runner = std::thread{[kept = state_] { kept->run(); }};
    }
    return state_->io;
}

void task_thread::end(function<void()> ended) {
    std::shared_ptr<state> running;
    {
        const std::lock_guard held{mutex_};
        running = state_;
    }
    if (running && running->runner.get_id() != std::this_thread::get_id()) {
        running->io.stop();
        const std::lock_guard held{running->mutex};
        if (!running->over) {
            running->waiting.push_back(std::move(ended));
            return;
        }
    }
    ended();
}

void task_thread::stop() {
    const std::lock_guard held{mutex_};
    if (!state_ || !state_->runner.joinable()) return;
    state_->io.stop();
    if (state_->runner.get_id() == std::this_thread::get_id()) state_->runner.detach();
    else state_->runner.join();
}

}  // namespace detail

void spawn(const client& on, awaitable<void> task) {
    boost::asio::co_spawn(on.core().tasks()->context(), std::move(task), [](const std::exception_ptr& thrown) {
        if (!thrown) return;
        try {
            std::rethrow_exception(thrown);
        } catch (const std::exception& why) {
            detail::asio_logs.error(std::string{"a spawned coroutine ended with "} + why.what());
        } catch (...) {
            detail::asio_logs.error("a spawned coroutine ended with what is no std::exception");
        }
    });
}

}  // namespace weir
