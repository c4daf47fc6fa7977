#include <weir/base/setting.hpp>
#include <weir/group/group_config.hpp>

namespace weir::group {

std::span<const setting> group_config::settings() {
    using c = group_config;
    constexpr auto int32 = setting_type::int32;
    static const setting all[] = {
        make_setting<&c::offset_metadata_max_bytes>(
            "offset.metadata.max.bytes", at_least(0),
            "Longest metadata a member may commit with an offset; longer ones are answered OFFSET_METADATA_TOO_LARGE.",
            importance::high),
        make_setting<&c::offsets_retention_minutes>(
            "offsets.retention.minutes", at_least(1),
            "Minutes after which committed offsets go: counted from the moment the group became empty, from the last "
            "commit for groups that only store offsets, and for topics a stable group no longer subscribes to.",
            importance::high),
        make_setting<&c::offsets_retention_check_interval>(
            "offsets.retention.check.interval.ms", at_least(1),
            "Time between two searches for offsets that are past their retention.", importance::high),
        make_setting<&c::min_session_timeout>("group.min.session.timeout.ms", at_least(0),
                                              "Shortest session timeout a classic member may ask for.", int32),
        make_setting<&c::max_session_timeout>("group.max.session.timeout.ms", at_least(0),
                                              "Longest session timeout a classic member may ask for.", int32),
        make_setting<&c::initial_rebalance_delay>("group.initial.rebalance.delay.ms", at_least(0),
                                                  "How long an empty group waits for more members after the first "
                                                  "joins; each newcomer extends the wait, up to "
                                                  "the rebalance timeout.",
                                                  int32),
        make_setting<&c::max_size>(
            "group.max.size", at_least(1),
            "Most members a classic group may have; further ones are answered GROUP_MAX_SIZE_REACHED."),
        make_setting<&c::offsets_commit_timeout>(
            "offsets.commit.timeout.ms", at_least(1),
            "Longest wait for the replicas to have a commit before it is answered with an error.", importance::high,
            int32),
        make_setting<&c::offsets_load_buffer_size>(
            "offsets.load.buffer.size", at_least(1),
            "Bytes per read while a partition of the offsets topic is loaded; larger batches are still read whole.",
            importance::high),
        make_setting<&c::append_linger>("group.coordinator.append.linger.ms", at_least(-1),
                                        "How long the coordinator gathers records before it writes a batch; -1: what "
                                        "comes in one turn of its loop.",
                                        int32),
        make_setting<&c::offsets_topic_replication_factor>(
            "offsets.topic.replication.factor", at_least(1),
            "Replicas of the offsets topic when it is created; creation waits until so many brokers are there.",
            importance::high),
        make_setting<&c::offsets_topic_num_partitions>(
            "offsets.topic.num.partitions", at_least(1),
            "Partitions of the offsets topic when it is created. Groups are assigned by it: never change it later.",
            importance::high),
        make_setting<&c::offsets_topic_segment_bytes>(
            "offsets.topic.segment.bytes", at_least(1),
            "Segment size of the offsets topic; small, so that compaction and loading stay quick.", importance::high),
    };
    return all;
}

}  // namespace weir::group
