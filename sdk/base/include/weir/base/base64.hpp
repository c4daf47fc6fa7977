// Base64 (RFC 4648).
#pragma once
#include <weir/base/bytes.hpp>

#include <optional>
#include <string>

namespace weir {

/// With padding.
std::string to_base64(bytes_view content);
/// Padded or not, in the plain alphabet or that of URLs and JWTs; nullopt for anything else.
std::optional<bytes> from_base64(std::string_view text);

}  // namespace weir
