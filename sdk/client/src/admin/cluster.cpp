// The brokers: DescribeCluster 60, UnregisterBroker 64; what telemetry calls this client: GetTelemetrySubscriptions 71.
#include "carry_out.hpp"
#include "operations.hpp"

#include <weir/protocol/messages/describe_cluster.hpp>
#include <weir/protocol/messages/get_telemetry_subscriptions.hpp>
#include <weir/protocol/messages/metadata.hpp>
#include <weir/protocol/messages/unregister_broker.hpp>

namespace weir::detail {
namespace {

void sort_nodes(cluster_description& all) {
    std::sort(all.nodes.begin(), all.nodes.end(), [](const node& a, const node& b) { return a.id < b.id; });
}

/// Brokers before 2.8 have no DescribeCluster.
task<result<cluster_description>> describe_by_metadata(call_ptr call, bool operations) {
    protocol::metadata_request request;
    request.allow_auto_topic_creation = false;
    request.include_cluster_authorized_operations = operations;
    auto asking = ask(std::move(call), any_broker(), std::move(request), [](const protocol::metadata_response& answer) { return refusal(answer.error_code, {}, "metadata"); }, operations ? std::int16_t{10} : protocol::metadata_request::max_version);
    auto got = co_await asking;
    if (!got) co_return got.error();
    cluster_description all{got->cluster_id.value_or(""), got->controller_id, {}, operations_of(got->cluster_authorized_operations)};
    for (auto& each : got->brokers) all.nodes.push_back({each.node_id, std::move(each.host), static_cast<std::uint16_t>(each.port), std::move(each.rack)});
    sort_nodes(all);
    co_return all;
}

}  // namespace

task<result<cluster_description>> describe_cluster(call_ptr call, describe_cluster_options options) {
    protocol::describe_cluster_request request;
    request.include_cluster_authorized_operations = options.authorized_operations;
    request.include_fenced_brokers = options.fenced_brokers;
    if (call->of_controllers) request.endpoint_type = endpoint_type_controllers;
    auto asking = ask(call, any_broker(), std::move(request),
                      [](const protocol::describe_cluster_response& answer) { return refusal(answer.error_code, answer.error_message, "describe_cluster"); });
    auto got = co_await asking;
    if (!got && got.code() == errc::unsupported_version && !options.fenced_brokers) {
        auto describing = describe_by_metadata(std::move(call), options.authorized_operations);
        co_return co_await describing;
    }
    if (!got) co_return got.error();
    cluster_description all{std::move(got->cluster_id), got->controller_id, {}, operations_of(got->cluster_authorized_operations)};
    for (auto& each : got->brokers) all.nodes.push_back({each.broker_id, std::move(each.host), static_cast<std::uint16_t>(each.port), std::move(each.rack), each.is_fenced});
    sort_nodes(all);
    co_return all;
}

task<result<void>> unregister_broker(call_ptr call, std::int32_t broker) {
    protocol::unregister_broker_request request;
    request.broker_id = broker;
    auto asking = ask(std::move(call), any_broker(), request,
                      [](const protocol::unregister_broker_response& answer) { return refusal(answer.error_code, answer.error_message, "unregister_broker"); });
    auto got = co_await asking;
    co_return result<void>{got.error()};
}

task<result<uuid>> client_instance_id(call_ptr call, std::shared_ptr<uuid> known) {
    if (!known->is_zero()) co_return *known;
    protocol::get_telemetry_subscriptions_request request;
    auto asking = ask(std::move(call), any_broker(), std::move(request),
                      [](const protocol::get_telemetry_subscriptions_response& answer) { return refusal(answer.error_code, {}, "client_instance_id"); });
    auto got = co_await asking;
    if (!got) co_return got.error();
    *known = got->client_instance_id;
    co_return *known;
}

}  // namespace weir::detail
