// One partition on this broker: its log, its high watermark, and who waits for either to move.
#pragma once
#include <weir/base/event_loop.hpp>
#include <weir/base/uuid.hpp>
#include <weir/replica/log_copy.hpp>
#include <weir/replica/partition_figures.hpp>
#include <weir/storage/log.hpp>

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace weir::replica {

struct partition_id {
    uuid topic_id;
    std::int32_t index = 0;
    bool operator==(const partition_id&) const = default;
};

/// Somebody who wants to hear that a partition has something new to read. Lives on any loop.
class progress_listener {
public:
    virtual ~progress_listener() = default;
    /// Called on the partition's loop each time the high watermark or the last stable offset moves, or leadership ends.
    virtual void on_progress() noexcept = 0;
};

class flusher;

/// What a reader asks of one partition.
struct read_request {
    std::int64_t offset = 0;
    std::uint64_t max_bytes = 0;
    std::int32_t current_leader_epoch = -1;  ///< -1: not checked
    std::int32_t last_fetched_epoch = -1;    ///< -1: no divergence check
    bool read_committed = false;
    bool at_least_one = false;               ///< a first batch larger than max_bytes is returned whole
    bool beyond_high_watermark = false;      ///< replicas and the debugging consumer read to the log end
};

struct read_answer {
    errc code = errc::none;
    std::int64_t high_watermark = -1;
    std::int64_t last_stable_offset = -1;
    std::int64_t log_start_offset = -1;
    storage::log_slice records;
    std::vector<storage::aborted_transaction> aborted;
    std::optional<storage::epoch_end> diverging;
};

/// Belongs to one event loop, its home: everything is called there, except where a member says "any thread".
class partition : public std::enable_shared_from_this<partition> {
public:
    partition(partition_id id, std::string topic, std::unique_ptr<storage::partition_log> log, event_loop& home,
              flusher& flush);
    ~partition();

    const partition_id& id() const noexcept { return id_; }                ///< any thread
    const std::string& topic() const noexcept { return topic_; }           ///< any thread
    event_loop& home() const noexcept { return home_; }                    ///< any thread
    /// Exclusive: records below it are committed and served. Any thread.
    std::int64_t high_watermark() const noexcept { return high_watermark_.load(std::memory_order_acquire); }
    /// High watermark, or the start of the oldest open transaction below it. Any thread.
    std::int64_t last_stable_offset() const noexcept { return last_stable_offset_.load(std::memory_order_acquire); }
    std::int64_t log_start_offset() const noexcept { return log_start_offset_.load(std::memory_order_acquire); }  ///< any thread
    std::int32_t leader_epoch() const noexcept { return leader_epoch_.load(std::memory_order_acquire); }          ///< any thread
    bool leads() const noexcept { return leads_.load(std::memory_order_acquire); }                                ///< any thread
    /// Leads, and what the log held when it began to is durable and visible. Until then clients are told to come back:
    /// answering them would take back a high watermark that they have seen before. Any thread.
    bool serves() const noexcept { return leads() && !recovering_.load(std::memory_order_acquire); }

    /// This broker leads from now on, as the only in-sync replica; what the log holds becomes durable, then visible.
    void lead(std::int32_t leader_epoch);
    /// Stops serving: waiting writers get errc::not_leader_or_follower, readers are woken.
    void resign();

    /// Appends one batch, patched in place. errc::not_leader_or_follower, errc::fenced_leader_epoch, or what the log says.
    result<storage::append_outcome> append(mutable_bytes batch, storage::append_origin origin,
                                           std::vector<storage::record_refusal>* refused = nullptr);
    /// Runs `done` once everything below `offset` is committed; errc::request_timed_out at `deadline`,
    /// errc::not_leader_or_follower when leadership ends, errc::kafka_storage_error when the disk failed.
    void when_committed(std::int64_t offset, time_point deadline, function<void(result<void>)> done);

    read_answer read(const read_request& request) const;
    /// Checks a client's idea of the leader epoch (KIP-320): none, fenced_leader_epoch or unknown_leader_epoch.
    errc check_epoch(std::int32_t current_leader_epoch) const noexcept;

    /// Not owned: a loop that ends takes those along that live there.
    void add_listener(std::weak_ptr<progress_listener> listener);
    void remove_listener(const std::weak_ptr<progress_listener>& listener) noexcept;

    /// DeleteRecords: -1 means the high watermark. The new log start offset. errc::policy_violation when cleanup.policy
    /// has no delete.
    result<std::int64_t> delete_records(std::int64_t before_offset);
    void set_config(const storage::log_config& config);
    storage::partition_log& log() noexcept { return *log_; }
    const storage::partition_log& log() const noexcept { return *log_; }

    /// Copies the log into `future`, beside all else, and goes on with that one when it holds everything. A copy on its
    /// way elsewhere is given up.
    void move_to(std::unique_ptr<storage::partition_log> future, log_source& source);
    void cancel_move();
    /// The copy on its way; nullptr when there is none.
    const storage::partition_log* future_log() const noexcept { return copy_ ? &copy_->future() : nullptr; }

    partition_figures figures() const;
    /// Roll, retention, expiry of producers, removal of old files.
    void maintain();
    /// One slice of compaction of about `budget` bytes, as the log does it.
    storage::compaction_step compact(std::uint64_t budget, std::size_t map_bytes);
    /// The files of that step were synced, well or badly; `which` is the first.
    void compaction_synced(const file_ptr& which, const result<void>& synced);
    /// The flusher says that a flush ended, well or badly.
    void on_flushed();
    /// Fails waiters whose deadline has passed; true while some are left. What they do may be the end of the partition.
    bool expire_waiters(time_point now);
    result<void> close();
    /// The loops have ended: drops waiters unanswered. What they wait with may own this partition.
    void abandon() noexcept;
    /// Hands the log over for removal; the partition has resigned and touches nothing any more.
    std::unique_ptr<storage::partition_log> take_log() noexcept;

    /// The flusher's own notes, so that it need not search its lists.
    struct { bool dirty = false; bool watched = false; } flush_marks;

private:
    struct waiter {
        std::int64_t offset;
        time_point deadline;
        function<void(result<void>)> done;
    };
    void advance_high_watermark();
    void flush_in_time();
    void fail_waiters(const error& why);
    void tell_listeners();
    void copy_soon(nanoseconds pause = nanoseconds{0});
    void copy_more();
    void finish_move();
    void abandon_move(const error& why);
    void tell_compaction(const error& why);

    const partition_id id_;
    const std::string topic_;
    std::unique_ptr<storage::partition_log> log_;
    event_loop& home_;
    flusher& flush_;
    std::atomic<std::int64_t> high_watermark_{0};
    std::atomic<std::int64_t> last_stable_offset_{0};
    std::atomic<std::int64_t> log_start_offset_{0};
    std::atomic<std::int32_t> leader_epoch_{-1};
    std::atomic<bool> leads_{false};
    std::atomic<bool> recovering_{false};
    mutable std::int64_t unreadable_at_ = -1;  // the last read that failed, and was told
    std::int64_t recovered_end_ = 0;  // where the log ended when this broker began to lead
    std::deque<waiter> waiters_;  // by offset: appends hand them in that order
    std::vector<std::weak_ptr<progress_listener>> listeners_;
    timer_id flush_timer_ = timer_id::none;
    std::shared_ptr<log_copy> copy_;  // shared with nobody; syncs on their way watch whether it is still there
    bool compaction_failed_ = false;
    bool lost_place_ = false;         // a move failed half way: nothing may be written until a restart
};

}  // namespace weir::replica

template <>
struct std::hash<weir::replica::partition_id> {
    std::size_t operator()(const weir::replica::partition_id& id) const noexcept {
        return std::hash<weir::uuid>{}(id.topic_id) ^ (static_cast<std::size_t>(id.index) * 0x9e3779b97f4a7c15);
    }
};
