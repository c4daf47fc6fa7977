#include "group_calls.hpp"

namespace weir::server {

coordinator::call_context group_call(const request_context& context) {
    coordinator::call_context call;
    call.loop = &context.core.loop;
    call.client_id = context.client_id();
    call.client_host = context.connection.client_host();
    call.api_version = context.version();
    return call;
}

}  // namespace weir::server
