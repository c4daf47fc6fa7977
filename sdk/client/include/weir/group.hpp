// What producers and consumers both say about consumer groups and partitions.
#pragma once
#include <weir/topic.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace weir {

/// A group's position in a partition: to commit, or as it was committed.
struct partition_offset {
    topic_partition where{};
    std::int64_t offset = -1;        ///< of the next record to read; -1: none
    std::int32_t leader_epoch = -1;  ///< of the record before it (KIP-320); -1: unknown
    std::string metadata{};          ///< any text of the committer's
};

/// A member of a consumer group at one moment. Commits in its name are refused once the group has moved on (KIP-447).
struct group_metadata {
    std::string group_id{};
    std::string member_id{};         ///< empty: no member, and nobody checks
    std::int32_t generation = -1;    ///< the member epoch with the consumer protocol (KIP-848)
    std::string instance_id{};       ///< group.instance.id; empty: not a static member
};

/// Topics by name, or a pattern, whose syntax docs/guides/groups.md tells; one of the two is empty, or both.
struct subscription {
    std::vector<std::string> topics{};
    std::string pattern{};
    bool empty() const noexcept { return topics.empty() && pattern.empty(); }
};

struct partition_info {
    std::int32_t partition = -1;
    std::int32_t leader = -1;        ///< broker id; -1: none now
    std::int32_t leader_epoch = -1;
};

}  // namespace weir
