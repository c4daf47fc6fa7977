// What a listener speaks, found out when it closed a connection without a word.
#pragma once
#include <weir/net/connection.hpp>

namespace weir::net {

enum class listener_kind : std::uint8_t { unknown, kafka, tls };

/// Connects once more and says hello in the other way than `config` does. unknown: no answer, so nothing is certain.
task<listener_kind> find_listener(event_loop& loop, network& net, endpoint at, const connection_config& config);
/// errc::tls_failed, for the user to solve, when it is certain that the two sides differ; otherwise what happened, and what
/// it may have been.
error mismatch(const endpoint& at, bool encrypts, listener_kind found, const error& happened);

}  // namespace weir::net
