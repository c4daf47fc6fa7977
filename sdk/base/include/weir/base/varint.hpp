// Variable-length integers: 7 bits a byte, least significant first; signed ones in zigzag order.
#pragma once
#include <weir/base/bytes.hpp>

#include <bit>
#include <cstdint>

namespace weir {

inline constexpr std::size_t max_varint_bytes = 5;
inline constexpr std::size_t max_varlong_bytes = 10;

/// What a read found. `bytes` is the length of the encoding; 0 when the input ends inside it; -1 when it is malformed:
/// a continuation bit on the last possible byte, or bits that do not fit the type. Longer encodings than needed pass.
template <class Int>
struct varint_read {
    Int value = 0;
    int bytes = 0;
    explicit operator bool() const noexcept { return bytes > 0; }
    bool incomplete() const noexcept { return bytes == 0; }
    bool malformed() const noexcept { return bytes < 0; }
};

namespace detail {
varint_read<std::uint32_t> read_long_unsigned_varint(bytes_view from) noexcept;
varint_read<std::uint64_t> read_long_unsigned_varlong(bytes_view from) noexcept;
}  // namespace detail

constexpr std::uint32_t zigzag(std::int32_t value) noexcept {
    return (static_cast<std::uint32_t>(value) << 1) ^ static_cast<std::uint32_t>(value >> 31);
}
constexpr std::uint64_t zigzag(std::int64_t value) noexcept {
    return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
constexpr std::int32_t unzigzag(std::uint32_t value) noexcept {
    return static_cast<std::int32_t>((value >> 1) ^ (~(value & 1) + 1));
}
constexpr std::int64_t unzigzag(std::uint64_t value) noexcept {
    return static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1));
}

/// Lengths, counts and tags. Whether a value above 2147483647 makes sense is for the caller to say.
inline varint_read<std::uint32_t> read_unsigned_varint(bytes_view from) noexcept {
    if (!from.empty() && static_cast<std::uint8_t>(from[0]) < 0x80) return {static_cast<std::uint8_t>(from[0]), 1};
    return detail::read_long_unsigned_varint(from);
}
inline varint_read<std::uint64_t> read_unsigned_varlong(bytes_view from) noexcept {
    if (!from.empty() && static_cast<std::uint8_t>(from[0]) < 0x80) return {static_cast<std::uint8_t>(from[0]), 1};
    return detail::read_long_unsigned_varlong(from);
}
/// The zigzag forms, used inside records.
inline varint_read<std::int32_t> read_varint(bytes_view from) noexcept {
    const auto read = read_unsigned_varint(from);
    return {unzigzag(read.value), read.bytes};
}
inline varint_read<std::int64_t> read_varlong(bytes_view from) noexcept {
    const auto read = read_unsigned_varlong(from);
    return {unzigzag(read.value), read.bytes};
}

/// How many bytes the shortest encoding takes.
constexpr std::size_t size_of_unsigned_varint(std::uint32_t value) noexcept {
    return (static_cast<std::size_t>(std::bit_width(value | 1)) + 6) / 7;
}
constexpr std::size_t size_of_unsigned_varlong(std::uint64_t value) noexcept {
    return (static_cast<std::size_t>(std::bit_width(value | 1)) + 6) / 7;
}
constexpr std::size_t size_of_varint(std::int32_t value) noexcept { return size_of_unsigned_varint(zigzag(value)); }
constexpr std::size_t size_of_varlong(std::int64_t value) noexcept { return size_of_unsigned_varlong(zigzag(value)); }

/// Writes the shortest encoding and returns its length; `to` has room for max_varlong_bytes or for the known size.
inline std::size_t write_unsigned_varlong(std::byte* to, std::uint64_t value) noexcept {
    std::size_t count = 0;
    for (; value >= 0x80; value >>= 7) to[count++] = static_cast<std::byte>(value | 0x80);
    to[count++] = static_cast<std::byte>(value);
    return count;
}
inline std::size_t write_unsigned_varint(std::byte* to, std::uint32_t value) noexcept {
    return write_unsigned_varlong(to, value);
}
inline std::size_t write_varint(std::byte* to, std::int32_t value) noexcept {
    return write_unsigned_varint(to, zigzag(value));
}
inline std::size_t write_varlong(std::byte* to, std::int64_t value) noexcept {
    return write_unsigned_varlong(to, zigzag(value));
}

/// The same at the end of a buffer.
void append_unsigned_varint(bytes& to, std::uint32_t value);
void append_unsigned_varlong(bytes& to, std::uint64_t value);
inline void append_varint(bytes& to, std::int32_t value) { append_unsigned_varint(to, zigzag(value)); }
inline void append_varlong(bytes& to, std::int64_t value) { append_unsigned_varlong(to, zigzag(value)); }

}  // namespace weir
