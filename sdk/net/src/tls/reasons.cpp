#include "reasons.hpp"

#include <fmt/format.h>

namespace weir::net::tls {
namespace {

std::string text_of(const X509_NAME* name) {
    bio_ptr out{BIO_new(BIO_s_mem())};
    X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
    char* data = nullptr;
    const auto size = BIO_get_mem_data(out.get(), &data);
    return size > 0 ? std::string{data, static_cast<std::size_t>(size)} : std::string{"an empty name"};
}

std::string text_of(const ASN1_TIME* when) {
    bio_ptr out{BIO_new(BIO_s_mem())};
    ASN1_TIME_print(out.get(), when);
    char* data = nullptr;
    const auto size = BIO_get_mem_data(out.get(), &data);
    return {data, static_cast<std::size_t>(std::max(size, 0L))};
}

std::string address_text(const ASN1_OCTET_STRING* address) {
    const auto* at = ASN1_STRING_get0_data(address);
    if (ASN1_STRING_length(address) == 4) return fmt::format("{}.{}.{}.{}", at[0], at[1], at[2], at[3]);
    std::string text;
    for (int i = 0; i + 1 < ASN1_STRING_length(address); i += 2) text += fmt::format("{}{:x}", i ? ":" : "", at[i] << 8 | at[i + 1]);
    return text;
}

// The names it is good for: of its extension, or, when it has none, of its subject.
std::string names_in(X509* certificate) {
    std::string all;
    const auto add = [&](std::string_view name) { all.append(all.empty() ? "" : ", ").append(name); };
    auto* names = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
    for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
        const auto* name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_DNS) {
            add({reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)), static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName))});
        } else if (name->type == GEN_IPADD) {
            add(address_text(name->d.iPAddress));
        }
    }
    GENERAL_NAMES_free(names);
    return all.empty() ? text_of(X509_get_subject_name(certificate)) : all;
}

}  // namespace

std::string describe_rejected(X509_STORE_CTX* looked_at, const std::string& expected_host) {
    const auto problem = X509_STORE_CTX_get_error(looked_at);
    auto* certificate = X509_STORE_CTX_get_current_cert(looked_at);
    if (!certificate) return X509_verify_cert_error_string(problem);
    const auto subject = text_of(X509_get_subject_name(certificate));
    switch (problem) {
        case X509_V_ERR_CERT_HAS_EXPIRED:
            return fmt::format("the certificate '{}' expired on {}; it has to be renewed", subject, text_of(X509_get0_notAfter(certificate)));
        case X509_V_ERR_CERT_NOT_YET_VALID:
            return fmt::format("the certificate '{}' is not valid before {}; is this machine's clock right?", subject, text_of(X509_get0_notBefore(certificate)));
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH:
            return fmt::format("the certificate is for {}, not for '{}'; reach the broker by one of these names (advertised.listeners), or give it a certificate "
                               "with this one", names_in(certificate), expected_host);
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
            return fmt::format("the certificate '{}' is signed by itself and not trusted; add it to ssl.truststore.location", subject);
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
            return fmt::format("the certificate '{}' was issued by '{}', which is not among the trusted authorities; add that one to ssl.truststore.location",
                               subject, text_of(X509_get_issuer_name(certificate)));
        default: return fmt::format("the certificate '{}' is refused: {}", subject, X509_verify_cert_error_string(problem));
    }
}

std::string describe_failure() {
    const auto code = ERR_peek_last_error();
    auto reason = take_reason();
    const auto alert = ERR_GET_REASON(code) - SSL_AD_REASON_OFFSET;  // what the peer said, when that is the reason
    switch (alert) {
        case SSL_AD_CERTIFICATE_REQUIRED:
            return "the peer wants a certificate of ours; set ssl.keystore.location (certificate_file)";
        case SSL_AD_BAD_CERTIFICATE:
        case SSL_AD_NO_CERTIFICATE:
        case SSL_AD_UNSUPPORTED_CERTIFICATE:
        case SSL_AD_CERTIFICATE_REVOKED:
        case SSL_AD_CERTIFICATE_EXPIRED:
        case SSL_AD_CERTIFICATE_UNKNOWN:
        case SSL_AD_UNKNOWN_CA:
            return fmt::format("the peer refuses our certificate, or that there is none ({}); see ssl.keystore.location (certificate_file), and which "
                               "authorities the peer trusts", reason);
        case SSL_AD_HANDSHAKE_FAILURE:
        case SSL_AD_PROTOCOL_VERSION:
        case SSL_AD_INSUFFICIENT_SECURITY:
            return fmt::format("no version and cipher suite that both sides accept ({}); see ssl.enabled.protocols and ssl.cipher.suites", reason);
        default: break;
    }
    switch (ERR_GET_REASON(code)) {
        case SSL_R_WRONG_VERSION_NUMBER:
        case SSL_R_HTTP_REQUEST:
        case SSL_R_HTTPS_PROXY_REQUEST:
        case SSL_R_PACKET_LENGTH_TOO_LONG:
        case SSL_R_BAD_RECORD_TYPE:
            return "the peer does not speak TLS; reach a TLS listener (another port), or use security.protocol=PLAINTEXT or SASL_PLAINTEXT";
        case SSL_R_UNSUPPORTED_PROTOCOL:
        case SSL_R_NO_SHARED_CIPHER:
            return fmt::format("no version and cipher suite that both sides accept ({}); see ssl.enabled.protocols and ssl.cipher.suites", reason);
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: return "the peer shows no certificate, and it has to";
        default: return reason;
    }
}

}  // namespace weir::net::tls
