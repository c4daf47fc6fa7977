// DescribeGroups (key 15), v0-v6. v3: authorized operations. v4: instance ids. v5: flexible. v6: GROUP_ID_NOT_FOUND.
#include "../group_calls.hpp"

#include <weir/protocol/messages/describe_groups.hpp>

namespace weir::server {

task<protocol::describe_groups_response> handle_describe_groups(request_context& context, protocol::describe_groups_request request) {
    const bool with_operations = request.include_authorized_operations;
    auto asking = context.broker.groups.describe_groups(group_call(context), std::move(request));
    auto response = co_await asking;
    if (with_operations)
        for (auto& group : response.groups)
            if (group.error_code == 0) group.authorized_operations = all_group_operations;
    co_return response;
}

}  // namespace weir::server
