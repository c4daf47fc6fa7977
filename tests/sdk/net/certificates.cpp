#include "certificates.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>

namespace weir::test {
namespace {

std::string text_of(BIO* out) {
    char* data = nullptr;
    const auto size = BIO_get_mem_data(out, &data);
    std::string text{data, static_cast<std::size_t>(size)};
    BIO_free(out);
    return text;
}

std::string pem_of(X509* certificate) {
    auto* out = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(out, certificate);
    return text_of(out);
}

std::string pem_of(EVP_PKEY* key, const std::string& password) {
    auto* out = BIO_new(BIO_s_mem());
    const auto* cipher = password.empty() ? nullptr : EVP_aes_128_cbc();
    PEM_write_bio_PKCS8PrivateKey(out, key, cipher, password.empty() ? nullptr : password.c_str(), static_cast<int>(password.size()), nullptr, nullptr);
    return text_of(out);
}

X509* begin_certificate(EVP_PKEY* key, const certificate_wishes& wishes) {
    static long serial = 1000;
    auto* made = X509_new();
    X509_set_version(made, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(made), wishes.from_seconds);
    X509_gmtime_adj(X509_getm_notAfter(made), wishes.until_seconds);
    X509_set_pubkey(made, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(wishes.name.c_str()), -1, -1, 0);
    return made;
}

void extend(X509* certificate, X509* issuer, int what, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    auto* extension = X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str());
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

}  // namespace

struct authority::state {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = nullptr;
    ~state() {
        X509_free(certificate);
        EVP_PKEY_free(key);
    }
};

authority::authority(const std::string& name) : state_(std::make_unique<state>()) {
    auto* made = begin_certificate(state_->key, {name, {}, -7200, 10 * 86'400L, {}});
    X509_set_issuer_name(made, X509_get_subject_name(made));
    extend(made, made, NID_basic_constraints, "critical,CA:TRUE");
    X509_sign(made, state_->key, EVP_sha256());
    state_->certificate = made;
    certificate_ = pem_of(made);
}
authority::~authority() = default;

identity authority::issue(const certificate_wishes& wishes) const {
    auto* key = EVP_EC_gen("P-256");
    auto* made = begin_certificate(key, wishes);
    X509_set_issuer_name(made, X509_get_subject_name(state_->certificate));
    std::string names;
    for (const auto& each : wishes.hosts) {
        const bool address = each.find_first_not_of("0123456789.") == std::string::npos || each.find(':') != std::string::npos;
        names += (names.empty() ? "" : ",") + std::string{address ? "IP:" : "DNS:"} + each;
    }
    if (!names.empty()) extend(made, state_->certificate, NID_subject_alt_name, names);
    X509_sign(made, state_->key, EVP_sha256());
    identity whole{pem_of(made), pem_of(key, wishes.password)};
    X509_free(made);
    EVP_PKEY_free(key);
    return whole;
}

}  // namespace weir::test
