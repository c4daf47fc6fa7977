// LeaveGroup (key 13), v0-v5. v3: several members at once. v4: flexible. v5: reason.
#include "../group_calls.hpp"

#include <weir/protocol/messages/leave_group.hpp>

namespace weir::server {

task<protocol::leave_group_response> handle_leave_group(request_context& context, protocol::leave_group_request request) {
    auto asking = context.broker.groups.leave_group(group_call(context), std::move(request));
    auto response = co_await asking;
    co_return response;
}

}  // namespace weir::server
