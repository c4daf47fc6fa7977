// Whether a log is worth compacting, and which segments become one: decisions only, nothing is read or written.
#pragma once
#include <weir/base/time.hpp>
#include <weir/storage/log_config.hpp>

#include <cstdint>
#include <vector>

namespace weir::storage {

/// What a decision needs to know of a closed segment.
struct segment_facts {
    std::int64_t base_offset = 0;
    std::int64_t end_offset = 0;
    std::uint64_t size = 0;
    timestamp_ms oldest = no_timestamp;  ///< of its first batch
    timestamp_ms newest = no_timestamp;
};

struct cleaning_plan {
    bool due = false;
    std::int64_t first_dirty = 0;
    std::int64_t end = 0;      ///< exclusive: the first offset that may not be compacted yet
    std::size_t segments = 0;  ///< how many of the closed segments lie below `end`
    double dirty_ratio = 0;
    std::uint64_t dirty_bytes = 0;
    milliseconds overdue{0};   ///< since when max.compaction.lag.ms is over for the oldest dirty record
};

/// `closed`: every segment but the active one, oldest first. `first_dirty`: where the last compaction ended.
/// `stable_end`: nothing at or above it may be compacted (high watermark, last stable offset, what is durable).
cleaning_plan plan_cleaning(const std::vector<segment_facts>& closed, std::int64_t first_dirty, std::int64_t stable_end,
                            const log_config& config, timestamp_ms now);

/// Ends of the groups among the first `count` segments: each is rewritten into one of at most segment.bytes.
std::vector<std::size_t> group_segments(const std::vector<segment_facts>& closed, std::size_t count,
                                        const log_config& config);

}  // namespace weir::storage
