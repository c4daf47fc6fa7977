// `.index`: from offsets to positions in the segment file, sparse.
#pragma once
#include "index_file.hpp"

#include <optional>

namespace weir::storage {

struct offset_entry {
    std::int64_t offset = 0;  ///< last offset of the batch at `position`
    std::uint64_t position = 0;
};

class offset_index {
public:
    static constexpr std::size_t entry_bytes = 8;
    offset_index(const log_folder& folder, std::int64_t base_offset) noexcept
        : entries_(folder, base_offset, suffix::index, entry_bytes) {}

    std::uint64_t count() const noexcept { return entries_.count(); }
    bool full(std::int32_t index_bytes) const noexcept {
        return count() >= static_cast<std::uint64_t>(index_bytes) / entry_bytes;
    }
    void push(std::int64_t offset, std::uint64_t position);
    result<void> load() { return entries_.load(); }
    result<offset_entry> at(std::uint64_t which) const;
    /// The last entry whose offset is at most `target`; nullopt: begin at the start of the segment.
    result<std::optional<offset_entry>> find(std::int64_t target) const;
    /// The first entry at or behind `position`.
    result<std::optional<offset_entry>> find_position(std::uint64_t position) const;
    /// Drops the entries at or behind `position`.
    result<void> truncate(std::uint64_t position);
    index_file& entries() noexcept { return entries_; }

private:
    offset_entry decode(const std::byte* raw) const noexcept;
    index_file entries_;
};

}  // namespace weir::storage
