// An error as the answer to a whole request, in the form each API has for it.
#pragma once
#include <weir/protocol/messages/alter_configs.hpp>
#include <weir/protocol/messages/alter_replica_log_dirs.hpp>
#include <weir/protocol/messages/create_partitions.hpp>
#include <weir/protocol/messages/create_topics.hpp>
#include <weir/protocol/messages/delete_groups.hpp>
#include <weir/protocol/messages/delete_records.hpp>
#include <weir/protocol/messages/delete_topics.hpp>
#include <weir/protocol/messages/describe_configs.hpp>
#include <weir/protocol/messages/describe_groups.hpp>
#include <weir/protocol/messages/describe_producers.hpp>
#include <weir/protocol/messages/describe_topic_partitions.hpp>
#include <weir/protocol/messages/fetch.hpp>
#include <weir/protocol/messages/find_coordinator.hpp>
#include <weir/protocol/messages/incremental_alter_configs.hpp>
#include <weir/protocol/messages/list_offsets.hpp>
#include <weir/protocol/messages/metadata.hpp>
#include <weir/protocol/messages/offset_commit.hpp>
#include <weir/protocol/messages/offset_fetch.hpp>
#include <weir/protocol/messages/offset_for_leader_epoch.hpp>
#include <weir/protocol/messages/produce.hpp>

namespace weir::server {

// Errors of items: every item of the request gets `code`, as it goes on the wire.
protocol::produce_response refusal(const protocol::produce_request& asked, std::int16_t code);
protocol::fetch_response refusal(const protocol::fetch_request& asked, std::int16_t code);
protocol::list_offsets_response refusal(const protocol::list_offsets_request& asked, std::int16_t code);
protocol::metadata_response refusal(const protocol::metadata_request& asked, std::int16_t code);
protocol::offset_commit_response refusal(const protocol::offset_commit_request& asked, std::int16_t code);
protocol::offset_fetch_response refusal(const protocol::offset_fetch_request& asked, std::int16_t code);
protocol::find_coordinator_response refusal(const protocol::find_coordinator_request& asked, std::int16_t code);
protocol::describe_groups_response refusal(const protocol::describe_groups_request& asked, std::int16_t code);
protocol::create_topics_response refusal(const protocol::create_topics_request& asked, std::int16_t code);
protocol::delete_topics_response refusal(const protocol::delete_topics_request& asked, std::int16_t code);
protocol::delete_records_response refusal(const protocol::delete_records_request& asked, std::int16_t code);
protocol::offset_for_leader_epoch_response refusal(const protocol::offset_for_leader_epoch_request& asked, std::int16_t code);
protocol::describe_configs_response refusal(const protocol::describe_configs_request& asked, std::int16_t code);
protocol::alter_configs_response refusal(const protocol::alter_configs_request& asked, std::int16_t code);
protocol::incremental_alter_configs_response refusal(const protocol::incremental_alter_configs_request& asked, std::int16_t code);
protocol::alter_replica_log_dirs_response refusal(const protocol::alter_replica_log_dirs_request& asked, std::int16_t code);
protocol::create_partitions_response refusal(const protocol::create_partitions_request& asked, std::int16_t code);
protocol::delete_groups_response refusal(const protocol::delete_groups_request& asked, std::int16_t code);
protocol::describe_producers_response refusal(const protocol::describe_producers_request& asked, std::int16_t code);
protocol::describe_topic_partitions_response refusal(const protocol::describe_topic_partitions_request& asked, std::int16_t code);

/// One error for the whole answer.
template <class Request>
    requires requires(typename Request::response_type answer) { answer.error_code; }
typename Request::response_type refusal(const Request&, std::int16_t code) {
    typename Request::response_type answer;
    answer.error_code = code;
    return answer;
}

}  // namespace weir::server
