#include <weir/net/scram.hpp>

#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace weir::net {
namespace {

const EVP_MD* digest(scram_hash with) { return with == scram_hash::sha_512 ? EVP_sha512() : EVP_sha256(); }
bytes room(scram_hash with) { return bytes(static_cast<std::size_t>(EVP_MD_get_size(digest(with)))); }
unsigned char* raw(bytes& of) { return reinterpret_cast<unsigned char*>(of.data()); }

}  // namespace

bytes scram_salted(scram_hash with, std::string_view password, bytes_view salt, int iterations) {
    auto out = room(with);
    const auto done = PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), reinterpret_cast<const unsigned char*>(salt.data()),
                                        static_cast<int>(salt.size()), iterations, digest(with), static_cast<int>(out.size()), raw(out));
    return done == 1 ? out : bytes{};
}

bytes scram_keyed(scram_hash with, bytes_view key, std::string_view content) {
    auto out = room(with);
    HMAC(digest(with), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(content.data()), content.size(), raw(out), nullptr);
    return out;
}

bytes scram_hashed(scram_hash with, bytes_view content) {
    auto out = room(with);
    EVP_Digest(content.data(), content.size(), raw(out), nullptr, digest(with), nullptr);
    return out;
}

}  // namespace weir::net
