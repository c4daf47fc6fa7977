// How bytes travel between two simulated machines.
#pragma once
#include <weir/base/time.hpp>

#include <cstddef>

namespace weir::sim {

/// One direction of a link. Bytes of one connection arrive in order; connections overtake each other.
struct link_config {
    nanoseconds least_delay = std::chrono::microseconds{100};
    nanoseconds most_delay = std::chrono::milliseconds{2};
    double slow_share = 0.01;                             ///< of the segments take up to `slow_delay`
    nanoseconds slow_delay = std::chrono::milliseconds{50};
    double loss = 0;                                      ///< of the segments are lost and sent again, which stalls
    double break_after_loss = 0.05;                       ///< of the losses reset the connection
    nanoseconds resend_after = std::chrono::milliseconds{200};  ///< doubles with each loss of the same segment
    nanoseconds give_up_after = std::chrono::seconds{15};       ///< of silence: the sender's connection breaks
    std::size_t window = 256 << 10;                       ///< bytes written and not yet read by the other side
};

}  // namespace weir::sim
