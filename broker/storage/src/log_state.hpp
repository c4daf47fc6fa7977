// The inside of a partition_log, shared by the files that each hold one of its jobs.
#pragma once
#include "append_settings.hpp"
#include "epoch_cache.hpp"
#include "lazy_file.hpp"
#include "producer_state.hpp"
#include "recent_batches.hpp"
#include "segment.hpp"

#include <weir/protocol/records/record.hpp>
#include <weir/storage/log.hpp>

#include <memory>
#include <vector>

namespace weir::storage {

class compaction;

struct partition_log::state {
    state(file_system& files, const clock& time, open_options options);
    ~state();

    // log.cpp
    file_system& files() const noexcept { return folder.files(); }
    std::string name() const { return topic + "-" + std::to_string(partition); }
    segment* active() noexcept { return segments.empty() ? nullptr : segments.back().get(); }
    /// First offset that segment `which` cannot hold.
    std::int64_t end_of(std::size_t which) const noexcept {
        return which + 1 < segments.size() ? segments[which + 1]->base_offset() : log_end;
    }
    /// The segment that holds `offset`, or the one before it when it lies in a gap; segments.size() when there is none.
    std::size_t segment_of(std::int64_t offset) const noexcept;
    void publish() noexcept;
    /// Takes the log offline; the error for the caller.
    error fail(const error& cause);
    error why_offline() const;
    result<void> refuse_when_offline() const;
    void tell_health(std::uint64_t bytes, const result<append_outcome>& outcome);
    result<void> write_epochs();
    flush_ticket begin_flush();
    void finish_flush(const flush_ticket& ticket, const result<void>& synced);
    result<void> flush();
    result<void> close();

    // log_append.cpp
    result<append_outcome> append(mutable_bytes batch, std::int32_t leader_epoch, append_origin origin,
                                  std::vector<record_refusal>* refused);
    result<append_outcome> append_replicated(bytes_view batches);
    void stamp(mutable_bytes batch, const protocol::record_summary& records, timestamp_ms now) const;
    result<void> roll_for(const batch_header& batch);
    std::int64_t max_segment_age(std::int64_t base_offset) const noexcept;
    result<void> seal();
    result<void> begin_segment(std::int64_t base_offset);
    result<void> write(const batch_header& batch, bytes_view content);
    struct marker {
        bool is_end = false;  ///< ends a transaction
        bool commit = false;
        std::int32_t coordinator_epoch = -1;
    };
    static result<marker> read_marker(const protocol::batch_view& batch);
    /// Producer state and transaction index follow a batch that is in `home`.
    result<void> remember(const batch_header& batch, const marker& control, segment& home);

    // log_read.cpp
    result<read_outcome> read(std::int64_t offset, std::uint64_t max_bytes, std::int64_t end_offset, bool at_least_one,
                              bool with_aborted);
    struct found_batch {
        std::uint64_t position = 0;
        std::uint64_t size = 0;
    };
    /// The first batch of the segment that ends at or above `offset`; size 0 when there is none.
    result<found_batch> locate(std::size_t which, std::int64_t offset);
    /// Where the first batch that begins at or above `offset` begins.
    result<std::uint64_t> position_of_limit(std::size_t which, std::int64_t offset);
    result<std::vector<aborted_transaction>> aborted_in(std::size_t which, std::int64_t from, std::int64_t below);
    result<std::optional<timestamp_offset>> offset_for_timestamp(timestamp_ms wanted, std::int64_t end_offset);
    result<std::optional<timestamp_offset>> offset_of_max_timestamp();
    result<void> verify_segments();

    // recovery.cpp
    result<void> load(const open_options& options);
    result<void> load_topic_id(const open_options& options, bool present);
    result<void> recover_from(std::size_t first, std::int64_t recovery_point);
    result<void> drop_from(std::size_t which);
    result<void> load_producers(std::int64_t up_to);
    result<void> replay_producers(std::int64_t from, std::int64_t up_to);
    result<void> rebuild_epochs();
    result<void> write_snapshot();
    result<void> remove_snapshots_from(std::int64_t offset);

    // retention.cpp
    result<void> truncate_to(std::int64_t offset);
    result<void> truncate_fully_and_start_at(std::int64_t offset);
    result<void> advance_log_start(std::int64_t offset);
    result<void> roll_if_due();
    result<std::size_t> apply_retention(std::int64_t high_watermark);
    result<std::size_t> drop_oldest(std::size_t how_many);
    /// Moves the files of a segment out of the way; they are removed when their delay has passed.
    result<void> discard(segment& gone);
    result<void> collect_garbage(bool all);

    // cleaning.cpp
    result<compaction_step> compact(std::int64_t high_watermark, std::uint64_t budget, std::size_t map_bytes);
    std::int64_t noted_recovery_point() const noexcept;
    bool awaits_checkpoint() const noexcept;
    result<void> compaction_synced(const file_ptr& which, const result<void>& synced);

    log_folder folder;
    const clock& time;
    const std::string topic;
    const std::int32_t partition;
    uuid topic_id;
    log_config config;
    append_settings appending;  // what `config` says
    const std::shared_ptr<log_progress> progress;
    const std::shared_ptr<directory_health> health;

    std::vector<std::unique_ptr<segment>> segments;  // by base offset
    bool sealed = false;                             // the next batch begins a new segment
    std::uint64_t total_bytes = 0;
    std::int64_t log_start = 0;
    std::int64_t log_end = 0;
    std::int64_t flushed = 0;
    recent_batches recent;
    epoch_cache epochs;
    bool epochs_written = true;  // the checkpoint says what `epochs` says
    producer_state producers;
    std::vector<std::int64_t> snapshots;  // offsets of the snapshot files, ascending

    error failure;                       // set: offline
    std::vector<file_ptr> unsynced;      // small files to be made durable with the next flush
    file_ptr pinned;                     // the active log file, while it has unsynced data somebody waits for
    bool names_unsynced = false;         // files were made in the folder
    bool folder_unsynced = false;        // the folder itself was made
    std::uint64_t generation = 0;        // of truncations
    bool untouched = true;               // nothing was written since it was opened clean
    std::int64_t unflushed_records = 0;  // since the last flush began
    time_point last_flush;

    struct garbage {
        std::string path;
        time_point due;
    };
    std::vector<garbage> leftovers;

    std::uint64_t layout = 0;  // counts segments that went away: a compaction under way would miss them
    std::int64_t recovery_point_at_open = 0;
    std::int64_t cleaned_to = 0;  // everything below was compacted
    compaction_figures compacted;
    std::unique_ptr<compaction> cleaning;
};

}  // namespace weir::storage
