// A group's committed offsets: OffsetCommit and OffsetFetch, at its coordinator.
#pragma once
#include "membership.hpp"

#include <weir/consumer_config.hpp>

namespace weir::detail {

/// The group has moved on since the question: its answer to the member's next heartbeat, or to a new join, says whether the
/// partitions are still this one's.
inline bool is_of_membership(errc code) noexcept {
    return code == errc::stale_member_epoch || code == errc::unknown_member_id || code == errc::illegal_generation || code == errc::fenced_instance_id || code == errc::fenced_member_epoch;
}

/// One attempt each. A coordinator that is no longer one is forgotten; whatever transient() says may be tried again.
/// Partitions that nothing is committed for have offset -1.
task<result<std::vector<partition_offset>>> fetch_committed(std::shared_ptr<cluster> view, group_identity who, std::vector<topic_partition> which, bool stable);
/// The first code that is not none fails it; errc::topic_authorization_failed and the like name the partition.
task<result<void>> commit_offsets(std::shared_ptr<cluster> view, group_identity who, std::vector<partition_offset> offsets);

}  // namespace weir::detail
