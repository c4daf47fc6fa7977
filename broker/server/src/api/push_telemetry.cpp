// PushTelemetry (key 72), v0. Served where telemetry.directory is set.
#include "../handlers.hpp"
#include "../telemetry_subscriptions.hpp"

#include <weir/protocol/messages/push_telemetry.hpp>
#include <weir/server/client_telemetry.hpp>

namespace weir::server {

task<protocol::push_telemetry_response> handle_push_telemetry(request_context& context, protocol::push_telemetry_request request) {
    protocol::push_telemetry_response response;
    const auto subscription = subscription_of(*context.image(), attributes_of(context, request.client_instance_id));
    const client_telemetry::push given{request.subscription_id, request.terminating, request.compression_type, request.metrics};
    const client_telemetry::expectation current{subscription.id, subscription.interval};
    response.error_code = wire_code(context.broker.telemetry->pushed(request.client_instance_id, given, current, context.core.loop.now()));
    co_return response;
}

}  // namespace weir::server
