// What the sticky assignors work on: members and partitions as numbers, and the claims of the members.
#pragma once
#include "assignor.hpp"

#include <cstdint>

namespace weir::detail {

/// What a member says it had, and since when.
struct sticky_claim {
    std::vector<topic_partition> partitions;
    std::optional<std::int32_t> generation;
};

struct sticky_problem {
    static constexpr int nobody = -1;
    sticky_problem(const topic_map& topics, std::span<const joining_member> in_answer_order, sticky_claim (*claim_of)(const joining_member&));

    // Partitions are numbered by topic name, then index; topics by name; members in the order of Java's map.
    std::vector<const std::string*> topic_names;
    std::vector<int> first_partition;  ///< by topic, and one more: the end
    std::vector<int> topic_of;         ///< by partition
    std::vector<const joining_member*> members;
    std::vector<int> rank;             ///< by member: its place among the sorted member ids
    std::vector<std::vector<bool>> subscribed;  ///< by member and topic
    bool all_alike = true;             ///< everybody wants the same topics
    std::vector<sticky_claim> claims;  ///< by member, as they came
    std::int32_t newest_generation = -1;
    std::vector<std::vector<int>> owned;  ///< by member: the claims that hold
    std::vector<bool> disputed;        ///< by partition: claimed twice in one generation

    int partitions() const noexcept { return first_partition.back(); }
    int topics() const noexcept { return static_cast<int>(topic_names.size()); }
    int count() const noexcept { return static_cast<int>(members.size()); }
    int index_of(int partition) const noexcept { return partition - first_partition[static_cast<std::size_t>(topic_of[static_cast<std::size_t>(partition)])]; }
    /// nobody's number when it does not exist (any more).
    int number_of(const topic_partition& which) const;

    bool racks() const noexcept { return racks_; }
    /// The member has a rack, and no replica is there. Never when racks do not matter.
    bool far(int member, int partition) const;
    /// The member has a rack, and a replica is there.
    bool near(int member, int partition) const;
    /// How many members are in the racks of the partition's replicas.
    int near_members(int partition) const;

private:
    void read_claims(sticky_claim (*claim_of)(const joining_member&));
    std::vector<const topic_racks*> racks_of_;
    bool racks_ = false;
};

/// Who owns each partition, and which of them somebody else still has (only told by uniform_sticky).
struct sticky_solution {
    std::vector<int> owner;
    std::vector<bool> moving;
};

/// When all members want the same topics: quotas, filled with what is owned first.
sticky_solution uniform_sticky(const sticky_problem& of);
/// Otherwise: moves partitions one by one for as long as that improves the balance.
std::vector<int> general_sticky(const sticky_problem& of);

}  // namespace weir::detail
