// The active controller at work: decide, propose, apply, answer when committed.
#pragma once
#include <weir/base/event_loop.hpp>
#include <weir/base/metrics.hpp>
#include <weir/base/task.hpp>
#include <weir/metadata/controller.hpp>
#include <weir/metadata/image_loader.hpp>

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace weir::metadata {

/// The quorum as the runtime sees it; `app` adapts raft's driver.
class metadata_writer {
public:
    virtual ~metadata_writer() = default;
    /// Appends `frames` as one atomic batch and returns the offset of the last. errc::not_leader_or_follower when this
    /// node does not lead (any more); errc::record_list_too_large.
    virtual result<std::int64_t> propose(const std::vector<bytes>& frames) = 0;
    /// The offset the next proposal's first record gets, while this node leads.
    virtual std::int64_t next_offset() const = 0;
};

/// Owns the speculative image: the committed one plus what was proposed and is not committed yet. Decisions are made
/// against it one after the other, so that two creations of one topic cannot both succeed; answers leave when the high
/// watermark has passed their records. On one loop's thread. While idle its only timer is the next broker session.
class controller_runtime {
public:
    controller_runtime(event_loop& loop, metadata_writer& writer, const config_schema& schema, controller_config config,
                       std::uint64_t seed);
    ~controller_runtime();

    /// This node leads now; `committed` is everything the log held before. `bootstrap` (records of
    /// bootstrap.checkpoint) is written when `committed` has no metadata.version, i.e. the log is empty.
    /// `unfinished_transaction`: the leader before left a metadata transaction open (image_loader::in_transaction());
    /// it is aborted.
    void on_leadership(std::int32_t epoch, image_ref committed, std::vector<protocol::metadata_record> bootstrap,
                       bool unfinished_transaction = false);
    /// Everything below `offset` is committed: answers who waits for it.
    void on_high_watermark(std::int64_t offset);
    /// Fails everybody who waits with errc::not_controller and drops what was not committed.
    void on_resign();

    /// Requests report how long they waited for this loop, and how long they were decided.
    void measure(metrics::registry& registry);
    /// A request that is about to be made has waited so long.
    void waited(nanoseconds time) noexcept;

    bool active() const noexcept;
    /// The speculative image; null while not active.
    image_ref speculative() const;

    /// All of them: errc::not_controller when this node is not the active controller (ask the leader instead) or
    /// stopped being it before the records were committed; then the request may or may not have been carried out.
    task<result<protocol::create_topics_response>> create_topics(protocol::create_topics_request request,
                                                                 std::string principal);
    task<result<protocol::delete_topics_response>> delete_topics(protocol::delete_topics_request request);
    task<result<protocol::create_partitions_response>> create_partitions(protocol::create_partitions_request request);
    task<result<protocol::elect_leaders_response>> elect_leaders(protocol::elect_leaders_request request);
    task<result<protocol::alter_partition_response>> alter_partition(protocol::alter_partition_request request);
    task<result<protocol::alter_configs_response>> alter_configs(protocol::alter_configs_request request);
    task<result<protocol::incremental_alter_configs_response>> incremental_alter_configs(
        protocol::incremental_alter_configs_request request);
    task<result<protocol::update_features_response>> update_features(protocol::update_features_request request,
                                                                     std::int16_t version);
    task<result<protocol::broker_registration_response>> register_broker(protocol::broker_registration_request request);
    task<result<protocol::broker_heartbeat_response>> broker_heartbeat(protocol::broker_heartbeat_request request);
    task<result<protocol::assign_replicas_to_dirs_response>> assign_replicas_to_dirs(
        protocol::assign_replicas_to_dirs_request request);
    task<result<protocol::unregister_broker_response>> unregister_broker(protocol::unregister_broker_request request);
    task<result<protocol::controller_registration_response>> register_controller(
        protocol::controller_registration_request request);
    task<result<protocol::allocate_producer_ids_response>> allocate_producer_ids(
        protocol::allocate_producer_ids_request request);

private:
    struct state;
    std::shared_ptr<state> state_;
};

/// When to write a snapshot of the metadata log.
struct snapshot_policy {
    std::int64_t max_bytes = 20 * 1024 * 1024;  ///< metadata.log.max.record.bytes.between.snapshots
    milliseconds max_interval{3'600'000};       ///< metadata.log.max.snapshot.interval.ms; 0: by bytes alone
    /// `bytes` of records since the last snapshot, which was taken at `last` (the start of the process when there was
    /// none).
    bool due(std::int64_t bytes, timestamp_ms last, timestamp_ms now) const noexcept;
};

}  // namespace weir::metadata
