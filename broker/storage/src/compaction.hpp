// One compaction under way: first the last offset of every key in the dirty part, then the segments written anew.
#pragma once
#include "cleaning_plan.hpp"
#include "log_state.hpp"

#include <weir/protocol/records/record_reader.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace weir::storage {

/// Works in steps, so that the loop it runs on is not held up; between two steps the log goes on. Dropped half-way it
/// leaves the log as it was.
class compaction {
public:
    /// Keys take about `map_bytes` of memory at most; what they do not reach is for the next time.
    compaction(partition_log::state& log, const cleaning_plan& plan, std::vector<std::size_t> group_ends, std::size_t map_bytes);
    ~compaction();
    compaction(const compaction&) = delete;
    compaction& operator=(const compaction&) = delete;

    enum class progress : std::uint8_t {
        more,
        sync,       ///< unsynced() is to be made durable first; nothing happens until synced()
        done,
        overtaken,  ///< segments went away meanwhile
    };
    /// Reads about `budget` bytes. errc::corrupt_message: a segment is damaged and stays as it is.
    result<progress> step(std::uint64_t budget);
    std::vector<file_ptr> unsynced() const;
    void synced() noexcept { waiting_ = false; }
    bool waits() const noexcept { return waiting_; }
    bool waits_for(const file_ptr& which) const noexcept { return waiting_ && output_ == which; }
    std::int64_t cleaned_to() const noexcept { return end_; }

private:
    struct span {
        std::int64_t first = 0;
        std::int64_t last = 0;
    };
    result<void> load_aborted();
    bool aborted(const batch_header& batch) const;
    result<bool> map_some(std::uint64_t& budget);
    result<progress> rewrite_some(std::uint64_t& budget);
    result<progress> rewrite_segment(std::uint64_t& budget);
    result<void> rewrite(const batch_header& header, const protocol::batch_view& batch);
    result<void> rewrite_marker(const batch_header& header, const protocol::batch_view& batch);
    bool last_of_producer(const batch_header& header) const;
    result<void> put(bytes_view batch);
    result<void> open_output();
    result<void> spill();
    std::size_t group_begin() const noexcept { return group_ == 0 ? 0 : group_ends_[group_ - 1] - merged_; }
    std::string transactions_path() const;
    result<void> write_transactions();
    result<void> finish_output();
    result<void> swap_in();

    partition_log::state& log_;
    const std::uint64_t layout_;  // of the log when this began
    const timestamp_ms now_;
    std::int64_t first_dirty_;
    std::int64_t end_;
    const std::size_t map_bytes_;
    std::vector<std::size_t> group_ends_;  // counted in segments as they were at the start
    bool begun_ = false;
    bool mapped_ = false;
    struct key_hash {
        using is_transparent = void;  // found without making a string
        std::size_t operator()(std::string_view key) const noexcept { return std::hash<std::string_view>{}(key); }
    };
    std::unordered_map<std::string, std::int64_t, key_hash, std::equal_to<>> latest_;  // of each key in the dirty part
    std::size_t latest_bytes_ = 0;
    std::unordered_map<std::int64_t, std::vector<span>> aborted_;  // by producer
    std::unordered_map<std::int64_t, bool> kept_data_;             // since the producer's last marker
    std::size_t group_ = 0;
    std::size_t merged_ = 0;      // segments that earlier groups took away
    std::size_t which_ = 0;       // the segment being read, counted as the log is now
    std::uint64_t position_ = 0;  // in it
    file_ptr output_;
    std::string output_path_;  // without ".cleaned"
    std::uint64_t output_size_ = 0;
    std::uint64_t output_synced_ = 0;
    file_ptr transactions_;         // what the new segment's index of aborted transactions will hold, if anything
    bool complete_ = false;         // all of the group is in the output
    bool waiting_ = false;          // for a sync
    bytes buffer_;
    protocol::record_reader reader_;
};

}  // namespace weir::storage
