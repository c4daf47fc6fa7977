// ssl.cipher.suites: names as Java and as OpenSSL spell them, made into what OpenSSL takes.
#pragma once
#include "openssl.hpp"

#include <weir/base/error.hpp>
#include <weir/security.hpp>

#include <string>

namespace weir::net::tls {

/// OpenSSL takes the suites of TLS 1.3 apart from the older ones. A version without a suite is not spoken.
struct suite_choice {
    tls_version oldest{}, newest{};
    std::string of_1_3{};  ///< for SSL_CTX_set_ciphersuites, of_1_2 for SSL_CTX_set_cipher_list; empty: none is named
    std::string of_1_2{};
};

/// errc::invalid_setting: a suite that OpenSSL would not use by itself here, or none for the versions of `config`.
result<suite_choice> choose_suites(const tls_config& config);

}  // namespace weir::net::tls
