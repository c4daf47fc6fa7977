// Heartbeat (key 12), v0-v4. v3: static members. v4: flexible.
#include "../group_calls.hpp"

#include <weir/protocol/messages/heartbeat.hpp>

namespace weir::server {

task<protocol::heartbeat_response> handle_heartbeat(request_context& context, protocol::heartbeat_request request) {
    auto asking = context.broker.groups.heartbeat(group_call(context), std::move(request));
    auto response = co_await asking;
    co_return response;
}

}  // namespace weir::server
