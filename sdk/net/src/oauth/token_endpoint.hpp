// Tokens by the client credentials grant (RFC 6749, 4.4).
#pragma once
#include "http.hpp"

#include <weir/net/tls.hpp>

namespace weir::net {

class token_endpoint {
public:
    /// The configuration has been checked.
    token_endpoint(event_loop& loop, network& net, const oauth_config& config);

    /// errc::sasl_authentication_failed when the endpoint refuses the client or its answer holds no token;
    /// errc::tls_failed; errc::network_exception when it may go better later. The URL is named, the secret never.
    static task<result<oauth_token>> ask(std::shared_ptr<token_endpoint> self);

private:
    result<oauth_token> read(const http_answer& answer) const;
    error no_token(const error& cause) const;

    event_loop& loop_;
    network& net_;
    const std::string name_;
    url where_;
    std::string authorization_, form_;
    milliseconds timeout_;
    tls_context tls_;
};

}  // namespace weir::net
