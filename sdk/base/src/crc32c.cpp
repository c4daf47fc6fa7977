#include <weir/base/crc32c.hpp>

#include <isa-l/crc.h>

#include <algorithm>

namespace weir {

std::uint32_t crc32c(std::uint32_t before, bytes_view data) noexcept {
    // ISA-L takes and returns the register as it is; the standard value is its complement at both ends. Its length is an
    // int and its buffer lacks a const.
    constexpr std::size_t most = 1 << 30;
    auto* at = reinterpret_cast<unsigned char*>(const_cast<std::byte*>(data.data()));
    std::uint32_t state = ~before;
    for (std::size_t left = data.size(); left > 0;) {
        const auto now = std::min(left, most);
        state = crc32_iscsi(at, static_cast<int>(now), state);
        at += now;
        left -= now;
    }
    return ~state;
}

}  // namespace weir
