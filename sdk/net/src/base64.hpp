// Base64, plain and in the alphabet of URLs and JWTs (RFC 4648).
#pragma once
#include <weir/base/bytes.hpp>

#include <optional>
#include <string>

namespace weir::net {

std::string to_base64(bytes_view content);
/// Either alphabet, padded or not; nullopt for anything else.
std::optional<bytes> from_base64(std::string_view text);

}  // namespace weir::net
