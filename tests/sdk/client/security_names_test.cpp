// security.protocol, ssl.* and sasl.* by name: what they make of tls_config and sasl_config, and what does not go together.
#include "certificates.hpp"
#include "config/client_setup.hpp"
#include "config/jaas.hpp"
#include "temporary_folder.hpp"

#include <weir/base/log.hpp>
#include <weir/base/posix_files.hpp>

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include <doctest/doctest.h>

using namespace weir;

namespace {

client_config resolved(client_config config) {
    detail::client_setup setup{"broker:9092", std::move(config)};
    const auto made = detail::resolve_client(setup);
    REQUIRE_MESSAGE(made, made.error().message());
    return std::move(setup.config);
}
client_config named(properties names) { return resolved({.extra = std::move(names)}); }

std::string refusal(client_config config) {
    detail::client_setup setup{"broker:9092", std::move(config)};
    const auto made = detail::resolve_client(setup);
    CHECK(made.error().code() == errc::invalid_setting);
    return std::string{made.error().what()};
}
std::string refused(properties names) { return refusal({.extra = std::move(names)}); }

constexpr char plain_login[] = "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"alice\" password=\"se\\\"cr=et;\";";

void write(const std::string& path, bytes_view content) { REQUIRE(replace_file(*make_posix_files(), path, content)); }

X509* certificate_of(const std::string& pem) {
    auto* source = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
    auto* made = PEM_read_bio_X509(source, nullptr, nullptr, nullptr);
    BIO_free(source);
    return made;
}
EVP_PKEY* key_of(const std::string& pem) {
    auto* source = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
    auto* made = PEM_read_bio_PrivateKey(source, nullptr, nullptr, nullptr);
    BIO_free(source);
    return made;
}
/// As keytool makes them; without a key a trust store.
bytes pkcs12(const std::string& certificate, const std::string& key, const std::string& password) {
    auto* cert = certificate_of(certificate);
    auto* secret = key.empty() ? nullptr : key_of(key);
    auto* others = sk_X509_new_null();
    if (!secret) sk_X509_push(others, cert);
    auto* store = PKCS12_create(password.c_str(), "one", secret, secret ? cert : nullptr, others, 0, 0, 0, 0, 0);
    unsigned char* out = nullptr;
    const auto size = i2d_PKCS12(store, &out);
    bytes content(reinterpret_cast<std::byte*>(out), reinterpret_cast<std::byte*>(out) + size);
    OPENSSL_free(out);
    PKCS12_free(store);
    sk_X509_free(others);
    EVP_PKEY_free(secret);
    X509_free(cert);
    return content;
}

}  // namespace

TEST_CASE("security.protocol decides about encryption and login") {
    CHECK_FALSE(named({}).tls.enabled);
    CHECK(named({{"security.protocol", "SSL"}}).tls.enabled);
    CHECK(named({{"security.protocol", "ssl"}}).tls.enabled);
    const auto both = named({{"security.protocol", "SASL_SSL"}, {"sasl.mechanism", "PLAIN"}, {"sasl.jaas.config", plain_login}});
    CHECK(both.tls.enabled);
    CHECK(both.sasl.mechanism == sasl_mechanism::plain);
    CHECK(both.sasl.user == "alice");
    CHECK(both.sasl.password == "se\"cr=et;");
    const auto plaintext = named({{"security.protocol", "SASL_PLAINTEXT"}, {"sasl.mechanisms", "SCRAM-SHA-512"}, {"sasl.username", "bob"}, {"sasl.password", "secret"}});
    CHECK_FALSE(plaintext.tls.enabled);
    CHECK(plaintext.sasl.mechanism == sasl_mechanism::scram_sha_512);
    CHECK(named({{"security.protocol", "SSL"}, {"sasl.mechanism", "PLAIN"}}).sasl.mechanism == sasl_mechanism::none);
    const auto mixed = resolved({.tls = {.enabled = true}, .extra = {{"security.protocol", "SSL"}, {"ssl.ca.location", "/ca.pem"}}});
    CHECK(mixed.tls.ca_file == "/ca.pem");
}

TEST_CASE("what does not go together is refused before anything is sent") {
    CHECK(refused({{"security.protocol", "TLS"}}) == "security.protocol=TLS: allowed is PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL");
    CHECK(refused({{"security.protocol", "SASL_SSL"}}) == "security.protocol=SASL_SSL needs sasl.mechanism: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER");
    CHECK(refused({{"sasl.mechanism", "GSSAPI"}}) == "sasl.mechanism=GSSAPI: allowed is PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER");
    CHECK(refused({{"sasl.mechanism", "PLAIN"}}).starts_with("sasl.mechanism is given, but security.protocol is not"));
    CHECK(refused({{"ssl.ca.location", "/ca.pem"}}).starts_with("certificates are given, but neither security.protocol=SSL"));
    CHECK(named({{"security.protocol", "PLAINTEXT"}, {"ssl.ca.location", "/ca.pem"}}).tls.enabled == false);
    CHECK(refusal({.tls = {.enabled = true}, .extra = {{"security.protocol", "PLAINTEXT"}}}) == "security.protocol=PLAINTEXT, but the program enables TLS");
    CHECK(refused({{"security.protocol", "SASL_SSL"}, {"sasl.mechanism", "SCRAM-SHA-256"}, {"sasl.jaas.config", plain_login}}) ==
          "sasl.mechanism=SCRAM-SHA-256 needs a ScramLoginModule in sasl.jaas.config, which has a PlainLoginModule");
    CHECK(refused({{"security.protocol", "SASL_SSL"}, {"sasl.mechanism", "PLAIN"}}) == "sasl.jaas.config: the mechanism needs a username");
    CHECK(refused({{"ssl.enabled.protocols", "TLSv1.1"}}) == "ssl.enabled.protocols=TLSv1.1: allowed is a list of TLSv1.2, TLSv1.3");
    CHECK(refused({{"ssl.cipher.suites", "TLS_AES_128_GCM_SHA256, TLS_RSA_WITH_RC4_128_MD5"}}).starts_with("ssl.cipher.suites=TLS_RSA_WITH_RC4_128_MD5: allowed is a list of TLS_"));
    CHECK(refused({{"ssl.cipher.suites", "TLS_AES_128_GCM_SHA256"}, {"ssl.enabled.protocols", "TLSv1.2"}}) ==
          "ssl.cipher.suites=TLS_AES_128_GCM_SHA256: none of them is of a version that ssl.enabled.protocols allows");
    CHECK(refusal({.tls = {.enabled = true, .cipher_suites = {"HIGH"}}}).starts_with("ssl.cipher.suites=HIGH: allowed is a list of "));
    CHECK(refused({{"ssl.endpoint.identification.algorithm", "ldap"}}).find("allowed is https, none") != std::string::npos);
    CHECK(refused({{"enable.ssl.certificate.verification", "false"}}).find("certificates are always verified") != std::string::npos);
    CHECK(refused({{"sasl.username", "a"}, {"sasl.jaas.config", plain_login}}) == "sasl.username (extra) and sasl.jaas.config (extra) contradict each other: give one of them");
}

TEST_CASE("cipher suites by Java's names, OpenSSL's, and with OpenSSL's colons") {
    const auto mixed = named({{"security.protocol", "SSL"}, {"ssl.cipher.suites", "TLS_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,ECDHE-RSA-AES256-GCM-SHA384"}});
    CHECK(mixed.tls.cipher_suites == std::vector<std::string>{"TLS_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES256-GCM-SHA384"});
    named({{"ssl.cipher.suites", "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"}});
    CHECK(named({{"ssl.cipher.suites", ""}}).tls.cipher_suites.empty());
}

TEST_CASE("logins as Java writes them") {
    const auto scram = named({{"security.protocol", "SASL_PLAINTEXT"}, {"sasl.mechanism", "SCRAM-SHA-256"},
                              {"sasl.jaas.config", "org.apache.kafka.common.security.scram.ScramLoginModule required\n  username='token id' password=hmac tokenauth=\"true\" ;"}});
    CHECK(scram.sasl.user == "token id");
    CHECK(scram.sasl.delegation_token);
    const auto oauth = named({{"security.protocol", "SASL_SSL"}, {"sasl.mechanism", "OAUTHBEARER"}, {"sasl.oauthbearer.token.endpoint.url", "https://login.example/token"},
                              {"sasl.login.callback.handler.class", "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler"},
                              {"sasl.jaas.config", "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required clientId=\"me\" clientSecret=\"s\" scope=\"kafka\" extension_cluster=\"c1\";"}});
    CHECK(oauth.sasl.oauth.client_id == "me");
    CHECK(oauth.sasl.oauth.client_secret == "s");
    CHECK(oauth.sasl.oauth.scope == "kafka");
    CHECK(oauth.sasl.oauth.extensions == decltype(oauth.sasl.oauth.extensions){{"cluster", "c1"}});
    const auto names = named({{"security.protocol", "SASL_SSL"}, {"sasl.mechanism", "OAUTHBEARER"}, {"sasl.oauthbearer.method", "oidc"}, {"sasl.oauthbearer.client.id", "me"},
                              {"sasl.oauthbearer.client.secret", "s"}, {"sasl.oauthbearer.token.endpoint.url", "https://login.example/token"}, {"sasl.oauthbearer.extensions", "a=1,b=2"},
                              {"sasl.login.refresh.window.factor", "0.6"}, {"https.ca.location", "/other.pem"}});
    CHECK(names.sasl.oauth.extensions.size() == 2);
    CHECK(names.sasl.oauth.refresh_at == 0.6);
    CHECK(names.sasl.oauth.endpoint_tls.ca_file == "/other.pem");
}

TEST_CASE("a login that is not one says what is missing, and never the secret") {
    const auto why = [](std::string_view text) {
        const auto parsed = detail::parse_jaas(text);
        REQUIRE_FALSE(parsed);
        CHECK(std::string{parsed.error().what()}.find("secret") == std::string::npos);
        return std::string{parsed.error().what()}.substr(0, parsed.error().what().find(';'));
    };
    CHECK(why("") == "there is no class of a login module");
    CHECK(why("a.PlainLoginModule username=\"x\";") == "there is no 'required' behind the class");
    CHECK(why("a.PlainLoginModule required password=\"secret\"") == "there is no semicolon at its end");
    CHECK(why("a.PlainLoginModule required password=\"secret;") == "the value of password has no closing quote");
    CHECK(why("a.PlainLoginModule required password secret;") == "option 1 has no value");
    CHECK(why("a.PlainLoginModule required password=my secret;") == "option 2 has no value");
    CHECK(why("a.PlainLoginModule required =secret;") == "an option has no name");
    CHECK(why("a.M required; b.M required;") == "there is more than one login");
    CHECK(refused({{"sasl.jaas.config", "com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true;"}}) ==
          "sasl.jaas.config: the login com.sun.security.auth.module.Krb5LoginModule is not offered; PlainLoginModule, ScramLoginModule and OAuthBearerLoginModule are");
    CHECK(refused({{"sasl.jaas.config", "x.PlainLoginModule required user=\"alice\" password=\"secret\";"}}) == "sasl.jaas.config: PlainLoginModule has no option user");
    CHECK(refused({{"sasl.jaas.config", "x.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub=\"x\";"}}).find("nobody signed") != std::string::npos);
}

TEST_CASE("secrets are in no log") {
    std::string all;
    log::set_level("weir.client.config", log::level::debug);
    log::set_sink([&](log::level, std::string_view, std::string_view text) { all += text; });
    named({{"security.protocol", "SASL_SSL"}, {"sasl.mechanism", "PLAIN"}, {"sasl.username", "bob"}, {"sasl.password", "hush-hush"}, {"ssl.key.password", "hush-key"}});
    named({{"security.protocol", "SASL_SSL"}, {"sasl.mechanism", "PLAIN"}, {"sasl.jaas.config", "x.PlainLoginModule required username=\"bob\" password=\"hush-login\";"}});
    log::set_sink({});
    log::clear_level("weir.client.config");
    CHECK(all.find("hush") == std::string::npos);
    CHECK(all.find("sasl.password=[hidden] (extra)") != std::string::npos);
    CHECK(all.find("sasl.jaas.config=[hidden] (extra)") != std::string::npos);
    CHECK(all.find("security.protocol=SASL_SSL (extra)") != std::string::npos);
}

TEST_CASE("a PKCS12 store becomes PEM, a PEM file stays a file, a JKS store says how to convert it") {
    const test::authority ca;
    const auto own = ca.issue({});
    const test::temporary_folder folder;
    const auto path = [&](const char* name) { return folder / name; };
    write(path("own.p12"), pkcs12(own.certificate, own.key, "changeit"));
    write(path("trust.p12"), pkcs12(ca.certificate(), "", "changeit"));
    write(path("ca.pem"), as_bytes(ca.certificate()));
    write(path("old.jks"), as_bytes("\xfe\xed\xfe\xed\x00\x02"));

    const auto stores = named({{"security.protocol", "SSL"}, {"ssl.truststore.location", path("trust.p12")}, {"ssl.truststore.password", "changeit"},
                               {"ssl.keystore.location", path("own.p12")}, {"ssl.keystore.password", "changeit"}, {"ssl.keystore.type", "PKCS12"}});
    CHECK(stores.tls.ca_pem == ca.certificate());
    CHECK(stores.tls.ca_file.empty());
    CHECK(stores.tls.certificate_pem == own.certificate);
    CHECK(stores.tls.key_pem.starts_with("-----BEGIN PRIVATE KEY-----"));
    CHECK(named({{"security.protocol", "SSL"}, {"ssl.truststore.location", path("ca.pem")}}).tls.ca_file == path("ca.pem"));
    CHECK(named({{"security.protocol", "SSL"}, {"ssl.truststore.location", path("trust.p12")}, {"ssl.truststore.type", "JKS"}, {"ssl.truststore.password", "changeit"}}).tls.ca_pem ==
          ca.certificate());

    const auto jks = refused({{"security.protocol", "SSL"}, {"ssl.truststore.location", path("old.jks")}, {"ssl.truststore.type", "JKS"}});
    CHECK(jks.find("keytool -importkeystore -srckeystore " + path("old.jks") + " -destkeystore " + path("old.jks") + ".p12 -deststoretype PKCS12") != std::string::npos);
    CHECK(refused({{"security.protocol", "SSL"}, {"ssl.truststore.location", path("trust.p12")}, {"ssl.truststore.password", "wrong"}}).find("cannot be opened with this password") !=
          std::string::npos);
    CHECK(refused({{"security.protocol", "SSL"}, {"ssl.keystore.location", path("trust.p12")}, {"ssl.keystore.password", "changeit"}}).find("there is no key in it") != std::string::npos);
    CHECK(refused({{"security.protocol", "SSL"}, {"ssl.truststore.location", path("ca.pem")}, {"ssl.truststore.type", "JKS"}}).find("is a PEM file: ssl.truststore.type has to be PEM") !=
          std::string::npos);
    CHECK(refused({{"security.protocol", "SSL"}, {"ssl.keystore.location", path("ca.pem")}, {"ssl.keystore.type", "PEM"}, {"ssl.keystore.password", "x"}}).find("ssl.key.password") !=
          std::string::npos);
    CHECK(refused({{"security.protocol", "SSL"}, {"ssl.truststore.location", path("none.p12")}, {"ssl.truststore.type", "PKCS12"}}).starts_with("ssl.truststore.location=" + path("none.p12")));
}
