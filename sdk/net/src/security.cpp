#include <weir/security.hpp>

#include "oauth/http.hpp"
#include "tls/cipher_suites.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace weir {
namespace {

struct wants {
    bool value;
    const char* what;
};

bool on_this_machine(const std::string& host) { return host == "localhost" || host == "127.0.0.1" || host == "::1"; }

bool extension_ok(const std::pair<std::string, std::string>& extension) {
    const auto& [name, value] = extension;
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    const auto printable = [](char c) { return (c > ' ' && c < 0x7f) || c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
    return !name.empty() && name != "auth" && std::all_of(name.begin(), name.end(), letter) && !value.empty() && std::all_of(value.begin(), value.end(), printable);
}

error first_broken(std::initializer_list<wants> all) {
    for (const auto& each : all) {
        if (!each.value) return error{errc::invalid_setting, each.what};
    }
    return {};
}

error check_tls(const tls_config& config, const char* prefix) {
    const auto both = [](const std::string& file, const std::string& text) { return !file.empty() && !text.empty(); };
    const bool certificate = !config.certificate_file.empty() || !config.certificate_pem.empty();
    const bool key = !config.key_file.empty() || !config.key_pem.empty();
    auto why = first_broken({
        {!both(config.ca_file, config.ca_pem), "ssl.truststore.location and ssl.truststore.certificates: give one of both"},
        {!both(config.certificate_file, config.certificate_pem), "ssl.keystore.location and ssl.keystore.certificate.chain: give one of both"},
        {!both(config.key_file, config.key_pem), "the key's file and ssl.keystore.key: give one of both"},
        {certificate || !key, "ssl.keystore.key: a key needs its certificate (ssl.keystore.certificate.chain or ssl.keystore.location)"},
        {config.certificate_pem.empty() || key, "ssl.keystore.certificate.chain: a certificate needs its key (ssl.keystore.key)"},
        {config.oldest <= config.newest, "ssl.enabled.protocols: the oldest version is newer than the newest"},
    });
    if (!why) why = net::tls::choose_suites(config).error();
    return why && *prefix ? error{why.code(), prefix + std::string{why.what()}} : why;
}

error check_oauth(const oauth_config& config) {
    const auto sources = !config.token.empty() + static_cast<bool>(config.fetch) + !config.token_endpoint.empty();
    if (sources != 1) return error{errc::invalid_setting, "OAUTHBEARER needs one source of tokens: a token, a callback, or sasl.oauthbearer.token.endpoint.url"};
    for (const auto& each : config.extensions) {
        if (!extension_ok(each)) return error{errc::invalid_setting, fmt::format("OAUTHBEARER extension '{}': names are letters and not 'auth', values are printable ASCII (RFC 7628)", each.first)};
    }
    if (!config.token_endpoint.empty()) {
        const auto where = net::parse_url(config.token_endpoint);
        if (!where) return error{errc::invalid_setting, fmt::format("sasl.oauthbearer.token.endpoint.url={}: {}", config.token_endpoint, where.error().what())};
        if (!where->secure && !on_this_machine(where->where.host)) {
            return error{errc::invalid_setting, fmt::format("sasl.oauthbearer.token.endpoint.url={}: the client's secret would travel in the clear; use https", config.token_endpoint)};
        }
    }
    return first_broken({
        {config.token_endpoint.empty() || (!config.client_id.empty() && !config.client_secret.empty()),
         "sasl.oauthbearer.token.endpoint.url needs sasl.oauthbearer.client.credentials.client.id and sasl.oauthbearer.client.credentials.client.secret"},
        {config.refresh_at >= 0.5 && config.refresh_at <= 1, "sasl.login.refresh.window.factor: allowed is 0.5 to 1"},
        {config.refresh_jitter >= 0 && config.refresh_jitter <= 0.25, "sasl.login.refresh.window.jitter: allowed is 0 to 0.25"},
        {config.timeout > milliseconds{0}, "sasl.login.read.timeout.ms: has to be more than 0"},
    });
}

}  // namespace

std::string_view to_string(sasl_mechanism mechanism) noexcept {
    switch (mechanism) {
        case sasl_mechanism::plain: return "PLAIN";
        case sasl_mechanism::scram_sha_256: return "SCRAM-SHA-256";
        case sasl_mechanism::scram_sha_512: return "SCRAM-SHA-512";
        case sasl_mechanism::oauth_bearer: return "OAUTHBEARER";
        case sasl_mechanism::none: break;
    }
    return "";
}

error check(const tls_config& tls, const sasl_config& sasl) {
    if (auto why = check_tls(tls, "")) return why;
    if (sasl.mechanism == sasl_mechanism::none) return {};
    if (sasl.mechanism == sasl_mechanism::oauth_bearer) {
        if (auto why = check_tls(sasl.oauth.endpoint_tls, "of the token endpoint: ")) return why;
        return check_oauth(sasl.oauth);
    }
    const bool scram = sasl.mechanism != sasl_mechanism::plain;
    const auto has_zero = [](const std::string& text) { return text.find('\0') != std::string::npos; };
    return first_broken({
        {!sasl.user.empty(), "sasl.jaas.config: the mechanism needs a username"},
        {!sasl.password.empty(), "sasl.jaas.config: the mechanism needs a password"},
        {!has_zero(sasl.user) && !has_zero(sasl.password), "sasl.jaas.config: username and password cannot hold a zero byte"},
        {scram || !sasl.delegation_token, "sasl.jaas.config: tokenauth works with SCRAM-SHA-256 and SCRAM-SHA-512"},
    });
}

}  // namespace weir
