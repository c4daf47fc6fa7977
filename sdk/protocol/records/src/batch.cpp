#include <weir/protocol/records/batch.hpp>

#include "framing.hpp"

#include <weir/base/crc32c.hpp>

#include <fmt/format.h>

#include <limits>

namespace weir::protocol {
namespace {

constexpr std::size_t crc_at = 17;
constexpr std::size_t crc_covers_from = 21;

}  // namespace

result<batch_view> batch_view::open(bytes_view input) {
    const auto frame = detail::inspect_frame(input);
    switch (frame.state) {
        case detail::frame_state::incomplete:
            return error{errc::incomplete, fmt::format("{} bytes end inside a record batch", input.size())};
        case detail::frame_state::bad_length:
            return error{errc::corrupt_message, fmt::format("record batch with impossible length {}", frame.length)};
        case detail::frame_state::bad_magic:
            return error{errc::corrupt_message, fmt::format("record batch of unknown magic {}", frame.magic)};
        case detail::frame_state::whole: break;
    }
    if (frame.magic != 2)
        return error{errc::corrupt_message,
                     fmt::format("message of magic {}, where a record batch (2) is needed", frame.magic)};
    return batch_view{input.first(frame.size())};
}

std::optional<timestamp_ms> batch_view::delete_horizon() const noexcept {
    if (!has_delete_horizon()) return std::nullopt;
    return base_timestamp();
}

std::int32_t batch_view::last_sequence() const noexcept {
    if (base_sequence() < 0) return -1;
    return advance_sequence(base_sequence(), last_offset_delta());
}

bool batch_view::crc_matches() const noexcept { return crc32c(0, bytes_.subspan(crc_covers_from)) == crc(); }

std::int32_t advance_sequence(std::int32_t base, std::int32_t delta) noexcept {
    constexpr std::uint32_t ring = std::uint32_t{1} << 31;  // sequences are 0 to 2147483647
    return static_cast<std::int32_t>((static_cast<std::uint32_t>(base) + static_cast<std::uint32_t>(delta)) % ring);
}

void patch_base_offset(mutable_bytes batch, std::int64_t base_offset) noexcept {
    store_big_endian(batch.data(), base_offset);
}

void patch_leader_epoch(mutable_bytes batch, std::int32_t leader_epoch) noexcept {
    store_big_endian(batch.data() + 12, leader_epoch);
}

void stamp_append_time(mutable_bytes batch, timestamp_ms now) noexcept {
    const auto attributes = load_big_endian<std::int16_t>(batch.data() + 21);
    store_big_endian(batch.data() + 21, static_cast<std::int16_t>(attributes | 0x8));
    store_big_endian(batch.data() + 35, now);
    refresh_crc(batch);
}

void set_max_timestamp(mutable_bytes batch, timestamp_ms max_timestamp) noexcept {
    if (load_big_endian<std::int64_t>(batch.data() + 35) == max_timestamp) return;
    store_big_endian(batch.data() + 35, max_timestamp);
    refresh_crc(batch);
}

void refresh_crc(mutable_bytes batch) noexcept {
    store_big_endian(batch.data() + crc_at, crc32c(0, batch.subspan(crc_covers_from)));
}

}  // namespace weir::protocol
