// The hash functions that clients and brokers must agree on, because they choose partitions.
#pragma once
#include <weir/base/bytes.hpp>

#include <cstdint>
#include <string_view>

namespace weir::protocol {

/// 32-bit murmur2 with Kafka's seed.
std::int32_t murmur2(bytes_view data) noexcept;
/// The partition of a record with this key; `partitions` counts all of the topic's and is above 0.
std::int32_t partition_for_key(bytes_view key, std::int32_t partitions) noexcept;

/// Java's String.hashCode over the UTF-16 units of UTF-8 text. Bytes that are no UTF-8 count as U+FFFD.
std::int32_t java_string_hash(std::string_view text) noexcept;
/// The partition of a coordinator's topic that owns a group id, a transactional id or "group:topicId:partition".
std::int32_t coordinator_partition(std::string_view id, std::int32_t partitions) noexcept;

}  // namespace weir::protocol
