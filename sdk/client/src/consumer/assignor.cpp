#include "assignor.hpp"

#include <algorithm>
#include <set>

namespace weir::detail {

const assignor* find_assignor(std::string_view name) {
    for (const auto* each : {&range_assignor, &round_robin_assignor, &sticky_assignor, &cooperative_sticky_assignor}) {
        if (name == each->name || name == each->java_class) return each;
    }
    return nullptr;
}

std::vector<const joining_member*> sorted_members(std::span<const joining_member> members) {
    std::vector<const joining_member*> sorted;
    for (const auto& each : members) sorted.push_back(&each);
    std::stable_sort(sorted.begin(), sorted.end(), [](const joining_member* a, const joining_member* b) {
        if (a->instance_id && b->instance_id) return *a->instance_id < *b->instance_id;
        if (a->instance_id || b->instance_id) return a->instance_id.has_value();
        return a->id < b->id;
    });
    return sorted;
}

bool racks_matter(const std::vector<std::string>& member_racks, std::span<const topic_racks* const> topics) {
    std::set<std::string> everywhere;
    for (const auto* topic : topics) {
        for (const auto& racks : *topic) everywhere.insert(racks.begin(), racks.end());
    }
    if (std::none_of(member_racks.begin(), member_racks.end(), [&](const auto& rack) { return everywhere.contains(rack); })) return false;
    const std::vector<std::string> all{everywhere.begin(), everywhere.end()};
    return std::any_of(topics.begin(), topics.end(), [&](const topic_racks* topic) {
        return std::any_of(topic->begin(), topic->end(), [&](const auto& racks) { return racks != all; });
    });
}

}  // namespace weir::detail
