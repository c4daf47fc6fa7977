// Who gets which partitions: what the leader of a classic group computes for everybody (pure: no I/O, no clock).
//
// Members of one group may be of several implementations, and any of them may be the leader, so the results are those of
// Java's assignors, order of hash maps included.
#pragma once
#include <weir/base/bytes.hpp>
#include <weir/topic.hpp>

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weir::detail {

/// A member as its JoinGroup metadata describes it.
struct joining_member {
    std::string id;
    std::optional<std::string> instance_id;  ///< static members (KIP-345)
    std::vector<std::string> topics;
    std::vector<topic_partition> owned;      ///< what it still has while it joins (KIP-429)
    std::optional<std::int32_t> generation;  ///< in which it got that
    std::string rack;                        ///< empty: unknown
    std::optional<bytes> user_data;          ///< the assignor's own
};

/// The racks with a replica, sorted, for each partition. All empty when brokers have no racks.
using topic_racks = std::vector<std::vector<std::string>>;
/// The topics that exist and have partitions.
using topic_map = std::map<std::string, topic_racks>;
/// An entry for each member; lists are sorted.
using assignment_map = std::map<std::string, std::vector<topic_partition>>;

struct assignor {
    std::string_view name;        ///< on the wire: "range"
    std::string_view java_class;  ///< what partition.assignment.strategy may say instead
    /// Members keep what they own while they join, and give up only what they are told to (KIP-429).
    bool cooperative;
    /// `members` in the order of the JoinGroup answer.
    assignment_map (*assign)(const topic_map& topics, std::span<const joining_member> members);
    /// What travels in the subscription; `last` is the newest assignment, nullptr before the first.
    std::optional<bytes> (*user_data)(const std::vector<topic_partition>* last, std::int32_t generation);
};

extern const assignor range_assignor;               ///< per topic; aligned across topics; rack-aware (KIP-881)
extern const assignor round_robin_assignor;         ///< all partitions in turn
extern const assignor sticky_assignor;              ///< balanced, and as it was where it can be; eager
extern const assignor cooperative_sticky_assignor;  ///< the same, without stopping everybody

/// By name or Java class; nullptr when there is none.
const assignor* find_assignor(std::string_view name);

/// Sorted as Java sorts members: static ones first, by instance id, then the others by member id.
std::vector<const joining_member*> sorted_members(std::span<const joining_member> members);
/// Whether racks can make a difference: members and replicas share some, and not every partition is everywhere.
bool racks_matter(const std::vector<std::string>& member_racks, std::span<const topic_racks* const> topics);

}  // namespace weir::detail
