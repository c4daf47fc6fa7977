// Misfortune on command: what tests let happen to requests. A broker without it pays one comparison a request.
#pragma once
#include <weir/base/errc.hpp>
#include <weir/base/time.hpp>
#include <weir/protocol/message.hpp>

namespace weir::server {

/// Whether brokers have this API at all.
bool is_served(protocol::api_key api) noexcept;

class request_faults {
public:
    struct fate {
        errc refusal = errc::none;   ///< answered with this code and not carried out; network_exception: not answered either
        nanoseconds delay{0};        ///< the answer leaves that much later
        bool answer_is_lost = false; ///< carried out, and the connection ends in place of the answer
    };
    virtual ~request_faults() = default;
    /// Asked once for each request, on the connection's loop.
    virtual fate fate_of(protocol::api_key api) = 0;
};

}  // namespace weir::server
