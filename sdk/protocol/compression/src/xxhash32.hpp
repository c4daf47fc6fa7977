// xxHash32, the checksum of the lz4 frame format.
#pragma once
#include <weir/base/bytes.hpp>

#include <cstdint>

namespace weir::protocol::detail {

/// With seed 0, the only one lz4 frames use.
std::uint32_t xxhash32(bytes_view data) noexcept;

}  // namespace weir::protocol::detail
