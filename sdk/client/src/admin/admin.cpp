#include <weir/admin.hpp>

#include "../config/resolve.hpp"
#include "core.hpp"
#include "operations.hpp"

#include <fmt/format.h>

namespace weir {
namespace {

std::vector<config_change> changes_of(const properties& set, std::vector<std::string> reset) {
    std::vector<config_change> changes;
    for (const auto& each : set) changes.push_back({each.name, each.value});
    for (auto& name : reset) changes.push_back({std::move(name), "", config_change::action::remove});
    return changes;
}
list_groups_options of_consumers() {
    list_groups_options options;
    options.types = {group_type::classic, group_type::consumer};
    options.protocols = {"consumer", ""};
    return options;
}

}  // namespace

admin::admin(const client& on, admin_config config) {
    if (auto why = detail::resolve("admin", config, on.core().settings())) throw exception{std::move(why)};
    timeout_ = config.timeout;
    core_ = std::make_shared<detail::admin_core>(on, config.retries);
}
admin admin::within(duration timeout) const {
    admin other = *this;
    other.timeout_ = std::max(timeout, duration{1});
    return other;
}

op<outcomes<created_topic>> admin::create_topics(std::vector<new_topic> topics) const {
    return core_->run(detail::create_topics(core_->begin("create_topics", timeout_), std::move(topics), {}));
}
op<outcomes<created_topic>> admin::create_topics(std::vector<new_topic> topics, create_topics_options options) const {
    return core_->run(detail::create_topics(core_->begin("create_topics", timeout_), std::move(topics), options));
}
op<outcomes<>> admin::delete_topics(std::vector<std::string> names) const {
    return core_->run(detail::delete_topics(core_->begin("delete_topics", timeout_), std::move(names), {}));
}
op<outcomes<>> admin::delete_topics(std::vector<std::string> names, delete_topics_options options) const {
    return core_->run(detail::delete_topics(core_->begin("delete_topics", timeout_), std::move(names), options));
}
op<outcomes<void, uuid>> admin::delete_topics_by_id(std::vector<uuid> ids) const {
    return core_->run(detail::delete_topics_by_id(core_->begin("delete_topics_by_id", timeout_), std::move(ids), {}));
}
op<outcomes<void, uuid>> admin::delete_topics_by_id(std::vector<uuid> ids, delete_topics_options options) const {
    return core_->run(detail::delete_topics_by_id(core_->begin("delete_topics_by_id", timeout_), std::move(ids), options));
}
op<std::vector<topic_listing>> admin::list_topics() const {
    return core_->run(detail::list_topics(core_->begin("list_topics", timeout_), false));
}
op<std::vector<topic_listing>> admin::list_topics(list_topics_options options) const {
    return core_->run(detail::list_topics(core_->begin("list_topics", timeout_), options.internal));
}
op<outcomes<topic_description>> admin::describe_topics(std::vector<std::string> names) const {
    return core_->run(detail::describe_topics(core_->begin("describe_topics", timeout_), std::move(names), {}));
}
op<outcomes<topic_description>> admin::describe_topics(std::vector<std::string> names, describe_topics_options options) const {
    return core_->run(detail::describe_topics(core_->begin("describe_topics", timeout_), std::move(names), options));
}
op<outcomes<topic_description, uuid>> admin::describe_topics_by_id(std::vector<uuid> ids) const {
    return core_->run(detail::describe_topics_by_id(core_->begin("describe_topics_by_id", timeout_), std::move(ids), {}));
}
op<outcomes<topic_description, uuid>> admin::describe_topics_by_id(std::vector<uuid> ids, describe_topics_options options) const {
    return core_->run(detail::describe_topics_by_id(core_->begin("describe_topics_by_id", timeout_), std::move(ids), options));
}
op<> admin::create_partitions(std::string topic, std::int32_t total) const {
    return core_->run(detail::create_partitions_of(core_->begin("create_partitions", timeout_), {std::move(topic), total, {}}));
}
op<outcomes<>> admin::create_partitions(std::vector<new_partitions> topics) const {
    return core_->run(detail::create_partitions(core_->begin("create_partitions", timeout_), std::move(topics), {}));
}
op<outcomes<>> admin::create_partitions(std::vector<new_partitions> topics, create_partitions_options options) const {
    return core_->run(detail::create_partitions(core_->begin("create_partitions", timeout_), std::move(topics), options));
}

// --- partitions and replicas ---
op<outcomes<listed_offset, topic_partition>> admin::list_offsets(std::vector<std::string> topics, at::position where, isolation level) const {
    return core_->run(detail::list_offsets_of(core_->begin("list_offsets", timeout_), std::move(topics), where, level));
}
op<outcomes<listed_offset, topic_partition>> admin::list_offsets(std::map<topic_partition, at::position> wanted, isolation level) const {
    return core_->run(detail::list_offsets(core_->begin("list_offsets", timeout_), std::move(wanted), level));
}
op<outcomes<std::int64_t, topic_partition>> admin::delete_records(std::map<topic_partition, std::int64_t> before) const {
    return core_->run(detail::delete_records(core_->begin("delete_records", timeout_), std::move(before)));
}
op<std::int64_t> admin::delete_records(topic_partition where, at::position before) const {
    return core_->run(detail::delete_records_of(core_->begin("delete_records", timeout_), std::move(where), before));
}
op<outcomes<std::vector<producer_state>, topic_partition>> admin::describe_producers(std::vector<topic_partition> partitions) const {
    return core_->run(detail::describe_producers(core_->begin("describe_producers", timeout_), std::move(partitions), std::nullopt));
}
op<outcomes<std::vector<producer_state>, topic_partition>> admin::describe_producers(std::vector<topic_partition> partitions, std::int32_t broker) const {
    return core_->run(detail::describe_producers(core_->begin("describe_producers", timeout_), std::move(partitions), broker));
}
op<outcomes<void, topic_partition>> admin::elect_leaders(election kind, std::optional<std::vector<topic_partition>> partitions) const {
    return core_->run(detail::elect_leaders(core_->begin("elect_leaders", timeout_), kind, std::move(partitions)));
}
op<outcomes<void, topic_partition>> admin::alter_partition_reassignments(std::vector<new_reassignment> moves) const {
    return core_->run(detail::alter_partition_reassignments(core_->begin("alter_partition_reassignments", timeout_), std::move(moves), true));
}
op<outcomes<void, topic_partition>> admin::alter_partition_reassignments(std::vector<new_reassignment> moves, reassign_options options) const {
    return core_->run(detail::alter_partition_reassignments(core_->begin("alter_partition_reassignments", timeout_), std::move(moves), options.allow_replication_factor_change));
}
op<std::map<topic_partition, reassignment>> admin::list_partition_reassignments() const {
    return core_->run(detail::list_partition_reassignments(core_->begin("list_partition_reassignments", timeout_), std::nullopt));
}
op<std::map<topic_partition, reassignment>> admin::list_partition_reassignments(std::vector<topic_partition> among) const {
    return core_->run(detail::list_partition_reassignments(core_->begin("list_partition_reassignments", timeout_), std::move(among)));
}
op<outcomes<std::vector<log_dir>, std::int32_t>> admin::describe_log_dirs(broker_ids brokers) const {
    return core_->run(detail::describe_log_dirs(core_->begin("describe_log_dirs", timeout_), std::move(brokers)));
}
op<outcomes<replica_log_dir, topic_partition_replica>> admin::describe_replica_log_dirs(std::vector<topic_partition_replica> replicas) const {
    return core_->run(detail::describe_replica_log_dirs(core_->begin("describe_replica_log_dirs", timeout_), std::move(replicas)));
}
op<outcomes<void, topic_partition_replica>> admin::alter_replica_log_dirs(std::map<topic_partition_replica, std::string> to) const {
    return core_->run(detail::alter_replica_log_dirs(core_->begin("alter_replica_log_dirs", timeout_), std::move(to)));
}
op<outcomes<held_records, topic_partition>> admin::read_replicas(std::int32_t broker, std::vector<replica_position> from, read_replicas_options options) const {
    return core_->run(detail::read_replicas(core_->begin("read_replicas", timeout_), broker, std::move(from), options));
}

// --- configs ---
op<outcomes<std::vector<config_entry>, config_resource>> admin::describe_configs(std::vector<config_resource> of) const {
    return core_->run(detail::describe_configs(core_->begin("describe_configs", timeout_), std::move(of), {}));
}
op<outcomes<std::vector<config_entry>, config_resource>> admin::describe_configs(std::vector<config_resource> of, describe_configs_options options) const {
    return core_->run(detail::describe_configs(core_->begin("describe_configs", timeout_), std::move(of), std::move(options)));
}
op<outcomes<void, config_resource>> admin::incremental_alter_configs(std::vector<config_alteration> changes) const {
    return core_->run(detail::incremental_alter_configs(core_->begin("incremental_alter_configs", timeout_), std::move(changes), false));
}
op<outcomes<void, config_resource>> admin::incremental_alter_configs(std::vector<config_alteration> changes, alter_configs_options options) const {
    return core_->run(detail::incremental_alter_configs(core_->begin("incremental_alter_configs", timeout_), std::move(changes), options.validate_only));
}
op<std::vector<config_entry>> admin::describe_topic_config(std::string topic) const {
    return core_->run(detail::describe_config_of(core_->begin("describe_topic_config", timeout_), {config_kind::topic, std::move(topic)}));
}
op<> admin::alter_topic_config(std::string topic, const topic_config& set, std::vector<std::string> reset) const {
    return core_->run(detail::alter_config_of(core_->begin("alter_topic_config", timeout_), {{config_kind::topic, std::move(topic)}, changes_of(set.by_name(), std::move(reset))}));
}
op<> admin::alter_broker_config(std::int32_t broker, const properties& set, std::vector<std::string> reset) const {
    return core_->run(detail::alter_config_of(core_->begin("alter_broker_config", timeout_), {{config_kind::broker, std::to_string(broker)}, changes_of(set, std::move(reset))}));
}
op<std::vector<config_resource>> admin::list_config_resources(std::vector<config_kind> kinds) const {
    return core_->run(detail::list_config_resources(core_->begin("list_config_resources", timeout_), std::move(kinds)));
}
op<std::vector<std::string>> admin::list_client_metrics_resources() const {
    return core_->run(detail::list_client_metrics_resources(core_->begin("list_client_metrics_resources", timeout_)));
}

// --- groups ---
op<std::vector<group_listing>> admin::list_groups() const {
    return core_->run(detail::list_groups(core_->begin("list_groups", timeout_), {}));
}
op<std::vector<group_listing>> admin::list_groups(list_groups_options options) const {
    return core_->run(detail::list_groups(core_->begin("list_groups", timeout_), std::move(options)));
}
op<outcomes<std::vector<group_listing>, std::int32_t>> admin::list_groups_by_broker(list_groups_options options) const {
    return core_->run(detail::list_groups_by_broker(core_->begin("list_groups_by_broker", timeout_), std::move(options)));
}
op<std::vector<group_listing>> admin::list_consumer_groups() const {
    return core_->run(detail::list_groups(core_->begin("list_consumer_groups", timeout_), of_consumers()));
}
op<group_description> admin::describe_group(std::string group) const {
    return core_->run(detail::describe_group(core_->begin("describe_group", timeout_), std::move(group)));
}
op<outcomes<group_description>> admin::describe_consumer_groups(std::vector<std::string> groups) const {
    return core_->run(detail::describe_consumer_groups(core_->begin("describe_consumer_groups", timeout_), std::move(groups), false));
}
op<outcomes<group_description>> admin::describe_consumer_groups(std::vector<std::string> groups, describe_groups_options options) const {
    return core_->run(detail::describe_consumer_groups(core_->begin("describe_consumer_groups", timeout_), std::move(groups), options.authorized_operations));
}
op<outcomes<group_description>> admin::describe_classic_groups(std::vector<std::string> groups) const {
    return core_->run(detail::describe_classic_groups(core_->begin("describe_classic_groups", timeout_), std::move(groups), false));
}
op<outcomes<group_description>> admin::describe_classic_groups(std::vector<std::string> groups, describe_groups_options options) const {
    return core_->run(detail::describe_classic_groups(core_->begin("describe_classic_groups", timeout_), std::move(groups), options.authorized_operations));
}
op<outcomes<group_description>> admin::describe_share_groups(std::vector<std::string> groups) const {
    return core_->run(detail::describe_share_groups(core_->begin("describe_share_groups", timeout_), std::move(groups), false));
}
op<outcomes<group_description>> admin::describe_share_groups(std::vector<std::string> groups, describe_groups_options options) const {
    return core_->run(detail::describe_share_groups(core_->begin("describe_share_groups", timeout_), std::move(groups), options.authorized_operations));
}
op<outcomes<group_description>> admin::describe_streams_groups(std::vector<std::string> groups) const {
    return core_->run(detail::describe_streams_groups(core_->begin("describe_streams_groups", timeout_), std::move(groups), false));
}
op<outcomes<group_description>> admin::describe_streams_groups(std::vector<std::string> groups, describe_groups_options options) const {
    return core_->run(detail::describe_streams_groups(core_->begin("describe_streams_groups", timeout_), std::move(groups), options.authorized_operations));
}
op<> admin::delete_group(std::string group) const {
    return core_->run(detail::delete_group(core_->begin("delete_group", timeout_), std::move(group)));
}
op<outcomes<>> admin::delete_consumer_groups(std::vector<std::string> groups) const {
    return core_->run(detail::delete_groups(core_->begin("delete_consumer_groups", timeout_), std::move(groups)));
}
op<outcomes<>> admin::delete_share_groups(std::vector<std::string> groups) const {
    return core_->run(detail::delete_groups(core_->begin("delete_share_groups", timeout_), std::move(groups)));
}
op<outcomes<>> admin::delete_streams_groups(std::vector<std::string> groups) const {
    return core_->run(detail::delete_groups(core_->begin("delete_streams_groups", timeout_), std::move(groups)));
}
op<outcomes<>> admin::remove_members_from_consumer_group(std::string group, remove_members_options options) const {
    return core_->run(detail::remove_members(core_->begin("remove_members_from_consumer_group", timeout_), std::move(group), std::move(options)));
}

// --- offsets of groups ---
op<committed_offsets> admin::list_consumer_group_offsets(std::string group) const {
    return core_->run(detail::list_offsets_of_group(core_->begin("list_consumer_group_offsets", timeout_), {std::move(group), std::nullopt}));
}
op<outcomes<committed_offsets>> admin::list_consumer_group_offsets(std::vector<group_offsets_request> groups, list_offsets_of_groups_options options) const {
    return core_->run(detail::list_group_offsets(core_->begin("list_consumer_group_offsets", timeout_), std::move(groups), options.require_stable));
}
op<outcomes<committed_offsets>> admin::list_streams_group_offsets(std::vector<group_offsets_request> groups, list_offsets_of_groups_options options) const {
    return core_->run(detail::list_group_offsets(core_->begin("list_streams_group_offsets", timeout_), std::move(groups), options.require_stable));
}
op<outcomes<void, topic_partition>> admin::alter_consumer_group_offsets(std::string group, std::map<topic_partition, committed_offset> to) const {
    return core_->run(detail::alter_group_offsets(core_->begin("alter_consumer_group_offsets", timeout_), std::move(group), std::move(to)));
}
op<outcomes<void, topic_partition>> admin::alter_streams_group_offsets(std::string group, std::map<topic_partition, committed_offset> to) const {
    return core_->run(detail::alter_group_offsets(core_->begin("alter_streams_group_offsets", timeout_), std::move(group), std::move(to)));
}
op<outcomes<void, topic_partition>> admin::delete_consumer_group_offsets(std::string group, std::vector<topic_partition> of) const {
    return core_->run(detail::delete_group_offsets(core_->begin("delete_consumer_group_offsets", timeout_), std::move(group), std::move(of)));
}
op<outcomes<void, topic_partition>> admin::delete_streams_group_offsets(std::string group, std::vector<topic_partition> of) const {
    return core_->run(detail::delete_group_offsets(core_->begin("delete_streams_group_offsets", timeout_), std::move(group), std::move(of)));
}
op<outcomes<share_offsets>> admin::list_share_group_offsets(std::vector<group_offsets_request> groups) const {
    return core_->run(detail::list_share_group_offsets(core_->begin("list_share_group_offsets", timeout_), std::move(groups)));
}
op<outcomes<void, topic_partition>> admin::alter_share_group_offsets(std::string group, std::map<topic_partition, std::int64_t> to) const {
    return core_->run(detail::alter_share_group_offsets(core_->begin("alter_share_group_offsets", timeout_), std::move(group), std::move(to)));
}
op<outcomes<>> admin::delete_share_group_offsets(std::string group, std::vector<std::string> topics) const {
    return core_->run(detail::delete_share_group_offsets(core_->begin("delete_share_group_offsets", timeout_), std::move(group), std::move(topics)));
}
op<> admin::move_group(std::string group, std::vector<std::string> topics, at::position to) const {
    return core_->run(detail::move_group_to(core_->begin("move_group", timeout_), std::move(group), std::move(topics), to));
}
op<> admin::move_group(std::string group, std::map<topic_partition, std::int64_t> to) const {
    return core_->run(detail::move_group(core_->begin("move_group", timeout_), std::move(group), std::move(to)));
}

// --- access ---
op<outcomes<void, acl>> admin::create_acls(std::vector<acl> acls) const {
    return core_->run(detail::create_acls(core_->begin("create_acls", timeout_), std::move(acls)));
}
op<std::vector<acl>> admin::describe_acls(acl_filter matching) const {
    return core_->run(detail::describe_acls(core_->begin("describe_acls", timeout_), std::move(matching)));
}
op<outcomes<std::vector<acl>, acl_filter>> admin::delete_acls(std::vector<acl_filter> matching) const {
    return core_->run(detail::delete_acls(core_->begin("delete_acls", timeout_), std::move(matching)));
}
op<std::vector<client_quota>> admin::describe_client_quotas(quota_filter matching) const {
    return core_->run(detail::describe_client_quotas(core_->begin("describe_client_quotas", timeout_), std::move(matching)));
}
op<outcomes<void, quota_entity>> admin::alter_client_quotas(std::vector<quota_alteration> changes, bool validate_only) const {
    return core_->run(detail::alter_client_quotas(core_->begin("alter_client_quotas", timeout_), std::move(changes), validate_only));
}
op<outcomes<std::vector<scram_credential>>> admin::describe_user_scram_credentials(std::vector<std::string> users) const {
    return core_->run(detail::describe_user_scram_credentials(core_->begin("describe_user_scram_credentials", timeout_), std::move(users)));
}
op<outcomes<>> admin::alter_user_scram_credentials(std::vector<scram_alteration> changes) const {
    return core_->run(detail::alter_user_scram_credentials(core_->begin("alter_user_scram_credentials", timeout_), std::move(changes)));
}
op<delegation_token> admin::create_delegation_token(create_token_options options) const {
    return core_->run(detail::create_delegation_token(core_->begin("create_delegation_token", timeout_), std::move(options)));
}
op<timestamp> admin::renew_delegation_token(bytes hmac, std::optional<duration> longer) const {
    return core_->run(detail::renew_delegation_token(core_->begin("renew_delegation_token", timeout_), std::move(hmac), longer));
}
op<timestamp> admin::expire_delegation_token(bytes hmac, std::optional<duration> after) const {
    return core_->run(detail::expire_delegation_token(core_->begin("expire_delegation_token", timeout_), std::move(hmac), after));
}
op<std::vector<delegation_token>> admin::describe_delegation_token(std::vector<principal> owners) const {
    return core_->run(detail::describe_delegation_token(core_->begin("describe_delegation_token", timeout_), std::move(owners)));
}

// --- transactions ---
op<outcomes<transaction_description>> admin::describe_transactions(std::vector<std::string> transactional_ids) const {
    return core_->run(detail::describe_transactions(core_->begin("describe_transactions", timeout_), std::move(transactional_ids)));
}
op<std::vector<transaction_listing>> admin::list_transactions() const {
    return core_->run(detail::list_transactions(core_->begin("list_transactions", timeout_), {}));
}
op<std::vector<transaction_listing>> admin::list_transactions(list_transactions_options options) const {
    return core_->run(detail::list_transactions(core_->begin("list_transactions", timeout_), std::move(options)));
}
op<> admin::abort_transaction(abort_transaction_request which) const {
    return core_->run(detail::abort_transaction(core_->begin("abort_transaction", timeout_), std::move(which)));
}
op<outcomes<fenced_producer>> admin::fence_producers(std::vector<std::string> transactional_ids) const {
    return core_->run(detail::fence_producers(core_->begin("fence_producers", timeout_), std::move(transactional_ids)));
}
op<> admin::force_terminate_transaction(std::string transactional_id) const {
    return core_->run(detail::force_terminate_transaction(core_->begin("force_terminate_transaction", timeout_), std::move(transactional_id)));
}

// --- the cluster ---
op<cluster_description> admin::describe_cluster() const {
    return core_->run(detail::describe_cluster(core_->begin("describe_cluster", timeout_), {}));
}
op<cluster_description> admin::describe_cluster(describe_cluster_options options) const {
    return core_->run(detail::describe_cluster(core_->begin("describe_cluster", timeout_), options));
}
op<feature_metadata> admin::describe_features() const {
    return core_->run(detail::describe_features(core_->begin("describe_features", timeout_), std::nullopt));
}
op<feature_metadata> admin::describe_features(std::int32_t broker) const {
    return core_->run(detail::describe_features(core_->begin("describe_features", timeout_), broker));
}
op<std::vector<api_versions>> admin::describe_api_versions(std::int32_t broker) const {
    return core_->run(detail::describe_api_versions(core_->begin("describe_api_versions", timeout_), broker));
}
op<outcomes<>> admin::update_features(std::vector<feature_update> updates) const {
    return core_->run(detail::update_features(core_->begin("update_features", timeout_), std::move(updates), false));
}
op<outcomes<>> admin::update_features(std::vector<feature_update> updates, update_features_options options) const {
    return core_->run(detail::update_features(core_->begin("update_features", timeout_), std::move(updates), options.validate_only));
}
op<quorum_description> admin::describe_metadata_quorum() const {
    return core_->run(detail::describe_metadata_quorum(core_->begin("describe_metadata_quorum", timeout_)));
}
op<> admin::add_raft_voter(std::int32_t voter, uuid directory, std::vector<quorum_endpoint> endpoints, std::optional<std::string> cluster_id) const {
    return core_->run(detail::add_raft_voter(core_->begin("add_raft_voter", timeout_), voter, directory, std::move(endpoints), std::move(cluster_id)));
}
op<> admin::remove_raft_voter(std::int32_t voter, uuid directory, std::optional<std::string> cluster_id) const {
    return core_->run(detail::remove_raft_voter(core_->begin("remove_raft_voter", timeout_), voter, directory, std::move(cluster_id)));
}
op<> admin::unregister_broker(std::int32_t broker) const {
    return core_->run(detail::unregister_broker(core_->begin("unregister_broker", timeout_), broker));
}
op<uuid> admin::client_instance_id() const {
    return core_->run(detail::client_instance_id(core_->begin("client_instance_id", timeout_), core_->instance()));
}

}  // namespace weir
