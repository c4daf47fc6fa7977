// What members of a classic consumer group tell each other through the broker: subscriptions and assignments.
#pragma once
#include "assignor.hpp"

#include <weir/base/error.hpp>

namespace weir::detail {

/// The metadata of a JoinGroup protocol: topics, what is owned, generation and rack (ConsumerProtocolSubscription v3).
/// Lists are sorted: brokers take changed bytes for a changed subscription and rebalance.
result<bytes> encode_subscription(const joining_member& member);
result<joining_member> decode_subscription(bytes_view metadata);

result<bytes> encode_assignment(const std::vector<topic_partition>& partitions);
/// Nothing at all for an empty one: members without partitions may get no bytes.
result<std::vector<topic_partition>> decode_assignment(bytes_view assignment);

}  // namespace weir::detail
