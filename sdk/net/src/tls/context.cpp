// Reads certificates, and reads them again when they changed on disk.
#include "cipher_suites.hpp"
#include "tls_stream.hpp"

#include <weir/base/log.hpp>
#include <weir/base/posix_files.hpp>
#include <weir/net/tls.hpp>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

namespace weir::net {
namespace {

log::logger context_logs{"weir.net.tls"};
constexpr std::uint64_t most_file_bytes = 16 << 20;  // every authority there is fits in 1 MB

/// What tells one content of a path from the next without reading it.
struct file_identity {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = -1;
    std::int64_t modified_ns = 0;
    bool operator==(const file_identity&) const = default;
};

file_identity identity_of(const std::string& path) {
    struct stat found {};
    if (path.empty() || ::stat(path.c_str(), &found) != 0) return {};
    return {found.st_dev, found.st_ino, found.st_size, found.st_mtim.tv_sec * 1'000'000'000LL + found.st_mtim.tv_nsec};
}

error unusable(std::string_view setting, const std::string& path, std::string_view why) {
    return error{errc::invalid_setting, path.empty() ? fmt::format("{}: {}", setting, why) : fmt::format("{}={}: {}", setting, path, why)};
}

struct pem {
    std::string_view setting;
    std::string path;  // empty: the text was given
    std::string text;
};

result<pem> load(std::string_view file_setting, const std::string& path, std::string_view text_setting, const std::string& text) {
    if (path.empty()) return pem{text_setting, path, text};
    const auto disk = make_posix_files();
    auto content = read_file(*disk, path, most_file_bytes);
    if (!content) return unusable(file_setting, path, content.code() == errc::not_found ? "there is no such file" : content.error().what());
    return pem{file_setting, path, std::string{as_text(*content)}};
}

tls::bio_ptr reader_of(const pem& source) { return tls::bio_ptr{BIO_new_mem_buf(source.text.data(), static_cast<int>(source.text.size()))}; }

result<std::vector<tls::certificate_ptr>> certificates_in(const pem& source) {
    std::vector<tls::certificate_ptr> all;
    const auto in = reader_of(source);
    while (auto* next = PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)) all.emplace_back(next);
    const auto stopped = ERR_peek_last_error();
    const bool at_end = ERR_GET_LIB(stopped) == ERR_LIB_PEM && ERR_GET_REASON(stopped) == PEM_R_NO_START_LINE;
    const auto reason = tls::take_reason();
    if (!at_end) return unusable(source.setting, source.path, "a certificate in it cannot be read: " + reason);
    if (all.empty()) return unusable(source.setting, source.path, "there is no certificate in PEM in it");
    return all;
}

int give_password(char* into, int room, int, void* from) {
    const auto& password = *static_cast<const std::string*>(from);
    if (password.empty() || static_cast<int>(password.size()) > room) return -1;
    std::copy(password.begin(), password.end(), into);
    return static_cast<int>(password.size());
}

result<tls::key_ptr> key_in(const pem& source, std::string password) {
    const auto in = reader_of(source);
    tls::key_ptr key{PEM_read_bio_PrivateKey(in.get(), nullptr, give_password, &password)};
    const auto reason = tls::take_reason();
    OPENSSL_cleanse(password.data(), password.size());
    if (!key) return unusable(source.setting, source.path, fmt::format("there is no private key that can be read ({}); is ssl.key.password right?", reason));
    return key;
}

error trust(SSL_CTX* context, const tls_config& config, tls_side side) {
    if (config.ca_file.empty() && config.ca_pem.empty()) {
        if (side == tls_side::client && SSL_CTX_set_default_verify_paths(context) != 1) return error{errc::tls_failed, "the system's trusted authorities cannot be read: " + tls::take_reason()};
        return {};
    }
    auto source = load("ssl.truststore.location", config.ca_file, "ssl.truststore.certificates", config.ca_pem);
    if (!source) return source.error();
    auto authorities = certificates_in(*source);
    if (!authorities) return authorities.error();
    // As in Java's truststores, whatever is in it is trusted, whoever issued it.
    X509_STORE_set_flags(SSL_CTX_get_cert_store(context), X509_V_FLAG_PARTIAL_CHAIN);
    for (const auto& each : *authorities) {
        X509_STORE_add_cert(SSL_CTX_get_cert_store(context), each.get());
        if (side == tls_side::server) SSL_CTX_add_client_CA(context, each.get());
    }
    return {};
}

error identify(SSL_CTX* context, const tls_config& config) {
    if (config.certificate_file.empty() && config.certificate_pem.empty()) return {};
    auto source = load("ssl.keystore.location", config.certificate_file, "ssl.keystore.certificate.chain", config.certificate_pem);
    if (!source) return source.error();
    auto chain = certificates_in(*source);
    if (!chain) return chain.error();
    auto key_source = config.key_file.empty() && config.key_pem.empty() ? source : load("the key file", config.key_file, "ssl.keystore.key", config.key_pem);
    if (!key_source) return key_source.error();
    auto key = key_in(*key_source, config.key_password);
    if (!key) return key.error();
    if (SSL_CTX_use_certificate(context, chain->front().get()) != 1) return unusable(source->setting, source->path, tls::take_reason());
    for (std::size_t i = 1; i < chain->size(); ++i) SSL_CTX_add1_chain_cert(context, (*chain)[i].get());
    if (SSL_CTX_use_PrivateKey(context, key->get()) != 1) {
        return unusable(key_source->setting, key_source->path, fmt::format("the key does not belong to the certificate ({})", tls::take_reason()));
    }
    return {};
}

result<tls::context_ptr> build(const tls_config& config, tls_side side) {
    ERR_clear_error();
    const auto suites = tls::choose_suites(config);
    if (!suites) return suites.error();
    tls::context_ptr context{SSL_CTX_new(side == tls_side::client ? TLS_client_method() : TLS_server_method())};
    const auto number = [](tls_version version) { return version == tls_version::v1_3 ? TLS1_3_VERSION : TLS1_2_VERSION; };
    SSL_CTX_set_min_proto_version(context.get(), number(suites->oldest));
    SSL_CTX_set_max_proto_version(context.get(), number(suites->newest));
    if (!suites->of_1_3.empty()) SSL_CTX_set_ciphersuites(context.get(), suites->of_1_3.c_str());
    if (!suites->of_1_2.empty()) SSL_CTX_set_cipher_list(context.get(), suites->of_1_2.c_str());
    SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    if (auto why = trust(context.get(), config, side)) return why;
    if (auto why = identify(context.get(), config)) return why;
    ERR_clear_error();
    return context;
}

bool is_address(const std::string& host) {
    std::array<std::byte, sizeof(in6_addr)> ignored{};
    return ::inet_pton(AF_INET, host.c_str(), ignored.data()) == 1 || ::inet_pton(AF_INET6, host.c_str(), ignored.data()) == 1;
}

}  // namespace

struct tls_context::state {
    tls_config config;
    tls_side side;
    std::array<file_identity, 3> seen{};
    tls::context_ptr current;

    std::array<file_identity, 3> on_disk() const { return {identity_of(config.ca_file), identity_of(config.certificate_file), identity_of(config.key_file)}; }
    result<void> refresh() {
        const auto now = on_disk();
        if (current && now == seen) return {};
        auto built = build(config, side);
        if (built) {
            if (current) context_logs.info("certificates were renewed on disk: new connections use them");
            current = *std::move(built);
        } else if (current) {
            context_logs.warn("certificates changed on disk and cannot be used; the former ones stay: " + built.error().message());
        } else {
            return built.error();
        }
        seen = now;
        return {};
    }
};

tls_context::tls_context(tls_config config, tls_side side) : state_(std::make_unique<state>()) {
    state_->config = std::move(config);
    state_->side = side;
}
tls_context::~tls_context() = default;

result<std::unique_ptr<stream>> tls_context::wrap(event_loop& loop, std::unique_ptr<stream> plain, const endpoint& peer) {
    if (auto ready = state_->refresh(); !ready) return ready.error();
    tls::ssl_ptr session{SSL_new(state_->current.get())};
    const auto& config = state_->config;
    std::string expected;
    if (state_->side == tls_side::client) {
        const bool address = is_address(peer.host);
        SSL_set_connect_state(session.get());
        if (!address) SSL_set_tlsext_host_name(session.get(), peer.host.c_str());
        if (config.verify_host) {
            expected = peer.host;
            auto* wanted = SSL_get0_param(session.get());
            X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
            if (address) X509_VERIFY_PARAM_set1_ip_asc(wanted, peer.host.c_str());
            else X509_VERIFY_PARAM_set1_host(wanted, peer.host.c_str(), peer.host.size());
        }
    } else {
        SSL_set_accept_state(session.get());
    }
    const bool verifies = state_->side == tls_side::client || !config.ca_file.empty() || !config.ca_pem.empty();
    return tls::make_stream(loop, std::move(plain), std::move(session), peer, std::move(expected), verifies);
}

bytes tls_greeting() {
    tls::context_ptr context{SSL_CTX_new(TLS_client_method())};
    tls::ssl_ptr session{SSL_new(context.get())};
    auto* out = BIO_new(BIO_s_mem());
    SSL_set_bio(session.get(), BIO_new(BIO_s_mem()), out);
    SSL_set_connect_state(session.get());
    SSL_do_handshake(session.get());
    ERR_clear_error();
    bytes hello(BIO_ctrl_pending(out));
    BIO_read(out, hello.data(), static_cast<int>(hello.size()));
    return hello;
}

}  // namespace weir::net
