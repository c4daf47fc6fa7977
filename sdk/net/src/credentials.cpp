#include <weir/net/credentials.hpp>

#include "oauth/token_endpoint.hpp"
#include "oauth/token_source.hpp"
#include "sasl/mechanism.hpp"

#include <fmt/format.h>

#include <mutex>

namespace weir::net {
namespace {

using answer_to = function<void(result<oauth_token>)>;

task<void> run_ask(std::shared_ptr<token_endpoint> endpoint, answer_to answer) {
    auto asking = token_endpoint::ask(endpoint);
    auto got = co_await asking;
    answer(std::move(got));
}

/// The way back to the loop for an answer that may come after the client is gone.
class way_home {
public:
    explicit way_home(event_loop& loop) : loop_(&loop) {}
    void post(function<void()> step) {
        const std::lock_guard hold{mutex_};
        if (loop_) loop_->post(std::move(step));
    }
    void close() {
        const std::lock_guard hold{mutex_};
        loop_ = nullptr;
    }

private:
    std::mutex mutex_;
    event_loop* loop_;
};

/// Where the configuration says that tokens come from.
token_source::fetcher fetcher_of(event_loop& loop, network& net, oauth_config& config, function<void(function<void()>)> user_code, const std::shared_ptr<way_home>& home) {
    if (!config.token.empty()) {
        return [token = config.token](answer_to answer) { answer(oauth_token{token, no_timestamp}); };
    }
    if (config.fetch) {
        auto fetch = std::make_shared<function<void(answer_to)>>(std::move(config.fetch));
        return [fetch, user_code = std::move(user_code), home](answer_to answer) mutable {
            user_code([fetch, home, answer = std::move(answer)]() mutable {
                (*fetch)([home, answer = std::move(answer)](result<oauth_token> got) mutable {
                    home->post([answer = std::move(answer), got = std::move(got)]() mutable { answer(std::move(got)); });
                });
            });
        };
    }
    auto endpoint = std::make_shared<token_endpoint>(loop, net, config);
    return [endpoint](answer_to answer) { spawn(run_ask(endpoint, std::move(answer))); };
}

}  // namespace

credentials::credentials(event_loop& loop, network& net, tls_config tls, sasl_config sasl, function<void(function<void()>)> user_code, std::uint64_t seed)
    : tls_config_(tls), tls_(std::move(tls)), sasl_(std::move(sasl)) {
    if (sasl_.mechanism != sasl_mechanism::oauth_bearer) return;
    const refresh_rules rules{sasl_.oauth.refresh_at, sasl_.oauth.refresh_jitter, {sasl_.oauth.retry_backoff, sasl_.oauth.retry_backoff_max}, 2 * sasl_.oauth.timeout, sasl_.oauth.token.empty()};
    const auto home = std::make_shared<way_home>(loop);
    tokens_ = std::make_shared<token_source>(loop, rules, fetcher_of(loop, net, sasl_.oauth, std::move(user_code), home), seed);
    close_home_ = [home] { home->close(); };
}
credentials::~credentials() = default;

std::string credentials::who() const {
    switch (sasl_.mechanism) {
        case sasl_mechanism::none: return "nobody";
        case sasl_mechanism::oauth_bearer: return sasl_.oauth.client_id.empty() ? std::string{"the bearer of the token"} : fmt::format("client '{}'", sasl_.oauth.client_id);
        default: return fmt::format("{} '{}'", sasl_.delegation_token ? "delegation token" : "user", sasl_.user);
    }
}

task<result<std::unique_ptr<sasl::mechanism>>> credentials::begin(std::shared_ptr<credentials> self) {
    const auto& config = self->sasl_;
    switch (config.mechanism) {
        case sasl_mechanism::plain: co_return sasl::plain(config.user, config.password);
        case sasl_mechanism::scram_sha_256:
        case sasl_mechanism::scram_sha_512: {
            const auto hash = config.mechanism == sasl_mechanism::scram_sha_256 ? sasl::scram_hash::sha_256 : sasl::scram_hash::sha_512;
            sasl::scram_identity who{config.user, config.password, config.delegation_token};
            co_return sasl::scram(hash, std::move(who), sasl::fresh_nonce());
        }
        case sasl_mechanism::oauth_bearer: {
            auto waiting = completion<result<oauth_token>>([&](answer_to done) { self->tokens_->get(std::move(done)); });
            auto token = co_await waiting;
            if (!token) co_return token.error();
            co_return sasl::oauth_bearer(token->value, config.oauth.extensions);
        }
        case sasl_mechanism::none: break;
    }
    co_return error{errc::invalid_setting, "sasl.mechanism is not set"};
}

void credentials::close() {
    if (tokens_) tokens_->close();
    if (close_home_) close_home_();
}

}  // namespace weir::net
