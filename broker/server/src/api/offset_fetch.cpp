// OffsetFetch (key 9), v1-v10. v2: null means all topics. v5: leader epochs. v6: flexible. v7: require_stable.
// v8: several groups. v9: members of the new protocol. v10: topics by id.
#include "../group_calls.hpp"

#include <weir/protocol/messages/offset_fetch.hpp>

namespace weir::server {

task<protocol::offset_fetch_response> handle_offset_fetch(request_context& context, protocol::offset_fetch_request request) {
    auto asking = context.broker.groups.offset_fetch(group_call(context), std::move(request));
    auto response = co_await asking;
    co_return response;
}

}  // namespace weir::server
