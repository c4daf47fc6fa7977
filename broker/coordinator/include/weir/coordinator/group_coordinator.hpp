// Consumer groups as the server's handlers see them: one call per request, routed to the partition that owns the group.
#pragma once
#include <weir/base/task.hpp>
#include <weir/coordinator/partition_store.hpp>
#include <weir/group/group_shard.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace weir::coordinator {

/// What the coordinator needs from the broker around it. Called from any loop, unless said otherwise.
class group_environment {
public:
    virtual ~group_environment() = default;
    /// Every loop a partition may live on, in a fixed order.
    virtual std::vector<event_loop*> loops() = 0;
    /// The loop that owns a partition of __consumer_offsets; always the same for one partition.
    virtual event_loop& loop_of(std::int32_t partition) = 0;
    /// Partitions of __consumer_offsets; offsets.topic.num.partitions while the topic does not exist.
    virtual std::int32_t partition_count() const = 0;
    /// The log of a partition that this broker leads. Called on the partition's loop. nullptr when it is not here (any
    /// more): then the partition is not loaded, and another on_elected() may try again.
    virtual std::unique_ptr<partition_store> open(std::int32_t partition) = 0;
    /// Lives as long as the environment; may be asked from any loop.
    virtual const group::topic_directory& topics() const = 0;
};

/// Where a request comes from, and the loop its answer is wanted on.
struct call_context {
    event_loop* loop = nullptr;  ///< the caller's own; must be the one the call is made on
    std::string client_id;
    std::string client_host;  ///< as Kafka shows it: "/127.0.0.1"
    std::int16_t api_version = 0;
};

/// Totals over all partitions this broker coordinates.
struct coordinator_metrics {
    group::shard_counters groups;
    std::size_t loading_partitions = 0;
    std::size_t active_partitions = 0;
    std::size_t failed_partitions = 0;
    std::uint64_t loads = 0;
    milliseconds last_load_time{0};
    milliseconds max_load_time{0};
    milliseconds total_load_time{0};
    std::uint64_t appended_batches = 0;
    std::uint64_t appended_records = 0;
    std::uint64_t appended_bytes = 0;
    std::uint64_t failed_appends = 0;
};

/// The classic group coordinator of a broker. Authorization, and whether topics of a commit exist, are the handlers'
/// business; everything else about these requests is decided here. Errors travel in the responses, as on the wire:
/// NOT_COORDINATOR when this broker does not lead the group's partition, COORDINATOR_LOAD_IN_PROGRESS while it reads
/// it. Calls may be made on any of the environment's loops and complete on the loop named in the context.
class group_coordinator {
public:
    /// `environment` must outlive the coordinator, and the coordinator every call made of it. `seed` makes member ids.
    group_coordinator(group::group_config config, group_environment& environment, std::uint64_t seed);
    ~group_coordinator();

    /// This broker became leader of a partition of __consumer_offsets: its groups are loaded. Any thread.
    void on_elected(std::int32_t partition, std::int32_t leader_epoch);
    /// It no longer is; a resignation older than the last election is ignored. Any thread.
    void on_resigned(std::int32_t partition, std::int32_t leader_epoch);
    /// The topics were deleted, and with them what was committed for them. Any thread.
    void on_topics_deleted(const std::vector<std::string>& names);
    /// Answers everything parked and completes when nothing of it runs any more. Call before destroying it.
    task<void> stop(event_loop& caller);
    /// The process was killed and its loops are gone: requests that wait end here, while what they use is there.
    void abandon();

    /// The partition of __consumer_offsets that holds a group: what FindCoordinator looks up.
    std::int32_t partition_of(std::string_view group_id) const;

    task<protocol::join_group_response> join_group(call_context context, protocol::join_group_request request);
    task<protocol::sync_group_response> sync_group(call_context context, protocol::sync_group_request request);
    task<protocol::heartbeat_response> heartbeat(call_context context, protocol::heartbeat_request request);
    task<protocol::leave_group_response> leave_group(call_context context, protocol::leave_group_request request);
    task<protocol::offset_commit_response> offset_commit(call_context context, protocol::offset_commit_request request);
    task<protocol::offset_fetch_response> offset_fetch(call_context context, protocol::offset_fetch_request request);
    task<protocol::offset_delete_response> offset_delete(call_context context, protocol::offset_delete_request request);
    task<protocol::delete_groups_response> delete_groups(call_context context, protocol::delete_groups_request request);
    task<protocol::list_groups_response> list_groups(call_context context, protocol::list_groups_request request);
    task<protocol::describe_groups_response> describe_groups(call_context context,
                                                             protocol::describe_groups_request request);

    task<coordinator_metrics> metrics(event_loop& caller);

private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace weir::coordinator
