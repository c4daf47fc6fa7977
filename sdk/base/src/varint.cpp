#include <weir/base/varint.hpp>

#include <algorithm>
#include <limits>

namespace weir {
namespace {

template <class Int>
varint_read<Int> read_long(bytes_view from) noexcept {
    constexpr int bits = std::numeric_limits<Int>::digits;
    constexpr std::size_t most = (bits + 6) / 7;
    constexpr auto last_limit = static_cast<std::uint8_t>(1u << (bits - 7 * (static_cast<int>(most) - 1)));
    Int value = 0;
    const auto there = std::min(from.size(), most);
    for (std::size_t i = 0; i < there; ++i) {
        const auto octet = static_cast<std::uint8_t>(from[i]);
        if (i == most - 1 && octet >= last_limit) return {0, -1};
        value |= static_cast<Int>(octet & 0x7f) << (7 * i);
        if (octet < 0x80) return {value, static_cast<int>(i + 1)};
    }
    return {0, 0};
}

}  // namespace

varint_read<std::uint32_t> detail::read_long_unsigned_varint(bytes_view from) noexcept {
    return read_long<std::uint32_t>(from);
}
varint_read<std::uint64_t> detail::read_long_unsigned_varlong(bytes_view from) noexcept {
    return read_long<std::uint64_t>(from);
}

void append_unsigned_varint(bytes& to, std::uint32_t value) { append_unsigned_varlong(to, value); }

void append_unsigned_varlong(bytes& to, std::uint64_t value) {
    std::byte encoded[max_varlong_bytes];
    const auto count = write_unsigned_varlong(encoded, value);
    to.insert(to.end(), encoded, encoded + count);
}

}  // namespace weir
