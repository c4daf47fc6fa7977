// How long to wait before the next attempt: exponential, with jitter (KIP-580).
#pragma once
#include <weir/base/random.hpp>
#include <weir/base/time.hpp>

namespace weir::net {

struct backoff {
    milliseconds first{100};  ///< retry.backoff.ms
    milliseconds most{1000};  ///< retry.backoff.max.ms

    /// After `failures` >= 1 in a row: first * 2^(failures-1), at most `most`, give or take a fifth.
    nanoseconds after(int failures, random_source& random) const;
};

}  // namespace weir::net
