#include "entity_configs.hpp"

namespace weir::broker {
namespace {

// "latest", "earliest" or "by_duration:" and an ISO-8601 duration.
bool is_offset_reset(std::string_view text) {
    return text == "latest" || text == "earliest" || (text.starts_with("by_duration:P") && text.size() > 13);
}

}  // namespace

// The bounds are the defaults of the broker's settings that Kafka takes them from (group.consumer.min.session.timeout.ms, ...).
// A synonym is the broker's setting that gives the default there: DescribeConfigs names it.
std::span<const setting> group_entity_config::settings() {
    using c = group_entity_config;
    static const setting all[] = {
        make_setting<&c::consumer_session_timeout_ms>("consumer.session.timeout.ms", between(45'000, 60'000), "Silence after which a member of a consumer group is removed.", synonym("group.consumer.session.timeout.ms")),
        make_setting<&c::consumer_heartbeat_interval_ms>("consumer.heartbeat.interval.ms", between(5'000, 15'000), "Time between heartbeats of members of a consumer group.", synonym("group.consumer.heartbeat.interval.ms")),
        make_setting<&c::consumer_assignment_interval_ms>("consumer.assignment.interval.ms", between(0, 15'000), "Least time between two assignments of a consumer group.", synonym("group.consumer.assignment.interval.ms")),
        make_setting<&c::share_session_timeout_ms>("share.session.timeout.ms", between(45'000, 60'000), "Silence after which a member of a share group is removed.", synonym("group.share.session.timeout.ms")),
        make_setting<&c::share_heartbeat_interval_ms>("share.heartbeat.interval.ms", between(5'000, 15'000), "Time between heartbeats of members of a share group.", synonym("group.share.heartbeat.interval.ms")),
        make_setting<&c::share_record_lock_duration_ms>("share.record.lock.duration.ms", between(15'000, 60'000), "How long a record is held for the member that took it.", synonym("group.share.record.lock.duration.ms")),
        make_setting<&c::share_delivery_count_limit>("share.delivery.count.limit", between(2, 10), "Deliveries of a record before it is given up.", synonym("group.share.delivery.count.limit")),
        make_setting<&c::share_partition_max_record_locks>("share.partition.max.record.locks", between(100, 4'000), "Records of a partition that may be held at a time.", synonym("group.share.partition.max.record.locks")),
        make_setting<&c::share_auto_offset_reset>("share.auto.offset.reset", checked(is_offset_reset, "latest, earliest or by_duration:PnDTnHnMn.nS"), "Where a share group starts."),
        make_setting<&c::share_isolation_level>("share.isolation.level", one_of("read_committed", "read_uncommitted"), "Whether a share group sees records of open and aborted transactions."),
        make_setting<&c::share_renew_acknowledge_enable>("share.renew.acknowledge.enable", any(), "Whether members may renew the hold on a record."),
        make_setting<&c::share_assignment_interval_ms>("share.assignment.interval.ms", between(0, 15'000), "Least time between two assignments of a share group.", synonym("group.share.assignment.interval.ms")),
        make_setting<&c::streams_session_timeout_ms>("streams.session.timeout.ms", between(45'000, 60'000), "Silence after which a member of a streams group is removed.", synonym("group.streams.session.timeout.ms")),
        make_setting<&c::streams_heartbeat_interval_ms>("streams.heartbeat.interval.ms", between(5'000, 15'000), "Time between heartbeats of members of a streams group.", synonym("group.streams.heartbeat.interval.ms")),
        make_setting<&c::streams_num_standby_replicas>("streams.num.standby.replicas", between(0, 2), "Standby copies of each task.", synonym("group.streams.num.standby.replicas")),
        make_setting<&c::streams_initial_rebalance_delay_ms>("streams.initial.rebalance.delay.ms", at_least(0), "How long the first assignment waits for more members.", synonym("group.streams.initial.rebalance.delay.ms")),
        make_setting<&c::streams_assignment_interval_ms>("streams.assignment.interval.ms", between(0, 15'000), "Least time between two assignments of a streams group.", synonym("group.streams.assignment.interval.ms")),
    };
    return all;
}

}  // namespace weir::broker
