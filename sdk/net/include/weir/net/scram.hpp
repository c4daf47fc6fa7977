// What SCRAM makes of a password (RFC 5802 and 7677): for those who log in, and those who store credentials.
#pragma once
#include <weir/base/bytes.hpp>

#include <cstdint>
#include <string_view>

namespace weir::net {

enum class scram_hash : std::uint8_t { sha_256, sha_512 };

/// Hi(): the password hashed `iterations` times. Empty where that cannot be: without iterations.
bytes scram_salted(scram_hash with, std::string_view password, bytes_view salt, int iterations);
/// HMAC(): the client key and the server key of a salted password, and signatures.
bytes scram_keyed(scram_hash with, bytes_view key, std::string_view content);
/// H(): the stored key of a client key.
bytes scram_hashed(scram_hash with, bytes_view content);

}  // namespace weir::net
