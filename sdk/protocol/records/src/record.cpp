#include <weir/protocol/records/record.hpp>

#include "payload.hpp"
#include "record_parser.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace weir::protocol {
namespace {

std::optional<bytes_view> nullable(const std::byte* at, std::int32_t length) noexcept {
    if (length < 0) return std::nullopt;
    return bytes_view{at, static_cast<std::size_t>(length)};
}

// Timestamps and deltas are the producer's; their sum may leave the type, which must not be undefined.
std::int64_t wrapping_add(std::int64_t a, std::int64_t b) noexcept {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

error broken(const batch_view& batch, std::int64_t record, std::string_view fault) {
    return error{errc::invalid_record, fmt::format("record {} of {} in the batch at offset {}: {}", record,
                                                   batch.record_count(), batch.base_offset(), fault)};
}

// Buffers of unusual batches are given back, so that one of them does not cost every thread its size for ever.
constexpr std::size_t buffer_bytes_kept = std::size_t{4} << 20;

result<record_summary> check_payload(const batch_view& batch, bytes_view payload) {
    record_summary found;
    found.count = batch.record_count();
    found.payload_bytes = payload.size();
    detail::varint_input in{payload.data(), payload.data() + payload.size()};
    detail::parsed_record record;
    std::int64_t smallest_delta = 0;
    std::int64_t largest_delta = 0;
    std::int32_t largest_at = 0;
    for (std::int32_t i = 0; i < found.count; ++i) {
        if (const char* fault = detail::parse_record(in, record)) return broken(batch, i, fault);
        if (record.offset_delta != i)
            return broken(batch, i, fmt::format("offset delta {}, expected {}", record.offset_delta, i));
        if (record.key_length < 0) found.every_key_present = false;
        if (i == 0 || record.timestamp_delta > largest_delta) {
            largest_delta = record.timestamp_delta;
            largest_at = i;
        }
        if (i == 0 || record.timestamp_delta < smallest_delta) smallest_delta = record.timestamp_delta;
    }
    if (in.at != in.end)
        return error{errc::invalid_record, fmt::format("the batch at offset {} has {} bytes behind its {} records",
                                                       batch.base_offset(), in.left(), found.count)};
    found.min_timestamp = wrapping_add(batch.base_timestamp(), smallest_delta);
    found.max_timestamp = wrapping_add(batch.base_timestamp(), largest_delta);
    found.offset_of_max_timestamp = batch.base_offset() + largest_at;
    return found;
}

}  // namespace

void header_range::iterator::load() noexcept {
    if (left_ <= 0) return;
    detail::varint_input in{rest_.data(), rest_.data() + rest_.size()};
    std::int32_t length = 0;
    in.read(length);
    now_.key = {reinterpret_cast<const char*>(in.at), static_cast<std::size_t>(length)};
    in.at += length;
    in.read(length);
    now_.value = nullable(in.at, length);
    in.at += std::max(length, 0);
    rest_ = {in.at, in.end};
}

std::optional<header_view> header_range::find(std::string_view key) const noexcept {
    for (const auto& header : *this)
        if (header.key == key) return header;
    return std::nullopt;
}

record_cursor::record_cursor(const batch_view& batch, bytes_view payload) noexcept
    : at_(payload.data()),
      count_(batch.record_count()),
      base_offset_(batch.base_offset()),
      base_timestamp_(batch.base_timestamp()),
      append_time_(batch.max_timestamp()),
      base_sequence_(batch.base_sequence()),
      log_append_(batch.time_type() == timestamp_type::log_append_time),
      end_(payload.data() + payload.size()) {
    if (count_ < 0) fail("the record count is negative");
}

bool record_cursor::next(record_view& out) noexcept {
    if (fault_ != nullptr) return false;
    if (delivered_ == count_) {
        if (count_ > 0 && at_ != end_) fail("bytes are left behind the last record");
        return false;
    }
    detail::varint_input in{at_, end_};
    detail::parsed_record record;
    if (const char* fault = detail::parse_record(in, record)) return fail(fault);
    out.offset_delta = record.offset_delta;
    out.timestamp_delta = record.timestamp_delta;
    out.offset = wrapping_add(base_offset_, record.offset_delta);
    out.timestamp = log_append_ ? append_time_ : wrapping_add(base_timestamp_, record.timestamp_delta);
    out.sequence = base_sequence_ < 0 ? -1 : advance_sequence(base_sequence_, record.offset_delta);
    out.key = nullable(record.key, record.key_length);
    out.value = nullable(record.value, record.value_length);
    out.headers = header_range{bytes_view{record.headers, record.end}, record.header_count};
    out.encoded = {record.begin, record.end};
    at_ = in.at;
    ++delivered_;
    return true;
}

error record_cursor::failure() const {
    if (fault_ == nullptr) return {};
    return error{errc::invalid_record, fmt::format("record {} of {} in the batch at offset {}: {}", delivered_, count_,
                                                   base_offset_, fault_)};
}

result<record_summary> validate_records(const batch_view& batch, std::size_t limit) {
    const auto count = batch.record_count();
    if (count <= 0)
        return error{errc::invalid_record,
                     fmt::format("the batch at offset {} has a record count of {}", batch.base_offset(), count)};
    if (batch.last_offset_delta() != count - 1)
        return error{errc::invalid_record,
                     fmt::format("the batch at offset {} has {} records and a last offset delta of {}",
                                 batch.base_offset(), count, batch.last_offset_delta())};
    if (!batch.compressed()) return check_payload(batch, batch.payload());
    static thread_local scratch_buffer buffer;
    auto payload = detail::decompress_payload(batch, limit, buffer);
    if (!payload) return payload.error();
    auto found = check_payload(batch, *payload);
    if (buffer.capacity() > buffer_bytes_kept) buffer.trim(buffer_bytes_kept);
    return found;
}

}  // namespace weir::protocol
