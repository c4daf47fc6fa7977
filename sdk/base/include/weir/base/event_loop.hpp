// The seam to threads, clocks and timers: one thread of execution that runs what is posted to it.
#pragma once
#include <weir/base/function.hpp>
#include <weir/base/time.hpp>

#include <cstdint>
#include <memory>

namespace weir {

/// Names a pending timer; 0 is none.
enum class timer_id : std::uint64_t { none = 0 };

/// Tells a loop something from where nothing may be locked or allocated. Goes before its loop does; any thread may drop it.
class doorbell {
public:
    virtual ~doorbell() = default;
    /// Runs the step on the loop soon, once for all rings until then. From anywhere, a signal handler included.
    virtual void ring() noexcept = 0;
};

/// One core's loop. What it runs never overlaps, so state that belongs to one loop needs no lock. Members are for its own thread
/// unless they say otherwise.
/// The real one wraps a Boost.Asio io_context and its thread (asio_runtime.hpp); the simulated one runs in virtual
/// time (sim/world.hpp). An idle loop sleeps in the kernel.
class event_loop : public clock {
public:
    /// Runs `step` later on this loop, in the order posted. Any thread.
    virtual void post(function<void()> step) = 0;
    /// The same, but where the loop sleeps the calling thread may take its place for as long as `step` takes, which spares
    /// waking it. Any thread that holds no lock which steps of this loop want.
    virtual void run_or_post(function<void()> step) { post(std::move(step)); }
    /// For a thread that would wait for what the loop brings about: it may be the loop meanwhile, until `reached` holds, which
    /// is asked after each turn, or `most` has passed. Returns sooner, or at once, where that would not help. The same threads.
    virtual void lend_thread(function<bool()> /*reached*/, nanoseconds /*most*/) {}
    /// `step` runs here each time it is rung, and no more once the doorbell is gone. Any thread.
    virtual std::unique_ptr<doorbell> hang_doorbell(function<void()> step) = 0;
    /// Runs `step` on this loop at `when` or as soon after as it can.
    virtual timer_id call_at(time_point when, function<void()> step) = 0;
    /// Forgets a timer; harmless when it has fired or is none.
    virtual void cancel(timer_id timer) noexcept = 0;
    /// Runs `step` once at the end of this turn: after the steps that were ready when it began, before the loop sleeps.
    /// What many steps of one turn share is done there once, such as one flush for all they wrote.
    virtual void defer_to_turn_end(function<void()> step) = 0;
    /// True on the loop's own thread.
    virtual bool running_here() const noexcept = 0;

    timer_id call_after(nanoseconds delay, function<void()> step) { return call_at(now() + delay, std::move(step)); }
};

}  // namespace weir
