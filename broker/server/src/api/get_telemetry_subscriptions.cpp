// GetTelemetrySubscriptions (key 71), v0. Served where telemetry.directory is set.
#include "../handlers.hpp"
#include "../telemetry_subscriptions.hpp"

#include <weir/protocol/compression.hpp>
#include <weir/protocol/messages/get_telemetry_subscriptions.hpp>
#include <weir/server/client_telemetry.hpp>

namespace weir::server {

task<protocol::get_telemetry_subscriptions_response> handle_get_telemetry_subscriptions(request_context& context, protocol::get_telemetry_subscriptions_request request) {
    protocol::get_telemetry_subscriptions_response response;
    const auto instance = request.client_instance_id.is_zero() ? random_uuid(context.core.random) : request.client_instance_id;
    auto subscription = subscription_of(*context.image(), attributes_of(context, instance));
    const auto code = context.broker.telemetry->asked(instance, subscription.interval, context.core.loop.now());
    response.error_code = wire_code(code);
    if (code != errc::none) co_return response;
    response.client_instance_id = instance;
    response.subscription_id = subscription.id;
    // The first is what clients take; none is always accepted.
    for (const auto codec : {protocol::codec::zstd, protocol::codec::lz4, protocol::codec::gzip, protocol::codec::snappy})
        response.accepted_compression_types.push_back(static_cast<std::int8_t>(codec));
    response.push_interval_ms = static_cast<std::int32_t>(subscription.interval.count());
    response.telemetry_max_bytes = context.broker.config.telemetry_max_bytes;
    response.delta_temporality = true;
    response.requested_metrics = std::move(subscription.metrics);
    co_return response;
}

}  // namespace weir::server
