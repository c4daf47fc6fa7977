// Whether the replicas of partitions hold the same, batch by batch. Pure: what was read comes in, what was found goes out.
#pragma once
#include <weir/admin.hpp>

namespace weir::tools {

/// How far one partition was compared.
struct replica_comparison {
    std::int64_t offset = 0;           ///< up to here, exclusive, the replicas hold the same
    std::int64_t high_watermark = -1;  ///< the highest that one of them told
    std::vector<std::string> checksums{};  ///< of batches that are not the same: a sentence each
    std::string offsets{};             ///< not empty: the replicas hold batches of different offsets, and nothing further can be compared
};

/// From `offset` on, up to each replica's own high watermark, as far as all of them were read.
replica_comparison compare_replicas(const topic_partition& where, std::int64_t offset, const std::map<std::int32_t, held_records>& replicas);

}  // namespace weir::tools
