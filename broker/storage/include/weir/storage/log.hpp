// The log of one partition: Kafka's segment files, indexes, producer state, epochs; append, read, retain, recover.
#pragma once
#include <weir/base/bytes.hpp>
#include <weir/base/error.hpp>
#include <weir/base/files.hpp>
#include <weir/base/time.hpp>
#include <weir/base/uuid.hpp>
#include <weir/storage/directory_health.hpp>
#include <weir/storage/file_cache.hpp>
#include <weir/storage/log_config.hpp>

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace weir::storage {

/// Who wrote a batch; decides what is checked.
enum class append_origin : std::uint8_t {
    client,       ///< everything: one batch, base offset 0, no control batch, producer sequence, timestamps, sizes
    coordinator,  ///< our own group, transaction or share coordinator: sequences and sizes, control batches allowed
    raft,         ///< the metadata quorum: offsets and epochs are taken as they are
};

struct append_outcome {
    std::int64_t first_offset = -1;
    std::int64_t last_offset = -1;
    timestamp_ms append_time = no_timestamp;  ///< set with message.timestamp.type=LogAppendTime
    std::int64_t log_start_offset = 0;
    bool duplicate = false;  ///< an idempotent producer sent it again; the offsets are the old ones
};

/// A record that keeps its whole batch out of a log.
struct record_refusal {
    std::int32_t index = 0;  ///< in its batch
    errc code = errc::none;  ///< invalid_record: no key where there must be one; invalid_timestamp
    std::string what;
};

/// A range of one segment file that holds whole batches, but for a possible cut at its end.
struct log_slice {
    file_ptr source;
    std::uint64_t position = 0;
    std::uint64_t size = 0;
};

struct aborted_transaction {
    std::int64_t producer_id = -1;
    std::int64_t first_offset = -1;
};

struct read_outcome {
    log_slice records;                         ///< size 0 at the end of the log
    std::vector<aborted_transaction> aborted;  ///< filled when asked for; sorted by first offset
};

struct timestamp_offset {
    timestamp_ms timestamp = no_timestamp;
    std::int64_t offset = -1;
    std::int32_t leader_epoch = -1;
};

struct epoch_end {
    std::int32_t epoch = -1;
    std::int64_t end_offset = -1;
};

struct producer_status {
    std::int64_t producer_id = -1;
    std::int16_t epoch = -1;
    std::int32_t last_sequence = -1;
    timestamp_ms last_timestamp = no_timestamp;
    std::int32_t coordinator_epoch = -1;
    std::int64_t current_txn_start_offset = -1;
};

/// What one flush has to make durable; between begin_flush() and finish_flush() appends go on.
struct flush_ticket {
    std::vector<file_ptr> files;
    std::int64_t end_offset = 0;   ///< durable below this once the files are
    std::uint64_t generation = 0;  ///< the log's own: a ticket from before a truncation proves nothing
};

/// What the checkpoint files say of one log; written by the log's loop, read by any thread.
struct log_progress {
    std::atomic<std::int64_t> recovery_point{0};
    std::atomic<std::int64_t> log_start{0};
    std::atomic<std::int64_t> first_segment{0};  ///< base offset of the oldest segment
    std::atomic<std::int64_t> log_end{0};
    std::atomic<std::uint64_t> size_bytes{0};
    std::atomic<std::int64_t> cleaned_to{0};
    std::atomic<std::int64_t> high_watermark{0};  ///< as whoever owns the log told it
    std::atomic<std::int64_t> noted_recovery_point{0};  ///< what the checkpoint file says; set by who writes it
    std::atomic<bool> closed{false};                    ///< cleanly
};

/// What compact() found when it last looked, and what all its compactions have read and written since the log was opened.
struct compaction_figures {
    double dirty_ratio = 0;         ///< of what could be compacted, the share that was not
    std::uint64_t dirty_bytes = 0;
    milliseconds overdue{0};        ///< since when max.compaction.lag.ms was over for the oldest of it
    std::uint64_t read = 0;         ///< to be written anew
    std::uint64_t written = 0;
};

struct compaction_step {
    bool more = false;            ///< call again, soon
    std::vector<file_ptr> files;  ///< to be made durable before that, and told with compaction_synced()
};

/// Blocks on files, never waits for anything else. Belongs to one event loop. Errors name topic, partition and file;
/// after errc::io_error (or a failed flush) the log refuses writes: its directory has failed.
class partition_log {
public:
    struct open_options {
        std::string directory;  ///< "<log.dir>/<topic>-<partition>"
        std::string topic;
        std::int32_t partition = 0;
        uuid topic_id;  ///< zero: take it from partition.metadata
        log_config config;
        std::int64_t recovery_point = 0;         ///< durable below this, from recovery-point-offset-checkpoint
        std::int64_t log_start_offset = 0;       ///< from log-start-offset-checkpoint; 0 when not listed
        bool clean_shutdown = false;             ///< nothing needs to be checked
        std::int64_t cleaned_to = 0;             ///< from cleaner-offset-checkpoint
        std::shared_ptr<file_cache> handles;     ///< shared by the logs of a broker; null: one of its own
        std::shared_ptr<log_progress> progress;  ///< kept up to date when there
        std::shared_ptr<directory_health> health;  ///< of the log directory: told what writes meet, and asked; may be null
    };
    /// Opens or creates the log and recovers it: swap files finished, batches from the recovery point on checked, the
    /// tail cut at the first damage, indexes rebuilt when missing or wrong, producer state replayed.
    static result<std::unique_ptr<partition_log>> open(file_system& files, const class weir::clock& clock,
                                                       const open_options& options);
    ~partition_log();

    /// Checks, stamps and writes one batch (see append_origin); `batch` is patched in place. Kafka's codes: corrupt_message,
    /// invalid_record, message_too_large, invalid_timestamp, out_of_order_sequence_number, invalid_producer_epoch, ...
    /// When single records are why, they are listed in `refused`.
    result<append_outcome> append(mutable_bytes batch, std::int32_t leader_epoch, append_origin origin,
                                  std::vector<record_refusal>* refused = nullptr);
    /// Writes batches fetched from the leader as they are; their offsets must continue this log.
    result<append_outcome> append_replicated(bytes_view batches);

    /// Whole batches from the one holding `offset`, of one segment, at most `max_bytes` (but at least one batch when
    /// `at_least_one`), none beginning at or above `end_offset`. errc::offset_out_of_range outside [log start, log end].
    result<read_outcome> read(std::int64_t offset, std::uint64_t max_bytes, std::int64_t end_offset, bool at_least_one,
                              bool with_aborted) const;

    std::int64_t log_start_offset() const noexcept;
    std::int64_t log_end_offset() const noexcept;  ///< exclusive: the offset the next record gets
    /// What the next checkpoint says: below this, everything is committed.
    void note_high_watermark(std::int64_t offset) noexcept;
    std::int64_t flushed_offset() const noexcept;  ///< durable below this: the recovery point
    /// First offset of the oldest open transaction, if any; the last stable offset is the smaller of this and the high watermark.
    std::optional<std::int64_t> first_unstable_offset() const noexcept;
    /// The same, and a transaction whose marker is not below `high_watermark` still counts as open: its outcome could be
    /// lost with the leader. Forgets the markers below, so call it with the real one.
    std::optional<std::int64_t> first_unstable_offset(std::int64_t high_watermark);
    bool writable() const noexcept;  ///< false once a write or a flush has failed for good, here or elsewhere in the log directory
    std::uint64_t size_bytes() const noexcept;
    std::size_t segment_count() const noexcept;
    /// Why writable() is false.
    error failure() const;
    std::int32_t latest_epoch() const noexcept;  ///< -1 when empty
    const uuid& topic_id() const noexcept;
    const std::string& directory() const noexcept;
    const log_config& config() const noexcept;
    void set_config(const log_config& config);
    /// The folder was renamed.
    void moved_to(std::string directory);

    /// The first offset whose timestamp is not smaller, below `end_offset`; nullopt when there is none.
    result<std::optional<timestamp_offset>> offset_for_timestamp(timestamp_ms wanted, std::int64_t end_offset) const;
    /// The record with the largest timestamp.
    result<std::optional<timestamp_offset>> offset_of_max_timestamp() const;
    /// Largest epoch not above `epoch`, and where it ends (KIP-101); {-1, -1} when unknown.
    epoch_end end_of_epoch(std::int32_t epoch) const noexcept;
    std::int32_t epoch_of(std::int64_t offset) const noexcept;
    void begin_epoch(std::int32_t epoch, std::int64_t start_offset);

    /// Everything written and not yet durable; nothing to do when `files` is empty.
    flush_ticket begin_flush();
    /// After the files of `ticket` were synced; a failure takes the log offline.
    void finish_flush(const flush_ticket& ticket, const result<void>& synced);
    /// Whether flush.messages, flush.ms or a closed segment ask for a flush although nobody waits for one. Cheap.
    bool flush_due() const noexcept;
    /// begin_flush, the syncs and finish_flush in one blocking call.
    result<void> flush();

    result<void> truncate_to(std::int64_t offset);  ///< drops everything from `offset` on
    result<void> truncate_fully_and_start_at(std::int64_t offset);
    /// DeleteRecords: nothing below `offset` is served any more; segments wholly below it are dropped.
    result<void> advance_log_start(std::int64_t offset);
    /// Starts a new segment when the active one is older than segment.ms; called by the maintenance round.
    result<void> roll_if_due();
    /// Drops segments by time, size and log start; only below `high_watermark`. Files go after file.delete.delay.ms
    /// (collect_garbage). Returns how many were dropped.
    result<std::size_t> apply_retention(std::int64_t high_watermark);
    /// Whether closed segments wait for a checkpoint: compact() leaves alone what the recovery point noted last does not cover.
    bool awaits_checkpoint() const noexcept;
    /// One step of compaction, when cleanup.policy asks for it and enough is dirty: reads about `budget` bytes. Keeps the
    /// last value of each key below the last stable offset, of as many keys as fit into `map_bytes` of memory in one go.
    result<compaction_step> compact(std::int64_t high_watermark, std::uint64_t budget, std::size_t map_bytes);
    /// The files of a step were synced, the first of which is `which`; a failure takes the log offline. Harmless when that
    /// compaction was given up meanwhile.
    result<void> compaction_synced(const file_ptr& which, const result<void>& synced);
    const compaction_figures& compacted() const noexcept;
    /// Removes files whose delay has passed.
    result<void> collect_garbage();
    void expire_producers();
    std::vector<producer_status> producers() const;
    std::size_t producer_count() const noexcept;

    /// Checks every batch of every segment by CRC, records too; errc::corrupt_message names the first bad one. Slow.
    result<void> verify_segments() const;

    /// Clean shutdown: syncs, trims the indexes, writes the producer snapshot.
    result<void> close();

    partition_log(const partition_log&) = delete;
    partition_log& operator=(const partition_log&) = delete;

private:
    friend class compaction;
    struct state;
    explicit partition_log(std::unique_ptr<state> state);
    std::unique_ptr<state> state_;
};

}  // namespace weir::storage
