// TLS over any stream: sockets or simulated links. No OpenSSL here, and no threads.
#pragma once
#include <weir/base/network.hpp>
#include <weir/security.hpp>

namespace weir::net {

/// A server asks for a certificate, and insists, when it is given authorities to verify it with.
enum class tls_side : std::uint8_t { client, server };

/// Keys, certificates and trust of one side; makes encrypted streams. Lives on one loop; the streams outlive it.
class tls_context {
public:
    /// Reads nothing yet.
    explicit tls_context(tls_config config, tls_side side = tls_side::client);
    ~tls_context();

    /// `plain` in TLS. The handshake begins with the first read or write, and its failure is theirs: errc::tls_failed
    /// with the reason and what to do; errc::network_exception when the connection broke. A client shows and verifies the
    /// host of `peer`, and errors name it. Reads the files when they changed since the last time; errc::invalid_setting
    /// names the file when there is nothing usable.
    result<std::unique_ptr<stream>> wrap(event_loop& loop, std::unique_ptr<stream> plain, const endpoint& peer);

private:
    struct state;
    std::unique_ptr<state> state_;
};

/// The first bytes a TLS client says, to find out whether a peer speaks TLS.
bytes tls_greeting();

}  // namespace weir::net
