// SyncGroup (key 14), v0-v5. v3: static members. v4: flexible. v5: protocol type and name must match the group.
#include "../group_calls.hpp"

#include <weir/protocol/messages/sync_group.hpp>

namespace weir::server {

task<protocol::sync_group_response> handle_sync_group(request_context& context, protocol::sync_group_request request) {
    auto asking = context.broker.groups.sync_group(group_call(context), std::move(request));
    auto response = co_await asking;
    co_return response;
}

}  // namespace weir::server
