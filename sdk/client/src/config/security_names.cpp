#include "security_names.hpp"

#include "client_setup.hpp"
#include "jaas.hpp"
#include "key_store.hpp"
#include "rows.hpp"

#include <weir/base/posix_files.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace weir::detail {

template <>
struct word_table<security_protocol> {
    static constexpr word<security_protocol> all[] = {{"PLAINTEXT", security_protocol::plaintext}, {"SSL", security_protocol::ssl},
                                                      {"SASL_PLAINTEXT", security_protocol::sasl_plaintext}, {"SASL_SSL", security_protocol::sasl_ssl}};
};
template <>
struct word_table<sasl_mechanism> {
    static constexpr word<sasl_mechanism> all[] = {{"PLAIN", sasl_mechanism::plain}, {"SCRAM-SHA-256", sasl_mechanism::scram_sha_256},
                                                   {"SCRAM-SHA-512", sasl_mechanism::scram_sha_512}, {"OAUTHBEARER", sasl_mechanism::oauth_bearer}};
};
template <>
struct word_table<store_type> {
    static constexpr word<store_type> all[] = {{"PEM", store_type::pem}, {"PKCS12", store_type::pkcs12}, {"JKS", store_type::jks}};
};

namespace {

error unusable(std::string text) { return error{errc::invalid_setting, std::move(text)}; }

// ---- settings that are not simply one field --------------------------------------------------------------------------

std::optional<std::string> no_text(const void*) { return std::nullopt; }

/// https checks that the certificate is of the host that was asked for; the empty text, or librdkafka's none, does not.
result<void> parse_identification(const setting& self, void* target, std::string_view text, std::int64_t) {
    if (text != "https" && text != "none" && !text.empty()) return unusable(fmt::format("{}={}: allowed is {}", self.name, text, self.allowed()));
    static_cast<client_setup*>(target)->config.tls.verify_host = text == "https";
    return {};
}
std::optional<std::string> print_identification(const void* source) {
    return static_cast<const client_setup*>(source)->config.tls.verify_host ? "https" : "none";
}

result<void> parse_versions(const setting& self, void* target, std::string_view text, std::int64_t) {
    std::vector<std::string> names;
    if (auto parsed = parse_field(self, text, 1, names); !parsed) return parsed;
    if (names.empty()) return unusable(fmt::format("{}: names no version; allowed is {}", self.name, self.allowed()));
    auto& tls = static_cast<client_setup*>(target)->config.tls;
    const auto has = [&](std::string_view name) { return std::ranges::find(names, name) != names.end(); };
    tls.oldest = has("TLSv1.2") ? tls_version::v1_2 : tls_version::v1_3;
    tls.newest = has("TLSv1.3") ? tls_version::v1_3 : tls_version::v1_2;
    return {};
}
std::optional<std::string> print_versions(const void* source) {
    const auto& tls = static_cast<const client_setup*>(source)->config.tls;
    if (tls.oldest == tls.newest) return tls.oldest == tls_version::v1_2 ? "TLSv1.2" : "TLSv1.3";
    return "TLSv1.2,TLSv1.3";
}

result<void> parse_suites(const setting& self, void* target, std::string_view text, std::int64_t) {
    tls_config alone;
    if (auto parsed = parse_field(self, text, 1, alone.cipher_suites); !parsed) return parsed;
    if (auto why = check(alone, {})) return why;  // here, and not with all the others: so the line of the file is known
    static_cast<client_setup*>(target)->config.tls.cipher_suites = std::move(alone.cipher_suites);
    return {};
}
std::optional<std::string> print_suites(const void* source) { return print_text(static_cast<const client_setup*>(source)->config.tls.cipher_suites); }

/// librdkafka's form: name=value with commas between.
result<void> parse_extensions(const setting& self, void* target, std::string_view text, std::int64_t) {
    std::vector<std::string> pairs;
    if (auto parsed = parse_field(self, text, 1, pairs); !parsed) return parsed;
    decltype(oauth_config::extensions) extensions;
    for (const auto& pair : pairs) {
        const auto equals = pair.find('=');
        if (equals == std::string::npos) return unusable(fmt::format("{}: '{}' is not name=value", self.name, pair));
        extensions.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
    }
    static_cast<client_setup*>(target)->config.sasl.oauth.extensions = std::move(extensions);
    return {};
}
result<void> take_login(const jaas_login& login, client_setup& setup) {
    auto& sasl = setup.config.sasl;
    const bool oauth = login.name() == "OAuthBearerLoginModule";
    const bool scram = login.name() == "ScramLoginModule";
    if (!oauth && !scram && login.name() != "PlainLoginModule") {
        return unusable(fmt::format("the login {} is not offered; PlainLoginModule, ScramLoginModule and OAuthBearerLoginModule are", login.module));
    }
    if (oauth) sasl.oauth.extensions.clear();
    for (const auto& [name, value] : login.options) {
        if (!oauth && name == "username") sasl.user = value;
        else if (!oauth && name == "password") sasl.password = value;
        else if (scram && name == "tokenauth") sasl.delegation_token = value == "true";
        else if (oauth && name == "clientId") sasl.oauth.client_id = value;
        else if (oauth && name == "clientSecret") sasl.oauth.client_secret = value;
        else if (oauth && name == "scope") sasl.oauth.scope = value;
        else if (oauth && name.starts_with("extension_")) sasl.oauth.extensions.emplace_back(name.substr(10), value);
        else if (oauth && name.starts_with("unsecuredLogin")) return unusable(fmt::format("{}: tokens that nobody signed are not offered", name));
        else return unusable(fmt::format("{} has no option {}", login.name(), name));
    }
    setup.security.login_module = login.name();
    return {};
}

result<void> parse_login(const setting& self, void* target, std::string_view text, std::int64_t) {
    const auto named = [&](const error& why) { return unusable(fmt::format("{}: {}", self.name, why.what())); };
    const auto login = parse_jaas(text);
    if (!login) return named(login.error());
    if (auto taken = take_login(*login, *static_cast<client_setup*>(target)); !taken) return named(taken.error());
    return {};
}

// ---- what they mean together -----------------------------------------------------------------------------------------

/// security.protocol decides; without it the program's fields do.
error apply_protocol(client_setup& setup) {
    auto& tls = setup.config.tls;
    auto& sasl = setup.config.sasl;
    auto& names = setup.security;
    if (!names.protocol) {
        if (names.mechanism && sasl.mechanism == sasl_mechanism::none) {
            return unusable("sasl.mechanism is given, but security.protocol is not: SASL_SSL, or SASL_PLAINTEXT on a network that nobody listens to");
        }
        if (!tls.enabled && !(tls.ca_file + tls.ca_pem + tls.certificate_file + tls.certificate_pem + tls.key_file + tls.key_pem).empty()) {
            return unusable("certificates are given, but neither security.protocol=SSL or SASL_SSL nor tls.enabled: nothing would be encrypted");
        }
    } else {
        const bool encrypted = names.protocol == security_protocol::ssl || names.protocol == security_protocol::sasl_ssl;
        const bool login = names.protocol == security_protocol::sasl_plaintext || names.protocol == security_protocol::sasl_ssl;
        const auto written = *print_text(names.protocol);
        if (tls.enabled && !encrypted) return unusable(fmt::format("security.protocol={}, but the program enables TLS", written));
        if (!login && sasl.mechanism != sasl_mechanism::none) return unusable(fmt::format("security.protocol={}, but the program chooses a SASL mechanism", written));
        if (login && !names.mechanism && sasl.mechanism == sasl_mechanism::none) {
            return unusable(fmt::format("security.protocol={} needs sasl.mechanism: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER", written));
        }
        tls.enabled = encrypted;
        if (!login) return {};
    }
    if (names.mechanism && sasl.mechanism != sasl_mechanism::none && names.mechanism != sasl.mechanism) {
        return unusable(fmt::format("sasl.mechanism is {} by name and {} by the program: give it once", to_string(*names.mechanism), to_string(sasl.mechanism)));
    }
    if (names.mechanism) sasl.mechanism = *names.mechanism;
    if (names.login_module.empty() || sasl.mechanism == sasl_mechanism::none) return {};
    const auto wanted = sasl.mechanism == sasl_mechanism::plain          ? "PlainLoginModule"
                        : sasl.mechanism == sasl_mechanism::oauth_bearer ? "OAuthBearerLoginModule"
                                                                         : "ScramLoginModule";
    if (names.login_module != wanted) return unusable(fmt::format("sasl.mechanism={} needs a {} in sasl.jaas.config, which has a {}", to_string(sasl.mechanism), wanted, names.login_module));
    return {};
}

struct store_names {
    std::string_view location, type, password;
};

/// What a key store holds when it is PKCS12; nothing when it is PEM, which TLS reads itself, again and again.
result<std::optional<store_content>> open_store(const std::string& path, std::optional<store_type> type, const std::string& password, const store_names& names) {
    if (path.empty()) return std::optional<store_content>{};
    if (type == store_type::pem) {
        if (!password.empty()) return unusable(fmt::format("{}: a PEM file has no password; its key's is ssl.key.password", names.password));
        return std::optional<store_content>{};
    }
    const auto content = read_file(*make_posix_files(), path);
    if (!content) {
        if (!type) return std::optional<store_content>{};  // taken for PEM, and missed when it is needed
        return unusable(fmt::format("{}={}: {}", names.location, path, content.error().what()));
    }
    switch (format_of(*content)) {
        case store_format::jks:
            return unusable(fmt::format("{}={}: JKS stores cannot be read here; make it PKCS12: keytool -importkeystore -srckeystore {} -destkeystore {}.p12 -deststoretype PKCS12",
                                       names.location, path, path, path));
        case store_format::pem:
            if (type) return unusable(fmt::format("{}={} is a PEM file: {} has to be PEM", names.location, path, names.type));
            return std::optional<store_content>{};
        case store_format::pkcs12: break;
    }
    auto read = read_pkcs12(*content, password);
    if (!read) return unusable(fmt::format("{}={}: {}; {} opens it", names.location, path, read.error().what(), names.password));
    return std::optional{std::move(*read)};
}

error apply_stores(client_setup& setup) {
    auto& tls = setup.config.tls;
    const auto& names = setup.security;
    auto trusted = open_store(tls.ca_file, names.truststore, names.truststore_password, {"ssl.truststore.location", "ssl.truststore.type", "ssl.truststore.password"});
    if (!trusted) return trusted.error();
    if (*trusted) {
        tls.ca_pem = std::move((*trusted)->certificates);
        if (tls.ca_pem.empty()) return unusable(fmt::format("ssl.truststore.location={}: there is no certificate in it", tls.ca_file));
        tls.ca_file.clear();
    }
    auto own = open_store(tls.certificate_file, names.keystore, names.keystore_password, {"ssl.keystore.location", "ssl.keystore.type", "ssl.keystore.password"});
    if (!own) return own.error();
    if (*own) {
        if ((*own)->key.empty()) return unusable(fmt::format("ssl.keystore.location={}: there is no key in it", tls.certificate_file));
        tls.certificate_pem = std::move((*own)->certificates);
        tls.key_pem = std::move((*own)->key);
        tls.certificate_file.clear();
    }
    return {};
}

}  // namespace

void add_security_rows(std::vector<setting>& rows) {
    using setup = client_setup;
    using names = security_names;
    using client = client_config;
    using tls = tls_config;
    using sasl = sasl_config;
    using oauth = oauth_config;
    static constexpr auto of = &setup::config;
    static constexpr auto named = &setup::security;
    const auto add = [&](setting made) { rows.push_back(std::move(made)); };

    add(row<named, &names::protocol>("security.protocol", any(), "Whether connections are encrypted (SSL) and who uses them logs in (SASL).", importance::high));
    add(row<of, &client::tls, &tls::ca_file>("ssl.truststore.location", any(),
        "The authorities to trust: a PEM file, read again when it changes, or a PKCS12 store, read once. None: the system's.", importance::high, synonym("ssl.ca.location")));
    add(row<of, &client::tls, &tls::ca_pem>("ssl.truststore.certificates", any(), "The authorities to trust as PEM text, in place of ssl.truststore.location.", sensitive, importance::high, synonym("ssl.ca.pem")));
    add(row<named, &names::truststore>("ssl.truststore.type", any(), "What ssl.truststore.location is; seen from its content when it is not given."));
    add(row<named, &names::truststore_password>("ssl.truststore.password", any(), "Opens ssl.truststore.location when it is PKCS12.", sensitive));
    add(row<of, &client::tls, &tls::certificate_file>("ssl.keystore.location", any(),
        "This client's certificate and key: a PEM file, read again when it changes, or a PKCS12 store, read once.", importance::high, synonym("ssl.certificate.location")));
    add(row<of, &client::tls, &tls::certificate_pem>("ssl.keystore.certificate.chain", any(), "The certificate as PEM text, the authority's behind it.", sensitive, importance::high,
        synonym("ssl.certificate.pem")));
    add(row<of, &client::tls, &tls::key_file>("ssl.key.location", any(), "librdkafka's name for a PEM file that only has the key."));
    add(row<of, &client::tls, &tls::key_pem>("ssl.keystore.key", any(), "The key as PEM text.", sensitive, importance::high, synonym("ssl.key.pem")));
    add(row<named, &names::keystore>("ssl.keystore.type", any(), "What ssl.keystore.location is; seen from its content when it is not given."));
    add(row<named, &names::keystore_password>("ssl.keystore.password", any(), "Opens ssl.keystore.location when it is PKCS12.", sensitive));
    add(row<of, &client::tls, &tls::key_password>("ssl.key.password", any(), "Opens an encrypted PEM key.", sensitive));
    add(row_with<setup>(&parse_versions, &print_versions, "ssl.enabled.protocols", one_of("TLSv1.2", "TLSv1.3"), "The versions of TLS to speak.", setting_type::list));
    add(row_with<setup>(&parse_suites, &print_suites, "ssl.cipher.suites", any(),
        "The cipher suites to offer, the preferred first, by Java's names for them or OpenSSL's; none: OpenSSL's choice. A version that none is named of is not spoken.", setting_type::list));
    add(row_with<setup>(&parse_identification, &print_identification, "ssl.endpoint.identification.algorithm", one_of("https", "none"),
                        "Whether the certificate has to be that of the host; the empty text is none, too."));

    add(row<named, &names::mechanism>("sasl.mechanism", any(), "How to log in; needed where security.protocol says SASL.", importance::high, synonym("sasl.mechanisms")));
    add(row<of, &client::sasl, &sasl::user>("sasl.username", any(), "librdkafka's name for the user of PLAIN and SCRAM."));
    add(row<of, &client::sasl, &sasl::password>("sasl.password", any(), "librdkafka's name for the user's password.", sensitive));
    add(row_with<setup>(&parse_login, &no_text, "sasl.jaas.config", any(),
                        "Who logs in, as Java has it: PlainLoginModule or ScramLoginModule with username and password (tokenauth), OAuthBearerLoginModule with clientId, "
                        "clientSecret, scope, extension_NAME.", sensitive));
    add(row<of, &client::sasl, &sasl::oauth, &oauth::token_endpoint>("sasl.oauthbearer.token.endpoint.url", any(), "Where tokens come from: the client credentials grant over https."));
    add(row<of, &client::sasl, &sasl::oauth, &oauth::client_id>("sasl.oauthbearer.client.credentials.client.id", any(), "Who asks for tokens.", synonym("sasl.oauthbearer.client.id")));
    add(row<of, &client::sasl, &sasl::oauth, &oauth::client_secret>("sasl.oauthbearer.client.credentials.client.secret", any(), "The secret of who asks for tokens.", sensitive,
        synonym("sasl.oauthbearer.client.secret")));
    add(row<of, &client::sasl, &sasl::oauth, &oauth::scope>("sasl.oauthbearer.scope", any(), "What tokens are asked for."));
    add(row_with<setup>(&parse_extensions, &no_text, "sasl.oauthbearer.extensions", any(), "librdkafka's name for name=value pairs that go with a token (KIP-342).", setting_type::list));
    add(row<of, &client::sasl, &sasl::oauth, &oauth::url_encode_credentials>("sasl.oauthbearer.header.urlencode", any(), "Whether id and secret are URL-encoded in the request for a token."));
    add(row<of, &client::sasl, &sasl::oauth, &oauth::endpoint_tls, &tls::ca_file>("https.ca.location", any(), "librdkafka's name for the PEM file with the authorities to trust as token endpoints."));
    add(row<of, &client::sasl, &sasl::oauth, &oauth::endpoint_tls, &tls::ca_pem>("https.ca.pem", any(), "The authorities to trust as token endpoints as PEM text.", sensitive));
    add(row<of, &client::sasl, &sasl::oauth, &oauth::timeout>("sasl.login.read.timeout.ms", at_least(1), "How long the token endpoint may take to connect, and again to answer.",
        setting_type::int32, synonym("sasl.login.connect.timeout.ms")));
    add(row<of, &client::sasl, &sasl::oauth, &oauth::retry_backoff>("sasl.login.retry.backoff.ms", at_least(0), "The wait before a token is asked for again; it doubles."));
    add(row<of, &client::sasl, &sasl::oauth, &oauth::retry_backoff_max>("sasl.login.retry.backoff.max.ms", at_least(0), "The longest wait before a token is asked for again."));
    add(row<of, &client::sasl, &sasl::oauth, &oauth::refresh_at>("sasl.login.refresh.window.factor", between(0.5, 1.0), "The part of a token's life after which it is renewed."));
    add(row<of, &client::sasl, &sasl::oauth, &oauth::refresh_jitter>("sasl.login.refresh.window.jitter", between(0.0, 0.25), "What is added to sasl.login.refresh.window.factor at random."));
}

error apply_security(client_setup& setup) {
    if (auto why = apply_protocol(setup)) return why;
    if (auto why = apply_stores(setup)) return why;
    const auto& config = setup.config;
    const bool login = config.sasl.mechanism != sasl_mechanism::none;
    setup.security.protocol = config.tls.enabled ? (login ? security_protocol::sasl_ssl : security_protocol::ssl)
                                                 : (login ? security_protocol::sasl_plaintext : security_protocol::plaintext);
    if (login) setup.security.mechanism = config.sasl.mechanism;
    return {};
}

}  // namespace weir::detail
