// Every operation as a coroutine: what admin.cpp starts. One file per area.
#pragma once
#include "call.hpp"

#include <weir/admin.hpp>

namespace weir::detail {

template <class T, class Key = std::string>
using task_of_outcomes = task<result<outcomes<T, Key>>>;

// topics.cpp
task_of_outcomes<created_topic> create_topics(call_ptr call, std::vector<new_topic> topics, create_topics_options options);
task_of_outcomes<void> delete_topics(call_ptr call, std::vector<std::string> names, delete_topics_options options);
task_of_outcomes<void, uuid> delete_topics_by_id(call_ptr call, std::vector<uuid> ids, delete_topics_options options);
task_of_outcomes<void> create_partitions(call_ptr call, std::vector<new_partitions> topics, create_partitions_options options);
task<result<void>> create_partitions_of(call_ptr call, new_partitions topic);
// describe_topics.cpp
task<result<std::vector<topic_listing>>> list_topics(call_ptr call, bool internal);
task_of_outcomes<topic_description> describe_topics(call_ptr call, std::vector<std::string> names, describe_topics_options options);
task_of_outcomes<topic_description, uuid> describe_topics_by_id(call_ptr call, std::vector<uuid> ids, describe_topics_options options);
// partitions.cpp
task_of_outcomes<listed_offset, topic_partition> list_offsets(call_ptr call, std::map<topic_partition, at::position> wanted, isolation level);
task_of_outcomes<listed_offset, topic_partition> list_offsets_of(call_ptr call, std::vector<std::string> topics, at::position where, isolation level);
task_of_outcomes<std::int64_t, topic_partition> delete_records(call_ptr call, std::map<topic_partition, std::int64_t> before);
task<result<std::int64_t>> delete_records_of(call_ptr call, topic_partition where, at::position before);
task_of_outcomes<std::vector<producer_state>, topic_partition> describe_producers(call_ptr call, std::vector<topic_partition> partitions, std::optional<std::int32_t> broker);
// replicas.cpp
task_of_outcomes<void, topic_partition> elect_leaders(call_ptr call, election kind, std::optional<std::vector<topic_partition>> partitions);
task_of_outcomes<void, topic_partition> alter_partition_reassignments(call_ptr call, std::vector<new_reassignment> moves, bool allow_replication_factor_change);
task<result<std::map<topic_partition, reassignment>>> list_partition_reassignments(call_ptr call, std::optional<std::vector<topic_partition>> among);
// log_dirs.cpp
task_of_outcomes<std::vector<log_dir>, std::int32_t> describe_log_dirs(call_ptr call, broker_ids brokers);
task_of_outcomes<replica_log_dir, topic_partition_replica> describe_replica_log_dirs(call_ptr call, std::vector<topic_partition_replica> replicas);
task_of_outcomes<void, topic_partition_replica> alter_replica_log_dirs(call_ptr call, std::map<topic_partition_replica, std::string> to);
// replica_reads.cpp
task_of_outcomes<held_records, topic_partition> read_replicas(call_ptr call, std::int32_t broker, std::vector<replica_position> from, read_replicas_options options);
// configs.cpp
task_of_outcomes<std::vector<config_entry>, config_resource> describe_configs(call_ptr call, std::vector<config_resource> of, describe_configs_options options);
task<result<std::vector<config_entry>>> describe_config_of(call_ptr call, config_resource of);
task_of_outcomes<void, config_resource> incremental_alter_configs(call_ptr call, std::vector<config_alteration> changes, bool validate_only);
task<result<void>> alter_config_of(call_ptr call, config_alteration change);
task<result<std::vector<config_resource>>> list_config_resources(call_ptr call, std::vector<config_kind> kinds);
task<result<std::vector<std::string>>> list_client_metrics_resources(call_ptr call);
// list_groups.cpp
task_of_outcomes<std::vector<group_listing>, std::int32_t> list_groups_by_broker(call_ptr call, list_groups_options options);
task<result<std::vector<group_listing>>> list_groups(call_ptr call, list_groups_options options);
// describe_groups.cpp
task_of_outcomes<group_description> describe_classic_groups(call_ptr call, std::vector<std::string> groups, bool operations);
task_of_outcomes<group_description> describe_consumer_groups(call_ptr call, std::vector<std::string> groups, bool operations);
task_of_outcomes<group_description> describe_share_groups(call_ptr call, std::vector<std::string> groups, bool operations);
task_of_outcomes<group_description> describe_streams_groups(call_ptr call, std::vector<std::string> groups, bool operations);
task<result<group_description>> describe_group(call_ptr call, std::string group);
// groups.cpp
task_of_outcomes<void> delete_groups(call_ptr call, std::vector<std::string> groups);
task<result<void>> delete_group(call_ptr call, std::string group);
task_of_outcomes<void> remove_members(call_ptr call, std::string group, remove_members_options options);
// group_offsets.cpp
task_of_outcomes<committed_offsets> list_group_offsets(call_ptr call, std::vector<group_offsets_request> groups, bool require_stable);
task<result<committed_offsets>> list_offsets_of_group(call_ptr call, group_offsets_request of);
task_of_outcomes<void, topic_partition> alter_group_offsets(call_ptr call, std::string group, std::map<topic_partition, committed_offset> to);
task_of_outcomes<void, topic_partition> delete_group_offsets(call_ptr call, std::string group, std::vector<topic_partition> of);
task<result<void>> move_group_to(call_ptr call, std::string group, std::vector<std::string> topics, at::position to);
task<result<void>> move_group(call_ptr call, std::string group, std::map<topic_partition, std::int64_t> to);
// share_offsets.cpp
task_of_outcomes<share_offsets> list_share_group_offsets(call_ptr call, std::vector<group_offsets_request> groups);
task_of_outcomes<void, topic_partition> alter_share_group_offsets(call_ptr call, std::string group, std::map<topic_partition, std::int64_t> to);
task_of_outcomes<void> delete_share_group_offsets(call_ptr call, std::string group, std::vector<std::string> topics);
// acls.cpp
task_of_outcomes<void, acl> create_acls(call_ptr call, std::vector<acl> acls);
task<result<std::vector<acl>>> describe_acls(call_ptr call, acl_filter matching);
task_of_outcomes<std::vector<acl>, acl_filter> delete_acls(call_ptr call, std::vector<acl_filter> matching);
// quotas.cpp
task<result<std::vector<client_quota>>> describe_client_quotas(call_ptr call, quota_filter matching);
task_of_outcomes<void, quota_entity> alter_client_quotas(call_ptr call, std::vector<quota_alteration> changes, bool validate_only);
// scram.cpp
task_of_outcomes<std::vector<scram_credential>> describe_user_scram_credentials(call_ptr call, std::vector<std::string> users);
task_of_outcomes<void> alter_user_scram_credentials(call_ptr call, std::vector<scram_alteration> changes);
// tokens.cpp
task<result<delegation_token>> create_delegation_token(call_ptr call, create_token_options options);
task<result<timestamp>> renew_delegation_token(call_ptr call, bytes hmac, std::optional<duration> longer);
task<result<timestamp>> expire_delegation_token(call_ptr call, bytes hmac, std::optional<duration> after);
task<result<std::vector<delegation_token>>> describe_delegation_token(call_ptr call, std::vector<principal> owners);
// transactions.cpp
task_of_outcomes<transaction_description> describe_transactions(call_ptr call, std::vector<std::string> ids);
task<result<std::vector<transaction_listing>>> list_transactions(call_ptr call, list_transactions_options options);
task<result<void>> abort_transaction(call_ptr call, abort_transaction_request which);
task_of_outcomes<fenced_producer> fence_producers(call_ptr call, std::vector<std::string> ids);
task<result<void>> force_terminate_transaction(call_ptr call, std::string id);
// cluster.cpp
task<result<cluster_description>> describe_cluster(call_ptr call, describe_cluster_options options);
task<result<void>> unregister_broker(call_ptr call, std::int32_t broker);
/// Remembered in `known`.
task<result<uuid>> client_instance_id(call_ptr call, std::shared_ptr<uuid> known);
// features.cpp
task<result<feature_metadata>> describe_features(call_ptr call, std::optional<std::int32_t> broker);
task<result<std::vector<api_versions>>> describe_api_versions(call_ptr call, std::int32_t broker);
task_of_outcomes<void> update_features(call_ptr call, std::vector<feature_update> updates, bool validate_only);
// quorum.cpp
task<result<quorum_description>> describe_metadata_quorum(call_ptr call);
task<result<void>> add_raft_voter(call_ptr call, std::int32_t voter, uuid directory, std::vector<quorum_endpoint> endpoints, std::optional<std::string> cluster_id);
task<result<void>> remove_raft_voter(call_ptr call, std::int32_t voter, uuid directory, std::optional<std::string> cluster_id);

// --- shared by the areas ---
authorized_operations operations_of(std::int32_t bits);
timestamp time_of(std::int64_t milliseconds);
/// nullopt for negative numbers.
std::optional<timestamp> some_time(std::int64_t milliseconds);
template <class T>
result<T> failed_or(error why, T value) {
    if (why) return why;
    return value;
}

}  // namespace weir::detail
