// What went over the connections of one client.
#pragma once
#include <weir/base/metrics.hpp>

namespace weir::net {

/// Counted by the connections on their loop, read on any thread.
struct traffic {
    metrics::counter opened;                   ///< usable ones: versions agreed, logged in
    metrics::counter closed;                   ///< of those
    metrics::counter failed;                   ///< attempts that came to nothing
    metrics::counter authentication_failures;  ///< of those, by TLS or a login
    metrics::counter requests;
    metrics::counter answers;
    metrics::counter bytes_out, bytes_in;      ///< before TLS
    metrics::histogram latency;                ///< of answers, in microseconds
};

}  // namespace weir::net
