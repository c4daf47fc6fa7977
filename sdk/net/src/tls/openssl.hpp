// OpenSSL's objects with owners, and its errors as text.
#pragma once
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>

namespace weir::net::tls {

template <auto Free>
struct freed_by {
    template <class T>
    void operator()(T* object) const noexcept { Free(object); }
};
using context_ptr = std::unique_ptr<SSL_CTX, freed_by<SSL_CTX_free>>;
using ssl_ptr = std::unique_ptr<SSL, freed_by<SSL_free>>;
using bio_ptr = std::unique_ptr<BIO, freed_by<BIO_free_all>>;
using certificate_ptr = std::unique_ptr<X509, freed_by<X509_free>>;
using key_ptr = std::unique_ptr<EVP_PKEY, freed_by<EVP_PKEY_free>>;

/// The last entry of this thread's error queue, which is emptied: "bad decrypt".
inline std::string take_reason() {
    std::string text = "unknown reason";
    while (const auto code = ERR_get_error()) {
        if (const auto* reason = ERR_reason_error_string(code)) text = reason;
    }
    return text;
}

}  // namespace weir::net::tls
