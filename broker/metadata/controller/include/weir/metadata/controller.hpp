// Turns requests about the cluster into metadata records. Pure: values in, records and an answer out.
#pragma once
#include <weir/base/error.hpp>
#include <weir/base/random.hpp>
#include <weir/metadata/broker_sessions.hpp>
#include <weir/metadata/config_schema.hpp>
#include <weir/metadata/image.hpp>
#include <weir/protocol/messages/allocate_producer_ids.hpp>
#include <weir/protocol/messages/alter_configs.hpp>
#include <weir/protocol/messages/alter_partition.hpp>
#include <weir/protocol/messages/assign_replicas_to_dirs.hpp>
#include <weir/protocol/messages/broker_heartbeat.hpp>
#include <weir/protocol/messages/broker_registration.hpp>
#include <weir/protocol/messages/controller_registration.hpp>
#include <weir/protocol/messages/create_partitions.hpp>
#include <weir/protocol/messages/create_topics.hpp>
#include <weir/protocol/messages/delete_topics.hpp>
#include <weir/protocol/messages/elect_leaders.hpp>
#include <weir/protocol/messages/incremental_alter_configs.hpp>
#include <weir/protocol/messages/unregister_broker.hpp>
#include <weir/protocol/messages/update_features.hpp>
#include <weir/protocol/metadata_record_types.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace weir::metadata {

struct controller_config {
    std::int32_t node_id = -1;
    std::string cluster_id;
    std::int32_t num_partitions = 1;              ///< num.partitions
    std::int16_t default_replication_factor = 1;  ///< default.replication.factor
    bool delete_topics = true;                    ///< delete.topic.enable
    milliseconds broker_session_timeout{9000};    ///< broker.session.timeout.ms
    std::size_t max_partitions_per_request = 100'000;
    /// Feature levels this node understands, metadata.version included.
    feature_ranges supported_features;
};
/// What this build supports: metadata.version 7-30, kraft.version 0-1, transaction.version 0-2, group.version 0-1, ...
const feature_ranges& supported_features();

/// What a decision depends on beside the request.
struct decision_context {
    const image& cluster;  ///< with everything proposed so far, committed or not
    time_point now;        ///< for sessions
    timestamp_ms wall_now = 0;
    std::int64_t next_offset = 0;  ///< of the first record this decision makes
    std::string principal = "User:ANONYMOUS";
};

/// `records` belong together: all of them become part of the log, or none. No records: answer at once.
template <class Response>
struct decision {
    std::vector<protocol::metadata_record> records;
    Response response;
};

/// Decides; never changes the image (replaying the records does). Every answer holds Kafka's error codes with a
/// sentence that names topic, partition, broker or setting. What it remembers besides the image is in
/// `broker_sessions`: who sent a heartbeat when, which is not in the log.
class controller {
public:
    controller(controller_config config, const config_schema& schema, std::uint64_t seed);
    ~controller();

    const controller_config& config() const noexcept { return config_; }
    broker_sessions& sessions() noexcept { return sessions_; }

    // --- topics
    decision<protocol::create_topics_response> create_topics(const decision_context&,
                                                             const protocol::create_topics_request&);
    decision<protocol::delete_topics_response> delete_topics(const decision_context&,
                                                             const protocol::delete_topics_request&);
    decision<protocol::create_partitions_response> create_partitions(const decision_context&,
                                                                     const protocol::create_partitions_request&);
    decision<protocol::elect_leaders_response> elect_leaders(const decision_context&,
                                                             const protocol::elect_leaders_request&);
    decision<protocol::alter_partition_response> alter_partition(const decision_context&,
                                                                 const protocol::alter_partition_request&);

    // --- settings and features
    decision<protocol::alter_configs_response> alter_configs(const decision_context&,
                                                             const protocol::alter_configs_request&);
    decision<protocol::incremental_alter_configs_response> incremental_alter_configs(
        const decision_context&, const protocol::incremental_alter_configs_request&);
    /// `version` tells allow_downgrade (0) from upgrade_type (1 and later).
    decision<protocol::update_features_response> update_features(const decision_context&,
                                                                 const protocol::update_features_request&,
                                                                 std::int16_t version);

    // --- nodes
    decision<protocol::broker_registration_response> register_broker(const decision_context&,
                                                                     const protocol::broker_registration_request&);
    decision<protocol::broker_heartbeat_response> broker_heartbeat(const decision_context&,
                                                                   const protocol::broker_heartbeat_request&);
    /// Where replicas of a broker lie (KIP-858), so that it is known whom a directory takes along when it fails.
    decision<protocol::assign_replicas_to_dirs_response> assign_replicas_to_dirs(
        const decision_context&, const protocol::assign_replicas_to_dirs_request&);
    decision<protocol::unregister_broker_response> unregister_broker(const decision_context&,
                                                                     const protocol::unregister_broker_request&);
    decision<protocol::controller_registration_response> register_controller(
        const decision_context&, const protocol::controller_registration_request&);
    decision<protocol::allocate_producer_ids_response> allocate_producer_ids(
        const decision_context&, const protocol::allocate_producer_ids_request&);

    // --- without a request
    /// Fences at most one broker whose session ran out. Call again until it makes no records; then wait until
    /// sessions().next_deadline().
    decision<broker_id> fence_expired(const decision_context&);
    /// The first records of an empty log: bootstrap.checkpoint's (framed by the caller's format step, decoded), inside
    /// a metadata transaction when their metadata.version has them; plus the cluster-wide min.insync.replicas that
    /// eligible leader replicas need. Without a metadata.version among them, the latest.
    std::vector<protocol::metadata_record> bootstrap(std::vector<protocol::metadata_record> from_file) const;

private:
    controller_config config_;
    const config_schema& schema_;
    random_source random_;
    broker_sessions sessions_;
};

}  // namespace weir::metadata
