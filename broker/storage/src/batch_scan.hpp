// Walks the batches of a segment file by their headers.
#pragma once
#include <weir/base/files.hpp>
#include <weir/base/time.hpp>
#include <weir/protocol/records/batch.hpp>

#include <cstdint>
#include <vector>

namespace weir::storage {

/// The header of one batch in a file, decoded.
struct batch_header {
    std::uint64_t position = 0;
    std::uint64_t size = 0;
    std::int64_t base_offset = 0;
    std::int32_t leader_epoch = -1;
    std::int16_t attributes = 0;
    std::int32_t last_offset_delta = 0;
    timestamp_ms max_timestamp = no_timestamp;
    std::int64_t producer_id = -1;
    std::int16_t producer_epoch = -1;
    std::int32_t base_sequence = -1;
    std::int32_t record_count = 0;

    std::uint64_t end() const noexcept { return position + size; }
    std::int64_t last_offset() const noexcept { return base_offset + last_offset_delta; }
    std::int64_t next_offset() const noexcept { return last_offset() + 1; }
    bool transactional() const noexcept { return (attributes & 0x10) != 0; }
    bool control() const noexcept { return (attributes & 0x20) != 0; }
    std::int32_t last_sequence() const noexcept;
};

batch_header header_of(const protocol::batch_view& batch, std::uint64_t position) noexcept;

enum class scan_step : std::uint8_t {
    batch,    ///< header() is the next whole batch
    end,      ///< exactly at the end
    cut,      ///< the file ends inside a batch
    damaged,  ///< no batch can look like that; fault() says why
    legacy,   ///< a message of format 0 or 1
    failed,   ///< the file could not be read; failure() says why
};

class batch_scan {
public:
    /// Reads [position, end) of `source` through a window of `window` bytes.
    batch_scan(const file& source, std::uint64_t position, std::uint64_t end, std::size_t window = 8192);

    scan_step next();
    const batch_header& header() const noexcept { return header_; }
    /// Where the next batch begins, or where the scan stopped.
    std::uint64_t position() const noexcept { return position_; }
    /// Checks the CRC of the batch next() delivered, reading all of it; errc::corrupt_message when it is wrong.
    result<void> check_crc();
    /// The batch next() delivered, whole; valid until the next call.
    result<protocol::batch_view> load();
    /// For damaged, cut and legacy: what was found, with file and position.
    error fault() const;
    const error& failure() const noexcept { return failure_; }

private:
    /// `wanted` bytes at `at` as a view, shorter at the end; at most the window.
    result<bytes_view> view(std::uint64_t at, std::size_t wanted);
    /// Whether a message of format 0 or 1 with a right checksum stands here.
    result<bool> sound_legacy(std::uint64_t size);

    const file& source_;
    std::uint64_t position_;
    const std::uint64_t end_;
    batch_header header_;
    bytes window_;
    std::size_t filled_ = 0;
    std::uint64_t window_at_ = 0;
    const char* what_ = "";
    error failure_;
};

/// Checks every whole batch in [position, end) of a file of `file_end` bytes by framing, order of offsets and CRC. `end`
/// of the result is behind the last good one; `why` is set when what follows is wrong, and not when only `end` cuts it.
struct offset_range {
    std::int64_t from = 0;
    std::int64_t to = 0;  ///< exclusive
};
struct verified_range {
    std::uint64_t end = 0;
    error why;
};
verified_range verify_batches(const file& source, std::uint64_t position, std::uint64_t end, std::uint64_t file_end,
                              offset_range within);

}  // namespace weir::storage
