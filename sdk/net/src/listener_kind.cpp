#include "listener_kind.hpp"

#include <weir/protocol/messages/api_versions.hpp>

#include <fmt/format.h>

#include <array>

namespace weir::net {
namespace {

// ApiVersions 0 says nothing about us.
bytes kafka_greeting() {
    protocol::writer out;
    if (!protocol::encode_request_frame(protocol::api_versions_request{}, 0, 0, std::nullopt, out)) return {};
    auto taken = out.take_bytes();
    return taken ? *std::move(taken) : bytes{};
}

listener_kind read_kind(bytes_view answer) {
    if (answer.size() < 4) return listener_kind::unknown;
    const auto first = load_big_endian<std::uint32_t>(answer.data());
    if ((first >> 24 == 0x15 || first >> 24 == 0x16) && (first >> 16 & 0xff) == 3) return listener_kind::tls;
    return first >= 4 && first < 1u << 20 ? listener_kind::kafka : listener_kind::unknown;
}

}  // namespace

task<listener_kind> find_listener(event_loop& loop, network& net, endpoint at, const connection_config& config) {  // NOLINT(performance-unnecessary-value-param)
    const bool encrypts = config.security && config.security->encrypts();
    const auto patience = config.connect_timeout;
    auto connecting = completion<result<std::unique_ptr<stream>>>([&](function<void(result<std::unique_ptr<stream>>)> done) {
        net.connect(loop, at, config.socket, patience, std::move(done));
    });
    auto opened = co_await connecting;
    if (!opened) co_return listener_kind::unknown;
    const std::shared_ptr<stream> peer = *std::move(opened);
    const auto deadline = loop.call_after(patience, [peer] { peer->close(); });
    const auto greeting = std::make_shared<bytes>(encrypts ? kafka_greeting() : tls_greeting());
    std::vector<write_piece> pieces(1);
    pieces[0].memory = *greeting;
    pieces[0].owner = greeting;
    auto writing = completion<result<void>>([&](function<void(result<void>)> done) { peer->write(std::move(pieces), std::move(done)); });
    const auto written = co_await writing;
    std::array<std::byte, 64> room{};
    std::size_t filled = 0;
    while (written && filled < 4) {
        auto reading = completion<result<std::size_t>>([&](function<void(result<std::size_t>)> done) { peer->read_some(mutable_bytes{room}.subspan(filled), std::move(done)); });
        const auto got = co_await reading;
        if (!got || *got == 0) break;
        filled += *got;
    }
    loop.cancel(deadline);
    co_return read_kind(bytes_view{room}.first(filled));
}

error mismatch(const endpoint& at, bool encrypts, listener_kind found, const error& happened) {
    if (encrypts && found == listener_kind::kafka) {
        return error{errc::tls_failed, fmt::format("{} speaks Kafka's protocol without TLS, and this client wants TLS; use security.protocol=PLAINTEXT or SASL_PLAINTEXT, or the port "
                                                   "of a TLS listener", to_string(at))};
    }
    if (!encrypts && found == listener_kind::tls) {
        return error{errc::tls_failed, fmt::format("{} wants TLS; use security.protocol=SSL or SASL_SSL (tls.enabled), or the port of a listener without TLS", to_string(at))};
    }
    return happened;
}

}  // namespace weir::net
