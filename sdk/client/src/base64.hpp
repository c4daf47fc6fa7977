// Base64 with padding (RFC 4648), for bytes in JSON.
#pragma once
#include <weir/base/bytes.hpp>

#include <optional>
#include <string>

namespace weir::detail {

std::string to_base64(bytes_view data);
/// nullopt when it is not: other characters, a length that is no multiple of 4, bits behind the last byte.
std::optional<bytes> from_base64(std::string_view text);

}  // namespace weir::detail
