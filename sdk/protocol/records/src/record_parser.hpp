// One record's fields, found and checked; shared by the cursor and the check of whole batches.
#pragma once
#include <weir/base/bytes.hpp>
#include <weir/base/varint.hpp>

#include <cstdint>

namespace weir::protocol::detail {

/// Reads varints from a range. Most in a record are one byte, lengths of values mostly two: those stay inline.
struct varint_input {
    const std::byte* at = nullptr;
    const std::byte* end = nullptr;

    std::size_t left() const noexcept { return static_cast<std::size_t>(end - at); }

    bool read(std::int32_t& value) noexcept {
        if (left() >= 2) {
            const auto first = static_cast<std::uint32_t>(at[0]);
            if (first < 0x80) {
                value = unzigzag(first);
                ++at;
                return true;
            }
            const auto second = static_cast<std::uint32_t>(at[1]);
            if (second < 0x80) {
                value = unzigzag((first & 0x7F) | second << 7);
                at += 2;
                return true;
            }
        }
        const auto found = read_varint({at, end});
        if (!found) return false;
        value = found.value;
        at += found.bytes;
        return true;
    }
    bool read(std::int64_t& value) noexcept {
        const auto found = read_varlong({at, end});
        if (!found) return false;
        value = found.value;
        at += found.bytes;
        return true;
    }
    /// Steps over `length` bytes, -1 meaning none.
    bool skip(std::int32_t length, std::int32_t smallest) noexcept {
        if (length < smallest) return false;
        if (length <= 0) return true;
        if (static_cast<std::size_t>(length) > left()) return false;
        at += length;
        return true;
    }
};

struct parsed_record {
    const std::byte* begin = nullptr;  // of the record, with its length
    std::int64_t timestamp_delta = 0;
    std::int32_t offset_delta = 0;
    std::int32_t key_length = -1;
    std::int32_t value_length = -1;
    std::int32_t header_count = 0;
    const std::byte* key = nullptr;
    const std::byte* value = nullptr;
    const std::byte* headers = nullptr;  // the first one
    const std::byte* end = nullptr;
};

/// The record at the front of `in`, which moves behind it. What is wrong as static text, nullptr when nothing is.
inline const char* parse_record(varint_input& in, parsed_record& out) noexcept {
    out.begin = in.at;
    std::int32_t length = 0;
    if (!in.read(length)) return "the length of a record is cut or malformed";
    if (length < 0 || static_cast<std::size_t>(length) > in.left()) return "the length of a record leaves the batch";
    varint_input body{in.at, in.at + length};
    if (body.left() == 0) return "a record of no bytes";
    ++body.at;  // attributes: unused, any value passes
    if (!body.read(out.timestamp_delta)) return "the timestamp delta is cut or malformed";
    if (!body.read(out.offset_delta)) return "the offset delta is cut or malformed";
    if (!body.read(out.key_length)) return "the key length is cut or malformed";
    out.key = body.at;
    if (!body.skip(out.key_length, -1)) return "the key leaves the record";
    if (!body.read(out.value_length)) return "the value length is cut or malformed";
    out.value = body.at;
    if (!body.skip(out.value_length, -1)) return "the value leaves the record";
    if (!body.read(out.header_count)) return "the header count is cut or malformed";
    if (out.header_count < 0) return "a negative header count";
    out.headers = body.at;
    for (std::int32_t i = 0; i < out.header_count; ++i) {
        std::int32_t header_length = 0;
        if (!body.read(header_length) || !body.skip(header_length, 0)) return "a header key leaves the record";
        if (!body.read(header_length) || !body.skip(header_length, -1)) return "a header value leaves the record";
    }
    if (body.at != body.end) return "a record is longer than its content";
    out.end = body.end;
    in.at = body.end;
    return nullptr;
}

}  // namespace weir::protocol::detail
