// One segment: the log file, its indexes, and what is known of its content without reading it.
#pragma once
#include "batch_scan.hpp"
#include "offset_index.hpp"
#include "time_index.hpp"
#include "transaction_index.hpp"

#include <optional>

namespace weir::storage {

/// Nothing is open and nothing was read until a question needs it. The log file counts; an index that is missing or
/// contradicts it is made anew from the log.
class segment {
public:
    /// One that is there: `size` bytes of log, with or without a transaction index.
    segment(const log_folder& folder, std::int64_t base_offset, std::uint64_t size, bool has_txn_index);
    /// One that begins now; its files are made with the first batch.
    segment(const log_folder& folder, std::int64_t base_offset);

    std::int64_t base_offset() const noexcept { return base_offset_; }
    std::uint64_t size() const noexcept { return size_; }
    std::string log_path() const { return log_.path(); }
    result<file_ptr> log_file(open_mode mode = open_mode::write) const { return log_.open(mode); }
    transaction_index& transactions() noexcept { return transactions_; }
    /// Lets all open files go; they come back when needed.
    void close_files() noexcept;

    /// Takes note of a batch that stands at the end of the file, with an index entry when it is time for one.
    result<void> added(const batch_header& batch);
    bool indexes_full(std::int32_t index_bytes) const noexcept {
        return index_.full(index_bytes) || times_.full(index_bytes);
    }

    /// Where to begin a scan for `offset`: at or before the batch that holds it.
    result<std::uint64_t> scan_start(std::int64_t offset);
    /// Where to begin a scan for the first record with a timestamp of at least `wanted`.
    result<std::uint64_t> scan_start_for_time(timestamp_ms wanted);
    /// An offset above every offset before `position`; nullopt: only the segment's end is.
    result<std::optional<std::int64_t>> offset_bound(std::uint64_t position);
    /// Largest timestamp, and the last offset of the batch that has it; -1 when no record has one.
    result<time_entry> newest();
    /// The largest timestamp of the first batch, by which a segment's age is measured; -1 when empty.
    result<timestamp_ms> first_timestamp();
    /// Checks by CRC what was not checked in this run. Returns where in [position, end] the good part ends;
    /// errc::corrupt_message when that is at `position`.
    /// `end_offset`: where the segment ends in offsets.
    result<std::uint64_t> verify(std::uint64_t position, std::uint64_t end, std::int64_t end_offset);

    /// Where the last batch ends in offsets, from the index and the headers behind its last entry.
    /// errc::corrupt_message when the file ends in anything but a whole batch: recover it.
    result<std::int64_t> find_end();
    /// Empties the indexes and forgets the size, for a recovery that calls added() for each batch anew.
    result<void> restart();
    /// A recovery has read all of it.
    void mark_checked() noexcept { written_here_from_ = 0; }
    /// Cuts the log file at `position`, a batch boundary, where `next_offset` is next.
    result<void> cut(std::uint64_t position, std::int64_t next_offset);
    /// Writes what the indexes hold in memory, with the entry that closes a time index; the files, for syncing.
    result<std::vector<file_ptr>> finish_indexes();

private:
    result<void> load_indexes();
    result<void> check_indexes();
    result<void> agrees(const offset_entry& entry) const;
    result<void> agrees(const time_entry& entry) const;
    result<void> rebuild_indexes();
    result<void> scan_newest(std::uint64_t position);

    const log_folder& folder_;
    std::int64_t base_offset_;
    std::uint64_t size_;
    lazy_file log_;
    offset_index index_;
    time_index times_;
    transaction_index transactions_;
    bool loaded_;                      // the indexes are known and agree with the log file
    bool times_closed_;                // the time index ends with the largest timestamp
    std::uint64_t since_entry_ = 0;    // log bytes since the last index entry
    std::uint64_t written_here_from_;  // from here on every byte was checked before it was written
    std::uint64_t checked_from_ = 0;   // [checked_from, checked_to) was read and checked
    std::uint64_t checked_to_ = 0;
    std::optional<time_entry> newest_;
    std::optional<timestamp_ms> first_timestamp_;
};

}  // namespace weir::storage
