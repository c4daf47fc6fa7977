#include "token_source.hpp"

#include <weir/base/base64.hpp>
#include <weir/base/log.hpp>

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace weir::net {
namespace {
log::logger token_source_logs{"weir.net.oauth"};
constexpr milliseconds least_between_renewals{1000};  // for tokens that live no longer than that
}  // namespace

token_source::token_source(event_loop& loop, const refresh_rules& rules, fetcher fetch, std::uint64_t seed) : loop_(loop), rules_(rules), fetch_(std::move(fetch)), random_(seed) {}

bool token_source::good() const noexcept { return token_ && (!rules_.renews || token_->expires == no_timestamp || loop_.wall_now() < token_->expires); }

void token_source::get(function<void(result<oauth_token>)> done) {
    if (closed_) return done(error{errc::closed, "the client is closed"});
    if (good()) return done(*token_);
    waiting_.push_back(std::move(done));
    if (!fetching_) fetch();
}

void token_source::fetch() {
    loop_.cancel(std::exchange(alarm_, timer_id::none));
    fetching_ = true;
    const auto attempt = ++attempt_;
    deadline_ = loop_.call_after(rules_.patience, [this, attempt] {
        deadline_ = timer_id::none;
        arrived(attempt, error{errc::timed_out, fmt::format("OAUTHBEARER: no token within {} ms (twice sasl.login.read.timeout.ms)", rules_.patience.count())});
    });
    fetch_([weak = weak_from_this(), attempt](result<oauth_token> got) {
        if (const auto self = weak.lock()) self->arrived(attempt, std::move(got));
    });
}

void token_source::arrived(std::uint64_t attempt, result<oauth_token> got) {
    if (closed_ || !fetching_ || attempt != attempt_) return;
    fetching_ = false;
    loop_.cancel(std::exchange(deadline_, timer_id::none));
    error why = got.error();
    if (got) why = accept(*std::move(got));
    if (!why) {
        failures_ = 0;
    } else {
        ++failures_;
        token_source_logs.warn("no new token: " + why.message());
        if (good()) alarm_ = loop_.call_after(rules_.retry.after(failures_, random_), [this] { fetch(); });
    }
    for (auto told = std::exchange(waiting_, {}); auto& each : told) each(why ? result<oauth_token>{why} : result<oauth_token>{*token_});
}

error token_source::accept(oauth_token token) {
    const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || std::string_view{"-._~+/="}.find(c) != std::string_view::npos; };
    if (token.value.empty() || !std::all_of(token.value.begin(), token.value.end(), allowed)) {
        return error{errc::sasl_authentication_failed, "OAUTHBEARER: what was given as a token is none (RFC 6750, 2.1): it is empty or has other characters than letters, digits and -._~+/="};
    }
    // The broker goes by what the token itself says.
    if (const auto own = expiry_of(token.value); own != no_timestamp && (token.expires == no_timestamp || own < token.expires)) token.expires = own;
    const auto left = token.expires == no_timestamp ? milliseconds{0} : milliseconds{token.expires - loop_.wall_now()};
    if (token.expires != no_timestamp && left <= milliseconds{0} && rules_.renews) {
        return error{errc::sasl_authentication_failed, fmt::format("OAUTHBEARER: the token that came expired {} ms ago; is this machine's clock right?", -left.count())};
    }
    if (rules_.renews && token.expires != no_timestamp) {
        const auto share = std::min(1.0, rules_.at + rules_.jitter * random_.unit());
        const auto wait = std::max(least_between_renewals, milliseconds{static_cast<milliseconds::rep>(static_cast<double>(left.count()) * share)});
        alarm_ = loop_.call_after(wait, [this] { fetch(); });
    }
    token_ = std::move(token);
    return {};
}

void token_source::close() {
    if (std::exchange(closed_, true)) return;
    loop_.cancel(std::exchange(alarm_, timer_id::none));
    loop_.cancel(std::exchange(deadline_, timer_id::none));
    const error why{errc::closed, "the client is closed"};
    for (auto told = std::exchange(waiting_, {}); auto& each : told) each(why);
}

timestamp_ms expiry_of(std::string_view token) {
    const auto begin = token.find('.');
    if (begin == std::string_view::npos) return no_timestamp;
    const auto end = token.find('.', begin + 1);
    const auto payload = from_base64(token.substr(begin + 1, end == std::string_view::npos ? end : end - begin - 1));
    if (!payload) return no_timestamp;
    boost::json::error_code problem;
    const auto claims = boost::json::parse({reinterpret_cast<const char*>(payload->data()), payload->size()}, problem);
    if (problem || !claims.is_object()) return no_timestamp;
    const auto* expires = claims.as_object().if_contains("exp");
    if (!expires || !expires->is_number()) return no_timestamp;
    const auto seconds = expires->to_number<double>(problem);
    if (problem || seconds < 0 || seconds > 1e12) return no_timestamp;
    return static_cast<timestamp_ms>(seconds * 1000);
}

}  // namespace weir::net
