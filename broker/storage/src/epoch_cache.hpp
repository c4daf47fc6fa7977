// `leader-epoch-checkpoint`: which leader epoch begins at which offset (KIP-101).
#pragma once
#include <weir/base/files.hpp>
#include <weir/storage/log.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir::storage {

struct epoch_start {
    std::int32_t epoch = -1;
    std::int64_t start_offset = -1;
    bool operator==(const epoch_start&) const = default;
};

/// The text of the file: both columns ascend. errc::malformed says what is wrong, without the file's name.
std::string print_epochs(const std::vector<epoch_start>& entries);
result<std::vector<epoch_start>> parse_epochs(std::string_view text);

/// Both columns ascend strictly. Changes are in memory; the log writes the file when it matters.
class epoch_cache {
public:
    void assign(std::vector<epoch_start> entries) { entries_ = std::move(entries); }
    const std::vector<epoch_start>& entries() const noexcept { return entries_; }
    std::int32_t latest() const noexcept { return entries_.empty() ? -1 : entries_.back().epoch; }

    /// A leader of `epoch` begins writing at `start_offset`. Later claims win over what they contradict. True when
    /// something changed.
    bool begin(std::int32_t epoch, std::int64_t start_offset);
    /// Largest epoch not above `epoch` and where it ends, for a log that ends at `log_end`.
    epoch_end end_of(std::int32_t epoch, std::int64_t log_end) const noexcept;
    std::int32_t epoch_of(std::int64_t offset) const noexcept;
    bool truncate_from_end(std::int64_t offset);
    bool truncate_from_start(std::int64_t offset);
    void clear() noexcept { entries_.clear(); }

private:
    std::vector<epoch_start> entries_;
};

}  // namespace weir::storage
