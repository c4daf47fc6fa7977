// Compaction of one core's logs, in the background.
#pragma once
#include <weir/base/event_loop.hpp>
#include <weir/base/function.hpp>
#include <weir/base/setting.hpp>
#include <weir/replica/flusher.hpp>
#include <weir/replica/partition.hpp>

#include <atomic>
#include <limits>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

namespace weir::replica {

struct cleaner_config {
    bool enabled = true;
    milliseconds backoff{15'000};                                      ///< between two rounds
    std::int64_t dedupe_buffer = 128 << 20;                            ///< bytes of keys, of one log at a time
    double max_bytes_per_second = std::numeric_limits<double>::max();  ///< of this core
    static std::span<const setting> settings();
};

/// Of the last whole round, for those who watch.
struct cleaner_figures {
    time_point last_run{};       ///< its end; zero: there was none
    nanoseconds longest{0};      ///< the most that one log took
    // Of the last round that compacted anything:
    std::uint64_t read = 0, written = 0;  ///< bytes
    milliseconds overdue{0};              ///< the most that max.compaction.lag.ms was over for a record
};

/// Goes round the partitions of a core and compacts those that want it, a slice per turn of the loop, so that requests are
/// served between slices; what it wrote is synced beside the loop, by `flush`. Sleeps without a timer while no partition of the core is compacted. Used on the core's loop only.
class cleaner {
public:
    using partitions = std::unordered_map<partition_id, std::shared_ptr<partition>>;
    /// Has recovery points written down, then calls on the cleaner's loop: only what they cover may be compacted.
    using checkpoint_writer = function<void(function<void()> done)>;
    /// `mine` outlives the cleaner; partitions may come and go between slices.
    cleaner(event_loop& loop, flusher& flush, const partitions& mine, cleaner_config config, checkpoint_writer checkpoint);
    ~cleaner();
    cleaner(const cleaner&) = delete;
    cleaner& operator=(const cleaner&) = delete;

    /// A partition came or its configuration changed: rounds begin when it is compacted and none are under way.
    void notice(const partition& changed);
    /// What holds from the next pause on.
    void set_config(const cleaner_config& config);
    /// Any thread.
    cleaner_figures figures() const noexcept;
    /// No further slice begins; for a clean stop.
    void stop() noexcept;

private:
    void wait_for_round();
    void begin_round();
    void clean_first();
    void clean_next();
    void clean_on(bool same_log);
    void sync(partition_id of, std::vector<file_ptr> files);
    void end_log();
    void end_round();

    event_loop& loop_;
    flusher& flush_;
    const partitions& mine_;
    cleaner_config config_;
    checkpoint_writer checkpoint_;
    timer_id timer_ = timer_id::none;  // set while there is anything to come back to
    std::vector<partition_id> left_;   // of this round
    bool stopped_ = false;
    bool waits_for_disk_ = false;
    std::shared_ptr<cleaner*> here_ = std::make_shared<cleaner*>(this);  // a sync on its way may end after the cleaner does
    time_point log_begun_{};
    cleaner_figures so_far_;  // of this round
    std::atomic<std::int64_t> last_run_{0};  // nanoseconds, as the loop counts them
    std::atomic<std::int64_t> longest_{0};
    std::atomic<std::uint64_t> read_{0}, written_{0};
    std::atomic<std::int64_t> overdue_{0};  // milliseconds
};

}  // namespace weir::replica
