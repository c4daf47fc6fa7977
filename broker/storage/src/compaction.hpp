// One compaction under way: first the last offset of every key in the dirty part, then the segments written anew.
#pragma once
#include "cleaning_plan.hpp"
#include "log_state.hpp"

#include <weir/protocol/records/record_reader.hpp>

#include <string>
#include <unordered_map>
#include <vector>

namespace weir::storage {

/// Works in steps, so that the loop it runs on is not held up; between two steps the log goes on. Dropped half-way it
/// leaves the log as it was.
class compaction {
public:
    compaction(partition_log::state& log, const cleaning_plan& plan, std::vector<std::size_t> group_ends);
    ~compaction();
    compaction(const compaction&) = delete;
    compaction& operator=(const compaction&) = delete;

    enum class progress : std::uint8_t { more, done, overtaken };  ///< overtaken: segments went away meanwhile
    /// Reads about `budget` bytes. errc::corrupt_message: a segment is damaged and stays as it is.
    result<progress> step(std::uint64_t budget);
    std::int64_t cleaned_to() const noexcept { return end_; }

private:
    struct span {
        std::int64_t first = 0;
        std::int64_t last = 0;
    };
    result<void> load_aborted();
    bool aborted(const batch_header& batch) const;
    result<bool> map_some(std::uint64_t& budget);
    result<bool> rewrite_some(std::uint64_t& budget);
    result<void> rewrite(const batch_header& header, const protocol::batch_view& batch);
    result<void> rewrite_marker(const batch_header& header, const protocol::batch_view& batch);
    bool last_of_producer(const batch_header& header) const;
    result<void> put(bytes_view batch);
    result<void> open_output();
    result<void> swap_in();

    partition_log::state& log_;
    const std::uint64_t layout_;  // of the log when this began
    const timestamp_ms now_;
    std::int64_t first_dirty_;
    std::int64_t end_;
    std::vector<std::size_t> group_ends_;  // counted in segments as they were at the start
    bool begun_ = false;
    bool mapped_ = false;
    std::unordered_map<std::string, std::int64_t> latest_;  // of each key in the dirty part
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
    bytes buffer_;
    protocol::record_reader reader_;
};

}  // namespace weir::storage
