// JoinGroup (key 11), v0-v9. v4: the first join gets a member id to come back with. v5: static members. v8: reason. v9: skip_assignment.
#include "../group_calls.hpp"

#include <weir/protocol/messages/join_group.hpp>

namespace weir::server {

task<protocol::join_group_response> handle_join_group(request_context& context, protocol::join_group_request request) {
    auto asking = context.broker.groups.join_group(group_call(context), std::move(request));
    auto response = co_await asking;
    co_return response;
}

}  // namespace weir::server
