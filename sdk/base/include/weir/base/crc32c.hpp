// CRC-32C (Castagnoli), the checksum of record batches.
#pragma once
#include <weir/base/bytes.hpp>

#include <cstdint>

namespace weir {

/// The checksum of `data` after bytes whose checksum is `before` (0: nothing before), so that
/// crc32c(crc32c(0, a), b) is the checksum of a and b together. Uses the processor's instruction where there is one.
std::uint32_t crc32c(std::uint32_t before, bytes_view data) noexcept;

}  // namespace weir
