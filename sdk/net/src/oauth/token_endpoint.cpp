#include "token_endpoint.hpp"

#include <weir/base/base64.hpp>

#include <boost/json/parse.hpp>
#include <fmt/format.h>

namespace weir::net {
namespace {

std::string basic(const oauth_config& config) {
    const auto part = [&](const std::string& text) { return config.url_encode_credentials ? form_encoded(text) : text; };
    return to_base64(as_bytes(part(config.client_id) + ":" + part(config.client_secret)));
}

std::string text_field(const boost::json::object& in, const char* name) {
    const auto* value = in.if_contains(name);
    return value && value->is_string() ? std::string{value->as_string()} : std::string{};
}

}  // namespace

token_endpoint::token_endpoint(event_loop& loop, network& net, const oauth_config& config)
    : loop_(loop), net_(net), name_(config.token_endpoint), where_(*parse_url(config.token_endpoint)), authorization_(basic(config)),
      form_("grant_type=client_credentials"), timeout_(config.timeout), tls_(config.endpoint_tls) {
    if (!config.scope.empty()) form_ += "&scope=" + form_encoded(config.scope);
}

error token_endpoint::no_token(const error& cause) const {
    const auto code = cause.permanent() ? cause.code() : errc::network_exception;
    return error{code, fmt::format("OAUTHBEARER: no token from {}", name_), cause};
}

task<result<oauth_token>> token_endpoint::ask(std::shared_ptr<token_endpoint> self) {
    const socket_options options;
    auto connecting = completion<result<std::unique_ptr<stream>>>([&](function<void(result<std::unique_ptr<stream>>)> done) {
        self->net_.connect(self->loop_, self->where_.where, options, self->timeout_, std::move(done));
    });
    auto peer = co_await connecting;
    if (peer && self->where_.secure) peer = self->tls_.wrap(self->loop_, *std::move(peer), self->where_.where);
    if (!peer) co_return self->no_token(peer.error());
    auto request = fmt::format("POST {} HTTP/1.1\r\nHost: {}\r\nAuthorization: Basic {}\r\nAccept: application/json\r\nUser-Agent: weir\r\n"
                               "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
                               self->where_.target, to_string(self->where_.where), self->authorization_, self->form_.size(), self->form_);
    auto asking = http_exchange(self->loop_, *std::move(peer), std::move(request), self->timeout_);
    auto answer = co_await asking;
    if (!answer) co_return self->no_token(answer.error());
    co_return self->read(*answer);
}

result<oauth_token> token_endpoint::read(const http_answer& answer) const {
    boost::json::error_code problem;
    const auto parsed = boost::json::parse(answer.body, problem);
    const auto fields = !problem && parsed.is_object() ? parsed.as_object() : boost::json::object{};
    if (answer.status != 200) {
        auto why = fmt::format("it answers {}", answer.status);
        if (const auto code = text_field(fields, "error"); !code.empty()) why += ": " + code;
        if (const auto more = text_field(fields, "error_description"); !more.empty()) why += ", " + more;
        const bool later = answer.status == 429 || answer.status >= 500;
        if (answer.status == 400 || answer.status == 401) why += "; see sasl.oauthbearer.client.credentials.client.id and .secret, and sasl.oauthbearer.scope";
        return no_token(error{later ? errc::network_exception : errc::sasl_authentication_failed, why});
    }
    oauth_token token{text_field(fields, "access_token"), no_timestamp};
    if (token.value.empty()) return no_token(error{errc::sasl_authentication_failed, "its answer has no access_token"});
    if (const auto* seconds = fields.if_contains("expires_in"); seconds && seconds->is_number()) {
        const auto left = seconds->to_number<double>(problem);
        if (!problem && left > 0 && left < 1e9) token.expires = loop_.wall_now() + static_cast<timestamp_ms>(left * 1000);
    }
    return token;
}

}  // namespace weir::net
