// The settings of classic groups, committed offsets and the topic that keeps both.
#pragma once
#include <weir/base/time.hpp>

#include <cstdint>
#include <limits>
#include <span>

namespace weir {
struct setting;
}

namespace weir::group {

/// Plain values, passed in; settings() has Kafka's names, ranges and documentation.
struct group_config {
    std::int32_t offset_metadata_max_bytes = 4096;
    std::int32_t offsets_retention_minutes = 10080;
    milliseconds offsets_retention_check_interval{600'000};
    milliseconds min_session_timeout{6'000};
    milliseconds max_session_timeout{1'800'000};
    milliseconds initial_rebalance_delay{3'000};
    std::int32_t max_size = std::numeric_limits<std::int32_t>::max();
    milliseconds offsets_commit_timeout{5'000};  ///< how long an answer waits for its records to be committed
    std::int32_t offsets_load_buffer_size = 5'242'880;
    milliseconds append_linger{-1};  ///< -1 and 0: a batch takes what one turn of the loop brings
    std::int16_t offsets_topic_replication_factor = 3;
    std::int32_t offsets_topic_num_partitions = 50;
    std::int32_t offsets_topic_segment_bytes = 104'857'600;

    /// How long a JoinGroup of a new member may be parked; no setting, as in Kafka.
    milliseconds new_member_join_timeout{300'000};
    /// Largest key and value of one record: a batch that holds it must fit max.message.bytes of the offsets topic.
    std::int32_t max_record_bytes = 1'048'000;

    static std::span<const setting> settings();
};

}  // namespace weir::group
