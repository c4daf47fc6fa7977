// SASL over Kafka's own requests: SaslHandshake 1 and SaslAuthenticate (KIP-43, KIP-152, KIP-368).
#include <weir/net/connection.hpp>

#include "sasl/mechanism.hpp"

#include <weir/base/log.hpp>
#include <weir/protocol/messages/sasl_authenticate.hpp>
#include <weir/protocol/messages/sasl_handshake.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace weir::net {
namespace {
log::logger login_logs{"weir.net.login"};
// Of a login's life; the rest is for a request on its way and for clocks that differ. Tokens are renewed before.
constexpr double login_share = 0.9;
// Brokers take no login for one sooner after the last.
constexpr milliseconds least_between_logins{1100};
constexpr milliseconds patience{2000};  // with a peer that is asked why it went
}  // namespace

error connection::refused(errc code, std::string_view why) const {
    return error{code, fmt::format("{}: {} refuses {}: {}", config_.security->mechanism(), to_string(remote_), config_.security->who(), why)};
}

task<result<void>> connection::log_in() {
    const auto self = shared_from_this();
    const auto shared = config_.security;
    const auto began = loop_.now();
    if (version_of(protocol::api_key::sasl_handshake, 1, 1) < 0 || version_of(protocol::api_key::sasl_authenticate, 0, protocol::sasl_authenticate_request::max_version) < 0) {
        co_return refused(errc::unsupported_sasl_mechanism, "it offers no SASL; use security.protocol=PLAINTEXT or SSL, or a broker of version 1.0 or newer");
    }
    // A token may have to be fetched first, and the broker need not wait for it with a login half done.
    auto beginning = credentials::begin(shared);
    auto exchange = co_await beginning;
    if (!exchange) co_return exchange.error();
    protocol::sasl_handshake_request handshake;
    handshake.mechanism = shared->mechanism();
    auto shaking = call(handshake);
    auto shaken = co_await shaking;
    if (!shaken) co_return shaken.error();
    switch (const auto code = errc_from_wire(shaken->message.error_code)) {
        case errc::none: break;
        case errc::unsupported_sasl_mechanism:
            co_return refused(code, fmt::format("the mechanism is not enabled there; enabled are: {} (sasl.mechanism)", fmt::join(shaken->message.mechanisms, ", ")));
        case errc::illegal_sasl_state:
            co_return refused(errc::unsupported_sasl_mechanism, "this listener does not do SASL; use security.protocol=PLAINTEXT or SSL, or the port of a SASL listener");
        default: co_return refused(code, "SaslHandshake failed");
    }
    bytes said;
    std::int64_t lifetime_ms = 0;
    for (;;) {
        auto next = (*exchange)->step(said);
        if (!next) co_return refused(next.error().code(), next.error().what());
        if (!*next) break;
        protocol::sasl_authenticate_request request;
        request.auth_bytes = **std::move(next);
        auto asking = call(request);
        auto got = co_await asking;
        if (!got) co_return got.error();
        if (const auto code = errc_from_wire(got->message.error_code); code != errc::none) {
            const auto why = got->message.error_message.value_or("");
            co_return refused(code, fmt::format("{}; see sasl.jaas.config", why.empty() ? describe(code).condition : std::string_view{why}));
        }
        said = std::move(got->message.auth_bytes);
        lifetime_ms = got->message.session_lifetime_ms;
    }
    const auto share = std::chrono::duration_cast<nanoseconds>(milliseconds{lifetime_ms} * login_share);
    login_due_ = lifetime_ms > 0 ? began + std::max<nanoseconds>(share, least_between_logins) : time_point::max();
    co_return result<void>{};
}

task<void> connection::log_in_again(std::shared_ptr<connection> self) {
    auto logging_in = self->log_in();
    auto known = co_await logging_in;
    if (!known) {
        login_logs.warn("logging in again: " + known.error().message());
        self->close(known.error());
        co_return;
    }
    self->logging_in_again_ = false;
    for (auto released = std::exchange(self->held_, {}); auto& each : released) self->depart(std::move(each));
}

// A broker that wants a login ends the connection at the first other request, and says nothing. Asked for a mechanism that
// does not exist, it lists those that do.
task<void> connection::find_out_why(std::shared_ptr<connection> self) {
    error why{errc::network_exception, fmt::format("{} closed the connection at the first request", to_string(self->remote_))};
    auto config = self->config_;
    config.request_timeout = std::min(config.request_timeout, patience);
    auto opening = open(self->loop_, *self->net_, self->remote_, std::move(config), {});
    const auto opened = co_await opening;
    if (opened) {
        const auto& link = *opened;
        link->net_ = nullptr;  // it asks no further
        protocol::sasl_handshake_request request;
        request.mechanism = "NONE";
        auto asking = link->call(request);
        const auto got = co_await asking;
        if (got && errc_from_wire(got->message.error_code) == errc::unsupported_sasl_mechanism) {
            why = error{errc::sasl_authentication_failed, fmt::format("{} wants its clients to log in, and this one does not; use security.protocol=SASL_PLAINTEXT or SASL_SSL, with one of its mechanisms: {} "
                                                                      "(sasl.mechanism)", to_string(self->remote_), fmt::join(got->message.mechanisms, ", "))};
        }
        link->close(error{errc::closed, "it was opened to ask for one thing"});
    }
    self->close(why);
}

}  // namespace weir::net
