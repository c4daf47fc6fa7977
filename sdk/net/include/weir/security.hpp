// How a client makes sure whom it talks to, and proves who it is. The comments give Kafka's names of the settings.
#pragma once
#include <weir/base/error.hpp>
#include <weir/base/function.hpp>
#include <weir/base/time.hpp>

#include <string>
#include <utility>
#include <vector>

namespace weir {

enum class tls_version : std::uint8_t { v1_2, v1_3 };

/// Files are PEM (ssl.keystore.type=PEM, ssl.truststore.type=PEM) and are looked at when a connection is opened: what was
/// renewed on disk is used from the next connection on, and a broken new file changes nothing but a line in the log.
/// Of a file and inline text only one is given.
struct tls_config {
    bool enabled = false;             ///< security.protocol=SSL or SASL_SSL
    std::string ca_file{};            ///< ssl.truststore.location: the authorities to trust; none: the system's
    std::string ca_pem{};             ///< ssl.truststore.certificates: the same as text
    std::string certificate_file{};   ///< ssl.keystore.location: our certificate and its chain, for mutual TLS
    std::string certificate_pem{};    ///< ssl.keystore.certificate.chain: the same as text
    std::string key_file{};           ///< the certificate's key; none: it is in certificate_file, as Kafka has it
    std::string key_pem{};            ///< ssl.keystore.key: the same as text
    std::string key_password{};       ///< ssl.key.password
    bool verify_host = true;          ///< false: ssl.endpoint.identification.algorithm is empty. The chain is verified always
    tls_version oldest = tls_version::v1_2;  ///< ssl.enabled.protocols
    tls_version newest = tls_version::v1_3;
    /// ssl.cipher.suites: those to offer, the preferred first, by their standard names, which are Java's
    /// (TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256), or by OpenSSL's (ECDHE-RSA-AES128-GCM-SHA256). Empty: OpenSSL's choice, which
    /// this can narrow and order but not widen. A version that none is named of is not spoken.
    std::vector<std::string> cipher_suites{};
};

enum class sasl_mechanism : std::uint8_t { none, plain, scram_sha_256, scram_sha_512, oauth_bearer };
/// "SCRAM-SHA-256", as the wire and sasl.mechanism spell it; "" for none.
std::string_view to_string(sasl_mechanism mechanism) noexcept;

/// A bearer token as it goes to the broker, and when it is over.
struct oauth_token {
    std::string value{};
    timestamp_ms expires = no_timestamp;  ///< wall clock; no_timestamp: read from the token when it is a JWT
};

/// Where tokens come from: exactly one of `token`, `fetch` and `token_endpoint`. One token serves all connections of the
/// client; a timer renews it at `refresh_at` of its life.
struct oauth_config {
    std::string token{};              ///< never renewed
    /// Gets a token from wherever; runs on the client's callback strand and may answer later, from any thread, once;
    /// an answer after the client's end is passed over.
    function<void(function<void(result<oauth_token>)> answer)> fetch{};
    std::string token_endpoint{};     ///< sasl.oauthbearer.token.endpoint.url: the client credentials grant; https, or http on this machine
    std::string client_id{};          ///< sasl.oauthbearer.client.credentials.client.id
    std::string client_secret{};      ///< sasl.oauthbearer.client.credentials.client.secret
    std::string scope{};              ///< sasl.oauthbearer.scope
    bool url_encode_credentials = false;  ///< sasl.oauthbearer.header.urlencode (RFC 6749, 2.3.1)
    tls_config endpoint_tls{};        ///< whom to trust as the token endpoint; `enabled` follows from the URL
    milliseconds timeout{10'000};     ///< sasl.login.connect.timeout.ms, sasl.login.read.timeout.ms: for each of both
    milliseconds retry_backoff{100};  ///< sasl.login.retry.backoff.ms: when renewing fails; doubles
    milliseconds retry_backoff_max{10'000};  ///< sasl.login.retry.backoff.max.ms
    double refresh_at = 0.8;          ///< sasl.login.refresh.window.factor, 0.5 to 1
    double refresh_jitter = 0.05;     ///< sasl.login.refresh.window.jitter, 0 to 0.25: added at random
    std::vector<std::pair<std::string, std::string>> extensions{};  ///< KIP-342, the extension_NAME of sasl.jaas.config
};

struct sasl_config {
    sasl_mechanism mechanism = sasl_mechanism::none;  ///< sasl.mechanism, with security.protocol=SASL_SSL or SASL_PLAINTEXT
    std::string user{};               ///< username of sasl.jaas.config; of a delegation token its id
    std::string password{};           ///< password of sasl.jaas.config; of a delegation token its HMAC in base64
    bool delegation_token = false;    ///< tokenauth of sasl.jaas.config: SCRAM with a delegation token
    oauth_config oauth{};             ///< for oauth_bearer
};

/// errc::invalid_setting for what cannot be right, whatever the cluster says. Reads no files.
error check(const tls_config& tls, const sasl_config& sasl);

}  // namespace weir
