// Why there is no trusted connection, in words that say what to do.
#pragma once
#include "openssl.hpp"

#include <string>

namespace weir::net::tls {

/// What is wrong with the certificate that is looked at; for the verify callback.
std::string describe_rejected(X509_STORE_CTX* looked_at, const std::string& expected_host);
/// What the error queue holds after a failed handshake, read or write; empties it.
std::string describe_failure();

}  // namespace weir::net::tls
