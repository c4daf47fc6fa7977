// OffsetDelete (key 47), v0.
#include "../group_calls.hpp"

#include <weir/protocol/messages/offset_delete.hpp>

namespace weir::server {

task<protocol::offset_delete_response> handle_offset_delete(request_context& context, protocol::offset_delete_request request) {
    auto asking = context.broker.groups.offset_delete(group_call(context), std::move(request));
    auto response = co_await asking;
    co_return response;
}

}  // namespace weir::server
