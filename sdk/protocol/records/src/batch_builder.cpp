#include <weir/protocol/records/batch_builder.hpp>

#include <weir/base/varint.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace weir::protocol {
namespace {

constexpr std::size_t largest_batch = std::numeric_limits<std::int32_t>::max();

// Nearly all are below 64, and most others below 8192.
std::size_t bytes_of(std::uint64_t folded) noexcept {
    return folded < 0x80 ? 1 : folded < 0x4000 ? 2 : size_of_unsigned_varlong(folded);
}

/// Sizes and counts are not negative: the zigzag of one only doubles it.
constexpr std::uint64_t zigzag_size(std::size_t size) noexcept { return static_cast<std::uint64_t>(size) << 1; }

/// Writes behind a pointer; there is room.
struct output {
    std::byte* at;

    void byte(std::uint8_t value) noexcept { *at++ = static_cast<std::byte>(value); }
    void folded(std::uint64_t value) noexcept {
        if (value < 0x80) {
            *at++ = static_cast<std::byte>(value);
        } else if (value < 0x4000) {
            at[0] = static_cast<std::byte>(value | 0x80);
            at[1] = static_cast<std::byte>(value >> 7);
            at += 2;
        } else {
            at += write_unsigned_varlong(at, value);
        }
    }
    void raw(bytes_view from) noexcept {
        if (from.empty()) return;
        std::memcpy(at, from.data(), from.size());
        at += from.size();
    }
    void nullable(const std::optional<bytes_view>& from) noexcept {
        if (!from) return byte(1);  // a size of -1
        folded(zigzag_size(from->size()));
        raw(*from);
    }
};

std::size_t nullable_size(const std::optional<bytes_view>& from) noexcept {
    if (!from) return 1;
    // A length that does not fit is refused by its size before the varint matters.
    return bytes_of(zigzag_size(std::min(from->size(), largest_batch))) + from->size();
}

/// At least nullable_size(), in fewer steps.
std::size_t nullable_bound(const std::optional<bytes_view>& from) noexcept {
    return from ? max_varint_bytes + std::min(from->size(), largest_batch) : 1;
}

std::size_t size_of_all(std::span<const header_view> headers) noexcept {
    std::size_t total = 0;
    for (const auto& header : headers) total += nullable_size(as_bytes(header.key)) + nullable_size(header.value);
    return total;
}
std::size_t headers_size(std::span<const header_view> headers) noexcept {
    return headers.empty() ? 0 : size_of_all(headers);
}

output write_all(output out, std::span<const header_view> headers) noexcept {
    for (const auto& header : headers) {
        out.nullable(as_bytes(header.key));
        out.nullable(header.value);
    }
    return out;
}

std::int64_t wrapping_difference(std::int64_t a, std::int64_t b) noexcept {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}

}  // namespace

batch_builder::batch_builder(batch_settings settings, bytes room) : settings_(std::move(settings)), bytes_(std::move(room)) { clear(); }

void batch_builder::clear() noexcept {
    used_ = batch_header_bytes;
    count_ = 0;
    last_offset_ = -1;
    base_timestamp_ = no_timestamp;
    max_timestamp_ = no_timestamp;
}

void batch_builder::release() noexcept {
    bytes_ = {};
    clear();
}

void batch_builder::set_producer(std::int64_t producer_id, std::int16_t epoch, std::int32_t base_sequence) noexcept {
    settings_.producer_id = producer_id;
    settings_.producer_epoch = epoch;
    settings_.base_sequence = base_sequence;
}

std::byte* batch_builder::room(std::size_t more) {
    if (bytes_.size() < used_ + more) [[unlikely]] grow(used_ + more);
    return bytes_.data() + used_;
}

// The vector's own size runs ahead of what is used, a piece at a time: what was just zeroed is still in the cache when records
// are written there, and memory that no record needs is never touched.
void batch_builder::grow(std::size_t needed) {
    constexpr std::size_t piece = 32 << 10;
    // A builder makes batches of like size: it begins with room for the last one.
    if (needed > bytes_.capacity()) bytes_.reserve(std::max({needed, bytes_.capacity() * 2, last_size_, std::size_t{512}}));
    bytes_.resize(std::min(bytes_.capacity(), std::max(needed, bytes_.size() + piece)));
}

template <class WriteHeaders>
result<void> batch_builder::add(std::int64_t offset, timestamp_ms timestamp, const std::optional<bytes_view>& key,
                                const std::optional<bytes_view>& value, std::size_t header_count, std::size_t header_bytes,
                                WriteHeaders write_headers) {
    const std::int64_t offset_delta = wrapping_difference(offset, settings_.base_offset);
    const bool first = count_ == 0;
    if (offset < settings_.base_offset || offset_delta < 0 || offset_delta > std::numeric_limits<std::int32_t>::max() ||
        (!first && offset <= last_offset_)) [[unlikely]]
        return error{errc::invalid_record, fmt::format("offset {} does not fit a batch at offset {} behind offset {}",
                                                       offset, settings_.base_offset, first ? -1 : last_offset_)};
    const std::size_t bound = 1 + max_varlong_bytes + max_varint_bytes + nullable_bound(key) + nullable_bound(value) +
                              max_varint_bytes + header_bytes;
    if (bound > largest_batch || header_count > largest_batch || used_ + max_varint_bytes + bound > largest_batch) [[unlikely]]
        return error{errc::message_too_large,
                     fmt::format("a record of about {} bytes does not fit a batch that has {}", bound, used_)};
    std::byte* const start = room(max_varint_bytes + bound);

    if (first) {
        base_timestamp_ = settings_.delete_horizon.value_or(timestamp);
        max_timestamp_ = timestamp;
    }
    max_timestamp_ = std::max(max_timestamp_, timestamp);
    last_offset_ = offset;
    ++count_;

    // The length stands before what it counts, and mostly takes as many bytes as that of the bound: one pass, and nothing moves.
    const std::size_t guessed = bytes_of(zigzag_size(bound));
    output out{start + guessed};
    out.byte(0);
    out.folded(zigzag(wrapping_difference(timestamp, base_timestamp_)));
    out.folded(zigzag_size(static_cast<std::size_t>(offset_delta)));
    out.nullable(key);
    out.nullable(value);
    out.folded(zigzag_size(header_count));
    write_headers(out);
    const auto body = static_cast<std::size_t>(out.at - start) - guessed;
    const std::size_t length = bytes_of(zigzag_size(body));
    if (length != guessed) [[unlikely]] std::memmove(start + length, start + guessed, body);
    output{start}.folded(zigzag_size(body));
    used_ += length + body;
    return {};
}

result<void> batch_builder::append(timestamp_ms timestamp, const std::optional<bytes_view>& key,
                                   const std::optional<bytes_view>& value, std::span<const header_view> headers) {
    return add(count_ > 0 ? last_offset_ + 1 : settings_.base_offset, timestamp, key, value, headers.size(), headers_size(headers), [headers](output& out) {
        if (!headers.empty()) out = write_all(out, headers);
    });
}

result<void> batch_builder::append(std::int64_t offset, timestamp_ms timestamp, const std::optional<bytes_view>& key,
                                   const std::optional<bytes_view>& value, std::span<const header_view> headers) {
    return add(offset, timestamp, key, value, headers.size(), headers_size(headers), [headers](output& out) {
        if (!headers.empty()) out = write_all(out, headers);
    });
}

result<void> batch_builder::append(const record_view& record) {
    const auto headers = record.headers.encoded();
    return add(record.offset, record.timestamp, record.key, record.value, record.headers.size(), headers.size(),
               [&](output& out) { out.raw(headers); });
}

std::size_t batch_builder::estimated_size(double ratio) const noexcept {
    if (settings_.compression == codec::none) return used_;
    return batch_header_bytes + static_cast<std::size_t>(static_cast<double>(used_ - batch_header_bytes) * ratio);
}

std::size_t batch_builder::record_size_bound(const std::optional<bytes_view>& key, const std::optional<bytes_view>& value,
                                             std::span<const header_view> headers) noexcept {
    return max_varint_bytes + 1 + max_varlong_bytes + max_varint_bytes + nullable_size(key) + nullable_size(value) +
           max_varint_bytes + headers_size(headers);
}

void batch_builder::write_header(mutable_bytes batch) const noexcept {
    std::byte* at = batch.data();
    const bool empty = count_ == 0;
    std::int32_t attributes = empty ? 0 : static_cast<std::int32_t>(settings_.compression);
    if (settings_.append_time) attributes |= 0x08;
    if (settings_.transactional) attributes |= 0x10;
    if (settings_.control) attributes |= 0x20;
    if (settings_.delete_horizon && !empty) attributes |= 0x40;
    const auto last_delta = static_cast<std::int32_t>(empty ? 0 : last_offset_ - settings_.base_offset);
    const timestamp_ms largest = settings_.append_time.value_or(settings_.max_timestamp.value_or(max_timestamp_));
    store_big_endian(at, settings_.base_offset);
    store_big_endian(at + 8, static_cast<std::int32_t>(batch.size() - batch_frame_bytes));
    store_big_endian(at + 12, settings_.leader_epoch);
    at[16] = std::byte{2};
    store_big_endian(at + 21, static_cast<std::int16_t>(attributes));
    store_big_endian(at + 23, settings_.last_offset_delta.value_or(last_delta));
    store_big_endian(at + 27, base_timestamp_);
    store_big_endian(at + 35, largest);
    store_big_endian(at + 43, settings_.producer_id);
    store_big_endian(at + 51, settings_.producer_epoch);
    store_big_endian(at + 53, settings_.base_sequence);
    store_big_endian(at + 57, count_);
    refresh_crc(batch);
}

result<bytes> batch_builder::finish() {
    if (count_ == 0 && !settings_.last_offset_delta)
        return error{errc::invalid_record, "a batch without records needs its last offset delta stated"};
    bytes batch;
    if (settings_.compression == codec::none || count_ == 0) {
        room(0);
        last_size_ = used_ + used_ / 8;
        bytes_.resize(used_);
        batch = std::exchange(bytes_, {});
    } else {
        static thread_local scratch_buffer compressed;
        compressed.clear();
        compressed.prepare(batch_header_bytes);
        compressed.commit(batch_header_bytes);
        const bytes_view payload{bytes_.data() + batch_header_bytes, used_ - batch_header_bytes};
        if (auto done = compress(settings_.compression, settings_.level, payload, compressed); !done)
            return done.error();
        if (compressed.size() > largest_batch)
            return error{errc::message_too_large,
                         fmt::format("{} bytes after compression do not fit a batch", compressed.size())};
        batch = to_bytes(compressed.view());
        compressed.trim(std::size_t{1} << 20);
    }
    write_header(batch);
    clear();
    return batch;
}

}  // namespace weir::protocol
