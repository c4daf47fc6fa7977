// Administers a cluster: topics, configs, groups, access, and what runs it.
#pragma once
#include <weir/admin/access.hpp>
#include <weir/admin/cluster.hpp>
#include <weir/admin/configs.hpp>
#include <weir/admin/groups.hpp>
#include <weir/admin/topics.hpp>
#include <weir/client.hpp>
#include <weir/outcomes.hpp>
#include <weir/position.hpp>

#include <limits>
#include <span>

namespace weir {

struct admin_config {
    duration timeout{60'000};                     ///< default.api.timeout.ms: of one operation, its retries included
    int retries = std::numeric_limits<int>::max();  ///< of one operation; the timeout ends it otherwise
    properties extra{};                           ///< by Kafka's or librdkafka's name
    static std::span<const setting> settings();
};

namespace detail {
class admin_core;
}

/// Thread-safe; a cheap handle, copies are the same. Every operation starts at the call and ends within the timeout. Each
/// request goes where Kafka wants it (any broker, a coordinator, the leader of a partition), and again, after a pause that
/// grows, while the cluster says that a retry may help.
///
/// Many things at once give outcomes<T>: what befell the operation as a whole (no broker reached, not authorized, a broker
/// too old: errc::unsupported_version names it) is the error of the result; what befell one thing is its own outcome. An
/// error's code is Kafka's, its text names the thing and carries what the broker said. errc::timed_out carries the last
/// obstacle. One thing gives a plain result. Names are those of Kafka's Admin.
class admin {
public:
    /// Throws weir::exception (errc::invalid_setting) for a configuration that cannot be; does no I/O.
    explicit admin(const client& on, admin_config config = admin_config{});
    admin(const char* bootstrap) : admin(client{bootstrap}) {}  // NOLINT: as a client is made
    /// The same with another timeout: `admin.within(5s).list_topics()`.
    admin within(duration timeout) const;

    // --- topics ---
    op<outcomes<created_topic>> create_topics(std::vector<new_topic> topics) const;
    op<outcomes<created_topic>> create_topics(std::vector<new_topic> topics, create_topics_options options) const;
    op<outcomes<>> delete_topics(std::vector<std::string> names) const;
    op<outcomes<>> delete_topics(std::vector<std::string> names, delete_topics_options options) const;
    op<outcomes<void, uuid>> delete_topics_by_id(std::vector<uuid> ids) const;
    op<outcomes<void, uuid>> delete_topics_by_id(std::vector<uuid> ids, delete_topics_options options) const;
    op<std::vector<topic_listing>> list_topics() const;
    op<std::vector<topic_listing>> list_topics(list_topics_options options) const;
    op<outcomes<topic_description>> describe_topics(std::vector<std::string> names) const;
    op<outcomes<topic_description>> describe_topics(std::vector<std::string> names, describe_topics_options options) const;
    op<outcomes<topic_description, uuid>> describe_topics_by_id(std::vector<uuid> ids) const;
    op<outcomes<topic_description, uuid>> describe_topics_by_id(std::vector<uuid> ids, describe_topics_options options) const;
    op<> create_partitions(std::string topic, std::int32_t total) const;
    op<outcomes<>> create_partitions(std::vector<new_partitions> topics) const;
    op<outcomes<>> create_partitions(std::vector<new_partitions> topics, create_partitions_options options) const;

    // --- partitions and replicas ---
    /// Of all partitions of these topics, or of each partition at its own place. at::committed is refused.
    op<outcomes<listed_offset, topic_partition>> list_offsets(std::vector<std::string> topics, at::position where, isolation level = isolation::read_uncommitted) const;
    op<outcomes<listed_offset, topic_partition>> list_offsets(std::map<topic_partition, at::position> wanted, isolation level = isolation::read_uncommitted) const;
    /// Records before the offset go; the outcome is the partition's first offset afterwards. At the high watermark: -1.
    op<outcomes<std::int64_t, topic_partition>> delete_records(std::map<topic_partition, std::int64_t> before) const;
    op<std::int64_t> delete_records(topic_partition where, at::position before) const;
    op<outcomes<std::vector<producer_state>, topic_partition>> describe_producers(std::vector<topic_partition> partitions) const;
    /// As a broker that may follow sees them.
    op<outcomes<std::vector<producer_state>, topic_partition>> describe_producers(std::vector<topic_partition> partitions, std::int32_t broker) const;
    /// nullopt: all partitions; then only those with an outcome other than errc::election_not_needed are told of.
    op<outcomes<void, topic_partition>> elect_leaders(election kind, std::optional<std::vector<topic_partition>> partitions) const;
    op<outcomes<void, topic_partition>> alter_partition_reassignments(std::vector<new_reassignment> moves) const;
    op<outcomes<void, topic_partition>> alter_partition_reassignments(std::vector<new_reassignment> moves, reassign_options options) const;
    op<std::map<topic_partition, reassignment>> list_partition_reassignments() const;
    op<std::map<topic_partition, reassignment>> list_partition_reassignments(std::vector<topic_partition> among) const;
    op<outcomes<std::vector<log_dir>, std::int32_t>> describe_log_dirs(broker_ids brokers) const;
    op<outcomes<replica_log_dir, topic_partition_replica>> describe_replica_log_dirs(std::vector<topic_partition_replica> replicas) const;
    op<outcomes<void, topic_partition_replica>> alter_replica_log_dirs(std::map<topic_partition_replica, std::string> to) const;
    /// What that broker, leader or follower, holds of each partition from a position on: to compare replicas.
    op<outcomes<held_records, topic_partition>> read_replicas(std::int32_t broker, std::vector<replica_position> from, read_replicas_options options) const;

    // --- configs ---
    op<outcomes<std::vector<config_entry>, config_resource>> describe_configs(std::vector<config_resource> of) const;
    op<outcomes<std::vector<config_entry>, config_resource>> describe_configs(std::vector<config_resource> of, describe_configs_options options) const;
    op<outcomes<void, config_resource>> incremental_alter_configs(std::vector<config_alteration> changes) const;
    op<outcomes<void, config_resource>> incremental_alter_configs(std::vector<config_alteration> changes, alter_configs_options options) const;
    op<std::vector<config_entry>> describe_topic_config(std::string topic) const;
    /// Sets what `set` has, and returns the names in `reset` to their defaults; the rest stays.
    op<> alter_topic_config(std::string topic, const topic_config& set, std::vector<std::string> reset = {}) const;
    op<> alter_broker_config(std::int32_t broker, const properties& set, std::vector<std::string> reset = {}) const;
    /// Empty: all kinds. Brokers before 4.1 know client metrics only.
    op<std::vector<config_resource>> list_config_resources(std::vector<config_kind> kinds = {}) const;
    op<std::vector<std::string>> list_client_metrics_resources() const;

    // --- groups ---
    /// An error when one of the brokers cannot tell its groups.
    op<std::vector<group_listing>> list_groups() const;
    op<std::vector<group_listing>> list_groups(list_groups_options options) const;
    op<outcomes<std::vector<group_listing>, std::int32_t>> list_groups_by_broker(list_groups_options options) const;
    /// Those of consumers, of either protocol.
    op<std::vector<group_listing>> list_consumer_groups() const;
    /// Of whatever kind, lag included.
    op<group_description> describe_group(std::string group) const;
    op<outcomes<group_description>> describe_consumer_groups(std::vector<std::string> groups) const;
    op<outcomes<group_description>> describe_consumer_groups(std::vector<std::string> groups, describe_groups_options options) const;
    op<outcomes<group_description>> describe_classic_groups(std::vector<std::string> groups) const;
    op<outcomes<group_description>> describe_classic_groups(std::vector<std::string> groups, describe_groups_options options) const;
    op<outcomes<group_description>> describe_share_groups(std::vector<std::string> groups) const;
    op<outcomes<group_description>> describe_share_groups(std::vector<std::string> groups, describe_groups_options options) const;
    op<outcomes<group_description>> describe_streams_groups(std::vector<std::string> groups) const;
    op<outcomes<group_description>> describe_streams_groups(std::vector<std::string> groups, describe_groups_options options) const;
    op<> delete_group(std::string group) const;  ///< of whatever kind
    op<outcomes<>> delete_consumer_groups(std::vector<std::string> groups) const;
    op<outcomes<>> delete_share_groups(std::vector<std::string> groups) const;
    op<outcomes<>> delete_streams_groups(std::vector<std::string> groups) const;
    /// Removes members of a classic group: static ones by instance id, or all.
    op<outcomes<>> remove_members_from_consumer_group(std::string group, remove_members_options options) const;

    // --- offsets of groups ---
    op<committed_offsets> list_consumer_group_offsets(std::string group) const;
    op<outcomes<committed_offsets>> list_consumer_group_offsets(std::vector<group_offsets_request> groups, list_offsets_of_groups_options options) const;
    op<outcomes<committed_offsets>> list_streams_group_offsets(std::vector<group_offsets_request> groups, list_offsets_of_groups_options options) const;
    /// The group has no members, or none that reads these topics.
    op<outcomes<void, topic_partition>> alter_consumer_group_offsets(std::string group, std::map<topic_partition, committed_offset> to) const;
    op<outcomes<void, topic_partition>> alter_streams_group_offsets(std::string group, std::map<topic_partition, committed_offset> to) const;
    op<outcomes<void, topic_partition>> delete_consumer_group_offsets(std::string group, std::vector<topic_partition> of) const;
    op<outcomes<void, topic_partition>> delete_streams_group_offsets(std::string group, std::vector<topic_partition> of) const;
    op<outcomes<share_offsets>> list_share_group_offsets(std::vector<group_offsets_request> groups) const;
    op<outcomes<void, topic_partition>> alter_share_group_offsets(std::string group, std::map<topic_partition, std::int64_t> to) const;
    op<outcomes<>> delete_share_group_offsets(std::string group, std::vector<std::string> topics) const;
    /// Moves a consumer group to that place in all partitions of the topics. errc::non_empty_group while it has members.
    op<> move_group(std::string group, std::vector<std::string> topics, at::position to) const;
    op<> move_group(std::string group, std::map<topic_partition, std::int64_t> to) const;

    // --- access ---
    op<outcomes<void, acl>> create_acls(std::vector<acl> acls) const;
    op<std::vector<acl>> describe_acls(acl_filter matching) const;
    op<outcomes<std::vector<acl>, acl_filter>> delete_acls(std::vector<acl_filter> matching) const;  ///< those deleted
    op<std::vector<client_quota>> describe_client_quotas(quota_filter matching) const;
    op<outcomes<void, quota_entity>> alter_client_quotas(std::vector<quota_alteration> changes, bool validate_only = false) const;
    /// Empty: of all users.
    op<outcomes<std::vector<scram_credential>>> describe_user_scram_credentials(std::vector<std::string> users = {}) const;
    op<outcomes<>> alter_user_scram_credentials(std::vector<scram_alteration> changes) const;
    op<delegation_token> create_delegation_token(create_token_options options) const;
    /// For that much longer, nullopt: delegation.token.expiry.time.ms; tells until when.
    op<timestamp> renew_delegation_token(bytes hmac, std::optional<duration> longer = {}) const;
    /// After that time; nullopt: at once.
    op<timestamp> expire_delegation_token(bytes hmac, std::optional<duration> after = {}) const;
    /// Of these owners; empty: all one may see.
    op<std::vector<delegation_token>> describe_delegation_token(std::vector<principal> owners = {}) const;

    // --- transactions ---
    op<outcomes<transaction_description>> describe_transactions(std::vector<std::string> transactional_ids) const;
    op<std::vector<transaction_listing>> list_transactions() const;
    op<std::vector<transaction_listing>> list_transactions(list_transactions_options options) const;
    /// Writes an abort marker into one partition, for a transaction that hangs there (KIP-664).
    op<> abort_transaction(abort_transaction_request which) const;
    /// Aborts what is open and fences the producers of these transactional ids off.
    op<outcomes<fenced_producer>> fence_producers(std::vector<std::string> transactional_ids) const;
    op<> force_terminate_transaction(std::string transactional_id) const;

    // --- the cluster ---
    op<cluster_description> describe_cluster() const;
    op<cluster_description> describe_cluster(describe_cluster_options options) const;
    op<feature_metadata> describe_features() const;
    op<feature_metadata> describe_features(std::int32_t broker) const;
    /// Which versions of which requests that broker serves (KIP-35), by key.
    op<std::vector<api_versions>> describe_api_versions(std::int32_t broker) const;
    op<outcomes<>> update_features(std::vector<feature_update> updates) const;
    op<outcomes<>> update_features(std::vector<feature_update> updates, update_features_options options) const;
    op<quorum_description> describe_metadata_quorum() const;
    op<> add_raft_voter(std::int32_t voter, uuid directory, std::vector<quorum_endpoint> endpoints, std::optional<std::string> cluster_id = {}) const;
    op<> remove_raft_voter(std::int32_t voter, uuid directory, std::optional<std::string> cluster_id = {}) const;
    op<> unregister_broker(std::int32_t broker) const;
    /// Under which the brokers' telemetry knows this client (KIP-714); asked for once.
    op<uuid> client_instance_id() const;

private:
    std::shared_ptr<detail::admin_core> core_;
    duration timeout_;
};

}  // namespace weir
