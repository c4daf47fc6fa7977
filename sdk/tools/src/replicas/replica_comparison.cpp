#include "replica_comparison.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace weir::tools {

replica_comparison compare_replicas(const topic_partition& where, std::int64_t offset, const std::map<std::int32_t, held_records>& replicas) {
    replica_comparison found{offset};
    for (const auto& [id, held] : replicas) found.high_watermark = std::max(found.high_watermark, held.high_watermark);
    for (std::size_t batch = 0; !replicas.empty(); ++batch) {
        const auto& [first_id, first] = *replicas.begin();
        for (const auto& [id, held] : replicas) {
            if (batch >= held.batches.size() || held.batches[batch].last_offset >= held.high_watermark) return found;
            const auto &mine = held.batches[batch], &theirs = first.batches[batch];
            if (mine.last_offset != theirs.last_offset) {
                found.offsets = fmt::format("partition {}: replica {}'s offset {} doesn't match replica {}'s offset {}", to_string(where), first_id, theirs.last_offset, id, mine.last_offset);
                return found;
            }
            if (mine.crc != theirs.crc)
                found.checksums.push_back(fmt::format("partition {} has unmatched checksum at offset {}; replica {}'s checksum {}; replica {}'s checksum {}", to_string(where),
                                                      mine.last_offset, first_id, theirs.crc, id, mine.crc));
        }
        found.offset = first.batches[batch].last_offset + 1;
    }
    return found;
}

}  // namespace weir::tools
