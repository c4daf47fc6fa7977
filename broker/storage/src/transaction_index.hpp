// `.txnindex`: the aborted transactions whose marker lies in a segment.
#pragma once
#include "lazy_file.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace weir::storage {

struct aborted_entry {
    std::int64_t producer_id = -1;
    std::int64_t first_offset = -1;
    std::int64_t last_offset = -1;         ///< of the marker
    std::int64_t last_stable_offset = -1;  ///< when the marker was written
};

/// Small: aborts are rare. Loaded at the first question, written at each abort; no file without one.
class transaction_index {
public:
    static constexpr std::size_t entry_bytes = 34;
    transaction_index(const log_folder& folder, std::int64_t base_offset, bool on_disk) noexcept
        : file_(folder, base_offset, suffix::txn_index),
          on_disk_(on_disk) {}

    result<void> append(const aborted_entry& entry);
    /// Adds to `into` what the file holds for `entry`.
    static void print(const aborted_entry& entry, bytes& into);
    /// errc::corrupt_message when the file is no sound index: rebuild it from the log.
    result<const std::vector<aborted_entry>*> entries() const;
    /// Drops the entries whose marker is at or above `offset`.
    result<void> truncate(std::int64_t offset);
    /// Drops everything, in the file too.
    result<void> clear();
    bool on_disk() const noexcept { return on_disk_; }
    /// The file, for syncing; null when there is none.
    result<file_ptr> opened() const;
    void close() const noexcept { file_.close(); }

private:
    lazy_file file_;
    bool on_disk_;
    mutable std::optional<std::vector<aborted_entry>> loaded_;
};

}  // namespace weir::storage
