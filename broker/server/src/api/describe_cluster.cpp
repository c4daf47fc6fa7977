// DescribeCluster (key 60), v0-v2. v1: endpoint type. v2: fenced brokers on request.
#include "../handlers.hpp"

#include <weir/protocol/messages/describe_cluster.hpp>

namespace weir::server {

task<protocol::describe_cluster_response> handle_describe_cluster(request_context& context, protocol::describe_cluster_request request) {
    protocol::describe_cluster_response response;
    constexpr std::int8_t brokers = 1, controllers = 2;
    const auto& listener = *context.connection.listener;
    response.endpoint_type = listener.for_controllers ? controllers : brokers;
    if (request.endpoint_type != brokers && request.endpoint_type != controllers) {
        response.error_code = wire_code(errc::unsupported_endpoint_type);
        response.error_message = "there is no endpoint type " + std::to_string(request.endpoint_type) + ": 1 is of brokers, 2 of controllers";
        co_return response;
    }
    if (request.endpoint_type != response.endpoint_type) {
        response.error_code = wire_code(errc::mismatched_endpoint_type);
        response.error_message = "listener " + listener.name + (listener.for_controllers ? " is one of controllers; ask another one for brokers"
                                                                                         : " is one of brokers; ask one of controller.listener.names for controllers");
        co_return response;
    }
    const auto image = context.image();
    response.cluster_id = context.broker.identity.cluster_id;
    response.controller_id = context.broker.identity.node_id;
    if (listener.for_controllers) {
        auto& row = response.brokers.emplace_back();
        row.broker_id = context.broker.identity.node_id;
        row.host = listener.advertised.host;
        row.port = listener.advertised.port;
        co_return response;
    }
    for (const auto& [id, broker] : image->brokers()) {
        const auto* address = broker.find_endpoint(listener.name);
        if (!address || (broker.fenced && !request.include_fenced_brokers)) continue;
        auto& row = response.brokers.emplace_back();
        row.broker_id = id;
        row.host = address->host;
        row.port = address->port;
        row.rack = broker.rack;
        if (context.version() >= 2) row.is_fenced = broker.fenced;
    }
    if (request.include_cluster_authorized_operations) response.cluster_authorized_operations = all_cluster_operations;
    co_return response;
}

}  // namespace weir::server
