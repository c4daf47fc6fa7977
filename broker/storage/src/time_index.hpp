// `.timeindex`: the largest timestamp so far and the offset that has it, sparse.
#pragma once
#include "index_file.hpp"

#include <weir/base/time.hpp>

#include <optional>

namespace weir::storage {

struct time_entry {
    timestamp_ms timestamp = no_timestamp;
    std::int64_t offset = -1;  ///< last offset of the batch with that timestamp
};

class time_index {
public:
    static constexpr std::size_t entry_bytes = 12;
    time_index(const log_folder& folder, std::int64_t base_offset) noexcept
        : entries_(folder, base_offset, suffix::time_index, entry_bytes) {}

    std::uint64_t count() const noexcept { return entries_.count(); }
    /// One entry is kept free for the one that closes the segment.
    bool full(std::int32_t index_bytes) const noexcept {
        return count() + 1 >= static_cast<std::uint64_t>(index_bytes) / entry_bytes;
    }
    result<void> load();
    /// Adds an entry when its timestamp is above the last one's.
    result<void> push_if_newer(const time_entry& newest);
    result<std::optional<time_entry>> last() const;
    /// The last entry whose timestamp is at most `target`.
    result<std::optional<time_entry>> find(timestamp_ms target) const;
    /// Drops the entries at or above `offset`.
    result<void> truncate(std::int64_t offset);
    result<void> clear();
    index_file& entries() noexcept { return entries_; }

private:
    time_entry decode(const std::byte* raw) const noexcept;
    result<std::optional<time_entry>> before(std::uint64_t count) const;

    index_file entries_;
    mutable std::optional<timestamp_ms> last_timestamp_;  // of the last entry, once known
};

}  // namespace weir::storage
