// Byte sequences and big-endian access to them.
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

namespace weir {

using bytes = std::vector<std::byte>;
using bytes_view = std::span<const std::byte>;
using mutable_bytes = std::span<std::byte>;

inline bytes_view as_bytes(std::string_view text) {
    return std::as_bytes(std::span{text.data(), text.size()});
}
inline std::string_view as_text(bytes_view view) {
    return {reinterpret_cast<const char*>(view.data()), view.size()};
}
inline bytes to_bytes(bytes_view view) { return bytes(view.begin(), view.end()); }
inline bytes to_bytes(std::string_view text) { return to_bytes(as_bytes(text)); }

/// Reverses the bytes of an integer; the identity on a big-endian machine is not needed, Debian has none we serve.
template <class Int>
constexpr Int to_big_endian(Int value) noexcept {
    static_assert(std::endian::native == std::endian::little);
    if constexpr (sizeof(Int) == 1) return value;
    else if constexpr (sizeof(Int) == 2) return static_cast<Int>(__builtin_bswap16(static_cast<std::uint16_t>(value)));
    else if constexpr (sizeof(Int) == 4) return static_cast<Int>(__builtin_bswap32(static_cast<std::uint32_t>(value)));
    else return static_cast<Int>(__builtin_bswap64(static_cast<std::uint64_t>(value)));
}

/// Reads a big-endian integer; the caller has checked that sizeof(Int) bytes are there.
template <class Int>
Int load_big_endian(const std::byte* from) noexcept {
    Int value;
    std::memcpy(&value, from, sizeof value);
    return to_big_endian(value);
}
template <class Int>
void store_big_endian(std::byte* to, Int value) noexcept {
    value = to_big_endian(value);
    std::memcpy(to, &value, sizeof value);
}

}  // namespace weir
