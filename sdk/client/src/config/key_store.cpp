#include "key_store.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include <memory>

namespace weir::detail {
namespace {

template <auto Free>
struct frees {
    template <class T>
    void operator()(T* held) const noexcept { Free(held); }
};
void free_all(STACK_OF(X509)* certificates) { sk_X509_pop_free(certificates, X509_free); }

/// A memory BIO that PEM is written into.
class pem_text {
public:
    BIO* get() const noexcept { return sink_.get(); }
    std::string take() const {
        char* first = nullptr;
        const auto count = BIO_get_mem_data(sink_.get(), &first);
        return {first, static_cast<std::size_t>(count)};
    }

private:
    std::unique_ptr<BIO, frees<&BIO_free_all>> sink_{BIO_new(BIO_s_mem())};
};

error unreadable(const char* what) {
    const auto reason = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return error{errc::invalid_setting, std::string{what} + (reason ? std::string{" ("} + reason + ")" : "")};
}

}  // namespace

store_format format_of(bytes_view content) noexcept {
    const auto starts = [&](std::string_view with) { return as_text(content).starts_with(with); };
    if (starts("\xfe\xed\xfe\xed") || starts("\xce\xce\xce\xce")) return store_format::jks;  // JKS, JCEKS
    if (starts("\x30\x82") || starts("\x30\x83") || starts("\x30\x80")) return store_format::pkcs12;
    return store_format::pem;
}

result<store_content> read_pkcs12(bytes_view content, const std::string& password) {
    const std::unique_ptr<BIO, frees<&BIO_free_all>> source{BIO_new_mem_buf(content.data(), static_cast<int>(content.size()))};
    const std::unique_ptr<PKCS12, frees<&PKCS12_free>> store{d2i_PKCS12_bio(source.get(), nullptr)};
    if (!store) return unreadable("it is no PKCS12 store");
    EVP_PKEY* key = nullptr;
    X509* own = nullptr;
    STACK_OF(X509)* others = nullptr;
    if (PKCS12_parse(store.get(), password.c_str(), &key, &own, &others) != 1) return unreadable("the PKCS12 store cannot be opened with this password");
    const std::unique_ptr<EVP_PKEY, frees<&EVP_PKEY_free>> key_owner{key};
    const std::unique_ptr<X509, frees<&X509_free>> own_owner{own};
    const std::unique_ptr<STACK_OF(X509), frees<&free_all>> others_owner{others};
    const pem_text key_text, certificates;
    if (key && PEM_write_bio_PrivateKey(key_text.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) return unreadable("the key cannot be taken out");
    if (own && PEM_write_bio_X509(certificates.get(), own) != 1) return unreadable("the certificate cannot be taken out");
    for (int i = 0; i < sk_X509_num(others); ++i) {
        if (PEM_write_bio_X509(certificates.get(), sk_X509_value(others, i)) != 1) return unreadable("a certificate cannot be taken out");
    }
    return store_content{key_text.take(), certificates.take()};
}

}  // namespace weir::detail
