// Settings of groups: kept in the cluster's metadata, read by what serves them.
#pragma once
#include <weir/base/setting.hpp>

#include <cstdint>
#include <span>
#include <string>

namespace weir::broker {

struct group_entity_config {
    std::int32_t consumer_session_timeout_ms = 45000;
    std::int32_t consumer_heartbeat_interval_ms = 5000;
    std::int32_t consumer_assignment_interval_ms = 1000;
    std::int32_t share_session_timeout_ms = 45000;
    std::int32_t share_heartbeat_interval_ms = 5000;
    std::int32_t share_record_lock_duration_ms = 30000;
    std::int32_t share_delivery_count_limit = 5;
    std::int32_t share_partition_max_record_locks = 2000;
    std::string share_auto_offset_reset = "latest";
    std::string share_isolation_level = "read_uncommitted";
    bool share_renew_acknowledge_enable = true;
    std::int32_t share_assignment_interval_ms = 1000;
    std::int32_t streams_session_timeout_ms = 45000;
    std::int32_t streams_heartbeat_interval_ms = 5000;
    std::int32_t streams_num_standby_replicas = 0;
    std::int32_t streams_initial_rebalance_delay_ms = 3000;
    std::int32_t streams_assignment_interval_ms = 1000;
    static std::span<const setting> settings();
};

}  // namespace weir::broker
