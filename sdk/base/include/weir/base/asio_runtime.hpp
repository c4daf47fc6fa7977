// The real event loops and network: one Boost.Asio io_context and one thread per loop.
#pragma once
#include <weir/base/event_loop.hpp>
#include <weir/base/network.hpp>

#include <memory>
#include <vector>

namespace weir {

/// Owns the loops, their threads and the network on them.
///
///     runtime rt{4};
///     rt.on_signal({SIGTERM, SIGINT}, [&](int) { begin_shutdown(); });   // ends in rt.stop()
///     rt.loop(0).post([&] { start(); });
///     rt.run();                                                          // loop 0 is this thread
///
/// Order of ends: stop and join the runtime, which drops the steps that never ran and the coroutines that wait in them;
/// then drop streams, listeners, file systems (whose threads tell loops what is done) and whatever else refers to its loops
/// (with the threads gone any thread may); then the runtime.
class runtime {
public:
    /// `loops` >= 1. Starts no thread yet.
    explicit runtime(int loops);
    /// Stops and joins when that has not happened.
    ~runtime();
    runtime(const runtime&) = delete;
    runtime& operator=(const runtime&) = delete;

    int size() const noexcept;
    event_loop& loop(int index) noexcept;
    network& net() noexcept;
    /// How long a loop has slept since it began. Any thread.
    nanoseconds slept(int index) const noexcept;

    /// Calls `handler` on loop 0 for each of these signals, from now on. Before run() or start(), or on loop 0.
    void on_signal(const std::vector<int>& signals, function<void(int)> handler);
    /// Runs every loop on a thread of its own and returns at once.
    void start();
    /// Runs loop 0 here and the others on threads of their own; returns after stop(), with all of them joined.
    void run();
    /// Every loop ends after its present turn. Any thread; harmless when repeated.
    void stop() noexcept;
    /// Waits for the threads of start(). Not on a loop.
    void join();

private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace weir
