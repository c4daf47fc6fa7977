// ListGroups (key 16), v0-v5. v3: flexible. v4: filter by state. v5: filter by type.
#include "../group_calls.hpp"

#include <weir/protocol/messages/list_groups.hpp>

namespace weir::server {

task<protocol::list_groups_response> handle_list_groups(request_context& context, protocol::list_groups_request request) {
    auto asking = context.broker.groups.list_groups(group_call(context), std::move(request));
    auto response = co_await asking;
    co_return response;
}

}  // namespace weir::server
