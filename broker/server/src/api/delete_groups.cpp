// DeleteGroups (key 42), v0-v2. v2: flexible.
#include "../group_calls.hpp"

#include <weir/protocol/messages/delete_groups.hpp>

namespace weir::server {

task<protocol::delete_groups_response> handle_delete_groups(request_context& context, protocol::delete_groups_request request) {
    auto asking = context.broker.groups.delete_groups(group_call(context), std::move(request));
    auto response = co_await asking;
    co_return response;
}

}  // namespace weir::server
