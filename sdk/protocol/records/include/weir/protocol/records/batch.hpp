// Record batches of format 2: read as views, checked in place, built, and patched where a broker may patch them.
// Layout: docs/architecture/record_batches.md; source: Kafka's message format 2 (KIP-98, KIP-360, KIP-534).
#pragma once
#include <weir/base/bytes.hpp>
#include <weir/base/error.hpp>
#include <weir/base/time.hpp>
#include <weir/protocol/compression.hpp>

#include <cstdint>
#include <optional>

namespace weir::protocol {

enum class timestamp_type : std::uint8_t { create_time = 0, log_append_time = 1 };

/// Bytes of a batch before its records, and of the part that frames it (base offset and length).
inline constexpr std::size_t batch_header_bytes = 61;
inline constexpr std::size_t batch_frame_bytes = 12;

/// The header of one batch, read in place. Nothing is copied and nothing is checked beyond what open() says.
class batch_view {
public:
    /// The batch at the front of `input`. errc::incomplete when the input ends inside it; errc::corrupt_message when
    /// its length or magic is impossible (also for magic 0 and 1: legacy.hpp reads those). Does not look at the CRC.
    static result<batch_view> open(bytes_view input);

    bytes_view whole() const noexcept { return bytes_; }
    std::size_t size() const noexcept { return bytes_.size(); }
    std::int64_t base_offset() const noexcept { return read<std::int64_t>(0); }
    std::int32_t leader_epoch() const noexcept { return read<std::int32_t>(12); }
    std::uint32_t crc() const noexcept { return read<std::uint32_t>(17); }
    std::int16_t attributes() const noexcept { return read<std::int16_t>(21); }
    std::int32_t last_offset_delta() const noexcept { return read<std::int32_t>(23); }
    timestamp_ms base_timestamp() const noexcept { return read<std::int64_t>(27); }
    timestamp_ms max_timestamp() const noexcept { return read<std::int64_t>(35); }
    std::int64_t producer_id() const noexcept { return read<std::int64_t>(43); }
    std::int16_t producer_epoch() const noexcept { return read<std::int16_t>(51); }
    std::int32_t base_sequence() const noexcept { return read<std::int32_t>(53); }
    std::int32_t record_count() const noexcept { return read<std::int32_t>(57); }
    /// The records, compressed or not.
    bytes_view payload() const noexcept { return bytes_.subspan(batch_header_bytes); }

    /// Not base + count - 1: compaction leaves holes, also at the end.
    std::int64_t last_offset() const noexcept { return base_offset() + last_offset_delta(); }
    std::int64_t next_offset() const noexcept { return last_offset() + 1; }
    /// Raw bits 0-2; 5 to 7 are no codec.
    std::uint8_t codec_bits() const noexcept { return static_cast<std::uint8_t>(attributes() & 0x7); }
    std::optional<codec> compression() const noexcept { return codec_from_bits(codec_bits()); }
    bool compressed() const noexcept { return codec_bits() != 0; }
    timestamp_type time_type() const noexcept { return static_cast<timestamp_type>((attributes() >> 3) & 1); }
    bool transactional() const noexcept { return (attributes() & 0x10) != 0; }
    bool control() const noexcept { return (attributes() & 0x20) != 0; }
    bool has_delete_horizon() const noexcept { return (attributes() & 0x40) != 0; }
    /// When tombstones and markers of this batch may go; then base_timestamp() is no record's timestamp.
    std::optional<timestamp_ms> delete_horizon() const noexcept;
    bool has_producer_id() const noexcept { return producer_id() >= 0; }
    /// base_sequence + last_offset_delta, wrapping from 2147483647 to 0; -1 without a sequence.
    std::int32_t last_sequence() const noexcept;

    /// Whether the CRC-32C over the part after it matches.
    bool crc_matches() const noexcept;

private:
    explicit batch_view(bytes_view whole) noexcept : bytes_(whole) {}
    template <class Int>
    Int read(std::size_t at) const noexcept {
        return load_big_endian<Int>(bytes_.data() + at);
    }
    bytes_view bytes_;
};

/// `base` + `delta` in the ring of sequences, which goes from 2147483647 to 0.
std::int32_t advance_sequence(std::int32_t base, std::int32_t delta) noexcept;

/// Sets what a leader sets on append; outside the CRC, so the batch stays valid.
void patch_base_offset(mutable_bytes batch, std::int64_t base_offset) noexcept;
void patch_leader_epoch(mutable_bytes batch, std::int32_t leader_epoch) noexcept;
/// Stamps log append time: attribute bit 3 and max timestamp, then the CRC anew. Records stay as they are.
void stamp_append_time(mutable_bytes batch, timestamp_ms now) noexcept;
/// Sets the largest timestamp when the batch's own claim is wrong (record_summary says), then the CRC anew; no effect
/// and no work when it is right already.
void set_max_timestamp(mutable_bytes batch, timestamp_ms max_timestamp) noexcept;
/// Writes the CRC of the batch's present content.
void refresh_crc(mutable_bytes batch) noexcept;

}  // namespace weir::protocol
