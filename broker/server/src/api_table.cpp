// Every API this broker serves, by key. An API that is not here is not advertised, and asking for it ends the connection.
#include "api.hpp"
#include "error_tally.hpp"
#include "refusals.hpp"

#include <weir/protocol/messages/alter_configs.hpp>
#include <weir/protocol/messages/alter_partition_reassignments.hpp>
#include <weir/protocol/messages/alter_replica_log_dirs.hpp>
#include <weir/protocol/messages/api_versions.hpp>
#include <weir/protocol/messages/create_partitions.hpp>
#include <weir/protocol/messages/create_topics.hpp>
#include <weir/protocol/messages/delete_groups.hpp>
#include <weir/protocol/messages/delete_records.hpp>
#include <weir/protocol/messages/delete_topics.hpp>
#include <weir/protocol/messages/describe_cluster.hpp>
#include <weir/protocol/messages/describe_configs.hpp>
#include <weir/protocol/messages/describe_groups.hpp>
#include <weir/protocol/messages/describe_log_dirs.hpp>
#include <weir/protocol/messages/describe_producers.hpp>
#include <weir/protocol/messages/describe_quorum.hpp>
#include <weir/protocol/messages/describe_topic_partitions.hpp>
#include <weir/protocol/messages/elect_leaders.hpp>
#include <weir/protocol/messages/fetch.hpp>
#include <weir/protocol/messages/find_coordinator.hpp>
#include <weir/protocol/messages/get_telemetry_subscriptions.hpp>
#include <weir/protocol/messages/heartbeat.hpp>
#include <weir/protocol/messages/incremental_alter_configs.hpp>
#include <weir/protocol/messages/init_producer_id.hpp>
#include <weir/protocol/messages/join_group.hpp>
#include <weir/protocol/messages/leave_group.hpp>
#include <weir/protocol/messages/list_config_resources.hpp>
#include <weir/protocol/messages/list_groups.hpp>
#include <weir/protocol/messages/list_offsets.hpp>
#include <weir/protocol/messages/list_partition_reassignments.hpp>
#include <weir/protocol/messages/metadata.hpp>
#include <weir/protocol/messages/offset_commit.hpp>
#include <weir/protocol/messages/offset_delete.hpp>
#include <weir/protocol/messages/offset_fetch.hpp>
#include <weir/protocol/messages/offset_for_leader_epoch.hpp>
#include <weir/protocol/messages/produce.hpp>
#include <weir/protocol/messages/push_telemetry.hpp>
#include <weir/protocol/messages/sync_group.hpp>
#include <weir/protocol/messages/update_features.hpp>

namespace weir::server {

task<protocol::produce_response> handle_produce(request_context&, protocol::produce_request);
task<protocol::fetch_response> handle_fetch(request_context&, protocol::fetch_request);
task<protocol::list_offsets_response> handle_list_offsets(request_context&, protocol::list_offsets_request);
task<protocol::metadata_response> handle_metadata(request_context&, protocol::metadata_request);
task<protocol::offset_commit_response> handle_offset_commit(request_context&, protocol::offset_commit_request);
task<protocol::offset_fetch_response> handle_offset_fetch(request_context&, protocol::offset_fetch_request);
task<protocol::find_coordinator_response> handle_find_coordinator(request_context&, protocol::find_coordinator_request);
task<protocol::join_group_response> handle_join_group(request_context&, protocol::join_group_request);
task<protocol::heartbeat_response> handle_heartbeat(request_context&, protocol::heartbeat_request);
task<protocol::leave_group_response> handle_leave_group(request_context&, protocol::leave_group_request);
task<protocol::sync_group_response> handle_sync_group(request_context&, protocol::sync_group_request);
task<protocol::describe_groups_response> handle_describe_groups(request_context&, protocol::describe_groups_request);
task<protocol::list_groups_response> handle_list_groups(request_context&, protocol::list_groups_request);
task<protocol::api_versions_response> handle_api_versions(request_context&, protocol::api_versions_request);
task<protocol::create_topics_response> handle_create_topics(request_context&, protocol::create_topics_request);
task<protocol::delete_topics_response> handle_delete_topics(request_context&, protocol::delete_topics_request);
task<protocol::delete_records_response> handle_delete_records(request_context&, protocol::delete_records_request);
task<protocol::init_producer_id_response> handle_init_producer_id(request_context&, protocol::init_producer_id_request);
task<protocol::offset_for_leader_epoch_response> handle_offset_for_leader_epoch(request_context&, protocol::offset_for_leader_epoch_request);
task<protocol::describe_configs_response> handle_describe_configs(request_context&, protocol::describe_configs_request);
task<protocol::alter_configs_response> handle_alter_configs(request_context&, protocol::alter_configs_request);
task<protocol::alter_replica_log_dirs_response> handle_alter_replica_log_dirs(request_context&, protocol::alter_replica_log_dirs_request);
task<protocol::describe_log_dirs_response> handle_describe_log_dirs(request_context&, protocol::describe_log_dirs_request);
task<protocol::create_partitions_response> handle_create_partitions(request_context&, protocol::create_partitions_request);
task<protocol::delete_groups_response> handle_delete_groups(request_context&, protocol::delete_groups_request);
task<protocol::elect_leaders_response> handle_elect_leaders(request_context&, protocol::elect_leaders_request);
task<protocol::incremental_alter_configs_response> handle_incremental_alter_configs(request_context&, protocol::incremental_alter_configs_request);
task<protocol::alter_partition_reassignments_response> handle_alter_partition_reassignments(request_context&, protocol::alter_partition_reassignments_request);
task<protocol::list_partition_reassignments_response> handle_list_partition_reassignments(request_context&, protocol::list_partition_reassignments_request);
task<protocol::offset_delete_response> handle_offset_delete(request_context&, protocol::offset_delete_request);
task<protocol::describe_quorum_response> handle_describe_quorum(request_context&, protocol::describe_quorum_request);
task<protocol::update_features_response> handle_update_features(request_context&, protocol::update_features_request);
task<protocol::describe_cluster_response> handle_describe_cluster(request_context&, protocol::describe_cluster_request);
task<protocol::describe_producers_response> handle_describe_producers(request_context&, protocol::describe_producers_request);
task<protocol::get_telemetry_subscriptions_response> handle_get_telemetry_subscriptions(request_context&, protocol::get_telemetry_subscriptions_request);
task<protocol::push_telemetry_response> handle_push_telemetry(request_context&, protocol::push_telemetry_request);
task<protocol::list_config_resources_response> handle_list_config_resources(request_context&, protocol::list_config_resources_request);
task<protocol::describe_topic_partitions_response> handle_describe_topic_partitions(request_context&, protocol::describe_topic_partitions_request);

namespace {

template <class Response>
void count_errors(const Response& response, const request_context& context) {
    error_tally errors{context.core.metrics, context.request.api->key};
    for_each_error(response, context.version(), [&](std::int16_t code) { errors.add(code); });
}

template <class Request, class Response, task<Response> (*Handler)(request_context&, Request)>
task<reply> dispatch(request_context& context) {
    auto decoded = protocol::decode<Request>(context.request.body, context.version());
    if (!decoded) co_return reply::disconnect(decoded.error().message());
    Request asked = std::move(*decoded);
    auto answering = Handler(context, std::move(asked));
    Response response = co_await answering;
    if (!context.disconnect.empty()) co_return reply::disconnect(std::move(context.disconnect));
    if (context.no_answer) co_return reply{};
    count_errors(response, context);
    co_return detail::answer_with(response, context.version(), context.request.correlation_id);
}

template <class Request>
reply refuse(const request_context& context, errc why) {
    const auto decoded = protocol::decode<Request>(context.request.body, context.version());
    if (!decoded) return reply::disconnect(decoded.error().message());
    if constexpr (requires { decoded->acks; })
        if (decoded->acks == 0) return reply::disconnect("acks=0 leaves no other way to tell an error");
    const auto response = refusal(*decoded, wire_code(why));
    count_errors(response, context);
    return detail::answer_with(response, context.version(), context.request.correlation_id);
}

/// The row for a handler `task<xyz_response> handle_xyz(request_context&, xyz_request)`.
template <auto Handler>
api_entry make_api_entry(bool (*offered)(const services&) = nullptr) {
    using request = typename detail::handler_types<decltype(Handler)>::request;
    using response = typename detail::handler_types<decltype(Handler)>::response;
    return {protocol::api_key{request::api_key}, &dispatch<request, response, Handler>, &refuse<request>, offered};
}

bool keeps_telemetry(const services& broker) { return broker.telemetry != nullptr; }

}  // namespace

std::span<const api_entry> api_table() noexcept {
    static const api_entry all[] = {
        make_api_entry<&handle_produce>(),
        make_api_entry<&handle_fetch>(),
        make_api_entry<&handle_list_offsets>(),
        make_api_entry<&handle_metadata>(),
        make_api_entry<&handle_offset_commit>(),
        make_api_entry<&handle_offset_fetch>(),
        make_api_entry<&handle_find_coordinator>(),
        make_api_entry<&handle_join_group>(),
        make_api_entry<&handle_heartbeat>(),
        make_api_entry<&handle_leave_group>(),
        make_api_entry<&handle_sync_group>(),
        make_api_entry<&handle_describe_groups>(),
        make_api_entry<&handle_list_groups>(),
        make_api_entry<&handle_api_versions>(),
        make_api_entry<&handle_create_topics>(),
        make_api_entry<&handle_delete_topics>(),
        make_api_entry<&handle_delete_records>(),
        make_api_entry<&handle_init_producer_id>(),
        make_api_entry<&handle_offset_for_leader_epoch>(),
        make_api_entry<&handle_describe_configs>(),
        make_api_entry<&handle_alter_configs>(),
        make_api_entry<&handle_alter_replica_log_dirs>(),
        make_api_entry<&handle_describe_log_dirs>(),
        make_api_entry<&handle_create_partitions>(),
        make_api_entry<&handle_delete_groups>(),
        make_api_entry<&handle_elect_leaders>(),
        make_api_entry<&handle_incremental_alter_configs>(),
        make_api_entry<&handle_alter_partition_reassignments>(),
        make_api_entry<&handle_list_partition_reassignments>(),
        make_api_entry<&handle_offset_delete>(),
        make_api_entry<&handle_describe_quorum>(),
        make_api_entry<&handle_update_features>(),
        make_api_entry<&handle_describe_cluster>(),
        make_api_entry<&handle_describe_producers>(),
        make_api_entry<&handle_get_telemetry_subscriptions>(&keeps_telemetry),
        make_api_entry<&handle_push_telemetry>(&keeps_telemetry),
        make_api_entry<&handle_list_config_resources>(),
        make_api_entry<&handle_describe_topic_partitions>(),
    };
    return all;
}

}  // namespace weir::server
