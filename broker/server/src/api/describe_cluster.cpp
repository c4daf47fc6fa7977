// DescribeCluster (key 60), v0-v2. v1: endpoint type. v2: fenced brokers on request.
#include "../handlers.hpp"

#include <weir/protocol/messages/describe_cluster.hpp>

namespace weir::server {

task<protocol::describe_cluster_response> handle_describe_cluster(request_context& context, protocol::describe_cluster_request request) {
    protocol::describe_cluster_response response;
    constexpr std::int8_t brokers_wanted = 1;
    if (context.version() >= 1 && request.endpoint_type != brokers_wanted) {
        response.error_code = wire_code(errc::mismatched_endpoint_type);
        response.error_message = "this listener serves brokers; ask a controller's listener for controllers";
        co_return response;
    }
    const auto image = context.image();
    response.cluster_id = context.broker.identity.cluster_id;
    response.controller_id = context.broker.identity.node_id;
    for (const auto& [id, broker] : image->brokers()) {
        const auto* address = broker.find_endpoint(context.connection.listener->name);
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
