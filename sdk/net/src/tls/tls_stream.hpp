// One encrypted connection: OpenSSL's state machine between two buffers in memory, driven by a stream's callbacks.
#pragma once
#include "openssl.hpp"

#include <weir/base/network.hpp>

namespace weir::net::tls {

/// `session` knows its side; `expected_host` is for error texts alone. `verifies`: the peer has to show a certificate.
std::unique_ptr<stream> make_stream(event_loop& loop, std::unique_ptr<stream> plain, ssl_ptr session, endpoint peer, std::string expected_host, bool verifies);

}  // namespace weir::net::tls
