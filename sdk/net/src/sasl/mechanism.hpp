// One authentication as a value: the broker's words in, ours out. No I/O, no clock.
#pragma once
#include <weir/base/bytes.hpp>
#include <weir/net/scram.hpp>
#include <weir/security.hpp>

#include <memory>
#include <optional>

namespace weir::net::sasl {

/// For one exchange. Errors are errc::sasl_authentication_failed and never quote a secret.
class mechanism {
public:
    virtual ~mechanism() = default;
    /// What to say next, given what the broker said (nothing at first). nullopt: the exchange is over, and the broker has
    /// proven what it had to.
    virtual result<std::optional<bytes>> step(bytes_view said) = 0;
};

/// RFC 4616. The password travels as it is: for encrypted connections.
std::unique_ptr<mechanism> plain(const std::string& user, const std::string& password);

using net::scram_hash;
struct scram_identity {
    std::string user;
    std::string password;  ///< its UTF-8 is hashed as it is: Kafka's brokers prepare it no further (no SASLprep)
    bool delegation_token = false;
};
/// RFC 5802 and 7677: the password does not travel, and the broker has to prove that it knows it. 4096 to 1,000,000
/// iterations are accepted. `nonce` is printable, without commas, different each time.
std::unique_ptr<mechanism> scram(scram_hash hash, scram_identity who, std::string nonce);
std::string fresh_nonce();

/// RFC 7628, with Kafka's extensions (KIP-342).
std::unique_ptr<mechanism> oauth_bearer(const std::string& token, const std::vector<std::pair<std::string, std::string>>& extensions);

}  // namespace weir::net::sasl
