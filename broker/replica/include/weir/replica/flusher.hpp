// Group commit: one flush at a time per core, for every partition written since the last one.
#pragma once
#include <weir/base/event_loop.hpp>
#include <weir/base/files.hpp>
#include <weir/base/metrics.hpp>
#include <weir/storage/log.hpp>

#include <memory>
#include <vector>

namespace weir::replica {

class partition;

/// Collects the partitions written in a turn of the loop and makes them durable together at its end. While a flush is on
/// its way further writes gather for the next one, so the disk sets the pace and nobody waits for more than two flushes.
/// Belongs to one event loop.
class flusher {
public:
    flusher(event_loop& home, file_system& files) noexcept : home_(home), files_(files) {}
    ~flusher() { home_.cancel(timer_); }
    flusher(const flusher&) = delete;
    flusher& operator=(const flusher&) = delete;
    /// `written` has bytes that are not durable yet.
    void add(partition& written);
    /// Microseconds of every round are recorded from now on. Before the loop runs.
    void measure(std::shared_ptr<metrics::histogram> time) { time_ = std::move(time); }
    /// Before a partition goes away.
    void forget(partition& gone) noexcept;
    /// Makes files durable for somebody else; `done` hears the first failure.
    void sync(std::vector<file_ptr> files, function<void(const result<void>&)> done);
    /// `waiting` has writers that wait with a deadline.
    void watch_deadlines(partition& waiting);

private:
    struct job {
        partition* who;  // null once forgotten
        storage::flush_ticket ticket;
    };
    void schedule();
    void flush();
    void finish(std::vector<result<void>> synced);
    void check_deadlines();

    event_loop& home_;
    file_system& files_;
    std::vector<partition*> dirty_;
    std::vector<job> running_;
    std::vector<partition*> waiting_;
    // Those that are being told something: what hears it may write again, or make any of them go. Null once forgotten.
    std::vector<partition*> flushed_;
    std::vector<partition*> expiring_;
    std::shared_ptr<metrics::histogram> time_;
    time_point began_{};  // the flush on its way
    bool scheduled_ = false;
    bool in_flight_ = false;
    timer_id timer_ = timer_id::none;
};

}  // namespace weir::replica
