// One token for all connections of a client: got when first needed, renewed before it is over.
#pragma once
#include <weir/base/random.hpp>
#include <weir/net/backoff.hpp>
#include <weir/security.hpp>

#include <weir/base/event_loop.hpp>

#include <memory>
#include <optional>

namespace weir::net {

struct refresh_rules {
    double at = 0.8;       ///< of a token's life
    double jitter = 0.05;  ///< added to it, at random
    backoff retry;
    milliseconds patience;  ///< for one fetch
    bool renews = true;     ///< false: there is only this one
};

/// Lives on one loop. A timer, once in a token's life, and none before somebody asked.
class token_source : public std::enable_shared_from_this<token_source> {
public:
    /// Answers once, on the loop; an answer that never comes fails after `patience`.
    using fetcher = function<void(function<void(result<oauth_token>)>)>;
    token_source(event_loop& loop, const refresh_rules& rules, fetcher fetch, std::uint64_t seed);

    /// A token that is still good, at once or when it was fetched; who comes meanwhile shares the fetch.
    void get(function<void(result<oauth_token>)> done);
    void close();

private:
    bool good() const noexcept;
    void fetch();
    void arrived(std::uint64_t attempt, result<oauth_token> got);
    error accept(oauth_token token);

    event_loop& loop_;
    const refresh_rules rules_;
    fetcher fetch_;
    random_source random_;
    std::optional<oauth_token> token_;
    std::vector<function<void(result<oauth_token>)>> waiting_;
    std::uint64_t attempt_ = 0;
    int failures_ = 0;
    bool fetching_ = false;
    bool closed_ = false;
    timer_id alarm_ = timer_id::none;     // to renew
    timer_id deadline_ = timer_id::none;  // of the fetch under way
};

/// When a token that is a JWT says that it is over; no_timestamp when it is none or does not say. Verifies nothing.
timestamp_ms expiry_of(std::string_view token);

}  // namespace weir::net
