// What all connections of a client share to trust and to be trusted: certificates, and who logs in.
#pragma once
#include <weir/base/task.hpp>
#include <weir/net/tls.hpp>

namespace weir::net {

namespace sasl {
class mechanism;
}
class token_source;

/// Lives on one loop. close() before it is dropped.
class credentials {
public:
    /// `user_code` runs what the user gave (oauth_config::fetch) where user code runs. `seed`: for jitter alone; what
    /// has to be secret comes from the system.
    credentials(event_loop& loop, network& net, tls_config tls, sasl_config sasl, function<void(function<void()>)> user_code, std::uint64_t seed);
    ~credentials();

    bool encrypts() const noexcept { return tls_config_.enabled; }
    bool logs_in() const noexcept { return sasl_.mechanism != sasl_mechanism::none; }
    std::string_view mechanism() const noexcept { return to_string(sasl_.mechanism); }
    /// For error texts: "user 'alice'". Never a secret.
    std::string who() const;
    tls_context& tls() noexcept { return tls_; }
    /// One login, with the token of the day where there are tokens.
    static task<result<std::unique_ptr<sasl::mechanism>>> begin(std::shared_ptr<credentials> self);
    /// Ends the timer that renews tokens, and fails who waits for one.
    void close();

private:
    tls_config tls_config_;
    tls_context tls_;
    sasl_config sasl_;
    std::shared_ptr<token_source> tokens_;
    function<void()> close_home_;  // answers of the user's come to nothing afterwards
};

}  // namespace weir::net
