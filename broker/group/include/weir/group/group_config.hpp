// The settings of classic groups and committed offsets.
#pragma once
#include <weir/base/time.hpp>

#include <chrono>
#include <cstdint>
#include <limits>

namespace weir::group {

/// Kafka's names are in the comments; defaults are Kafka's.
struct group_config {
    std::int32_t offset_metadata_max_bytes = 4096;                            ///< offset.metadata.max.bytes
    std::chrono::minutes offsets_retention{10080};                           ///< offsets.retention.minutes
    milliseconds offsets_retention_check_interval{600'000};                  ///< offsets.retention.check.interval.ms
    milliseconds min_session_timeout{6'000};                                 ///< group.min.session.timeout.ms
    milliseconds max_session_timeout{1'800'000};                             ///< group.max.session.timeout.ms
    milliseconds initial_rebalance_delay{3'000};                             ///< group.initial.rebalance.delay.ms
    std::int32_t max_size = std::numeric_limits<std::int32_t>::max();        ///< group.max.size
    milliseconds offsets_commit_timeout{5'000};                              ///< offsets.commit.timeout.ms
    std::int32_t offsets_load_buffer_size = 5'242'880;                       ///< offsets.load.buffer.size
    milliseconds append_linger{-1};                                          ///< group.coordinator.append.linger.ms

    /// How long a JoinGroup of a new member may be parked; Kafka has it fixed.
    milliseconds new_member_join_timeout{300'000};
    /// Largest value of one record, so that a batch holding it fits max.message.bytes of the offsets topic.
    std::int32_t max_record_bytes = 1'048'000;
};

}  // namespace weir::group
