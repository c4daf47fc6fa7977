#include "sticky.hpp"

#include "java_order.hpp"

#include <algorithm>
#include <numeric>
#include <optional>
#include <set>

namespace weir::detail {

sticky_problem::sticky_problem(const topic_map& topics, std::span<const joining_member> in_answer_order, sticky_claim (*claim_of)(const joining_member&)) {
    std::vector<std::string> ids;
    for (const auto& each : in_answer_order) ids.push_back(each.id);
    for (const auto at : java_map_order(ids)) members.push_back(&in_answer_order[at]);

    std::vector<int> by_id(members.size());
    std::iota(by_id.begin(), by_id.end(), 0);
    std::sort(by_id.begin(), by_id.end(), [&](int a, int b) { return members[static_cast<std::size_t>(a)]->id < members[static_cast<std::size_t>(b)]->id; });
    rank.resize(members.size());
    for (std::size_t i = 0; i < by_id.size(); ++i) rank[static_cast<std::size_t>(by_id[i])] = static_cast<int>(i);

    std::set<std::string_view> wanted;
    for (const auto* member : members) wanted.insert(member->topics.begin(), member->topics.end());
    first_partition.push_back(0);
    for (const auto& [name, racks] : topics) {
        if (racks.empty() || !wanted.contains(name)) continue;
        topic_of.insert(topic_of.end(), racks.size(), static_cast<int>(topic_names.size()));
        topic_names.push_back(&name);
        racks_of_.push_back(&racks);
        first_partition.push_back(static_cast<int>(topic_of.size()));
    }

    std::optional<std::set<std::string_view>> first_wish;
    std::vector<std::string> member_racks;
    for (const auto* member : members) {
        const std::set<std::string_view> wish{member->topics.begin(), member->topics.end()};
        if (!first_wish) first_wish = wish;
        all_alike = all_alike && wish == *first_wish;
        auto& flags = subscribed.emplace_back(topic_names.size());
        for (std::size_t i = 0; i < topic_names.size(); ++i) flags[i] = wish.contains(*topic_names[i]);
        if (!member->rack.empty()) member_racks.push_back(member->rack);
    }
    racks_ = racks_matter(member_racks, racks_of_);
    read_claims(claim_of);
}

int sticky_problem::number_of(const topic_partition& which) const {
    const auto at = std::lower_bound(topic_names.begin(), topic_names.end(), which.topic, [](const std::string* a, const std::string& b) { return *a < b; });
    if (at == topic_names.end() || **at != which.topic) return nobody;
    const auto topic = static_cast<std::size_t>(at - topic_names.begin());
    const auto exist = first_partition[topic + 1] - first_partition[topic];
    return which.partition >= 0 && which.partition < exist ? first_partition[topic] + which.partition : nobody;
}

// Of two claims to one partition the later generation's holds; in one generation neither does, for nobody can tell.
void sticky_problem::read_claims(sticky_claim (*claim_of)(const joining_member&)) {
    owned.resize(members.size());
    disputed.assign(topic_of.size(), false);
    std::vector<int> holder(topic_of.size(), nobody);
    for (std::size_t member = 0; member < members.size(); ++member) {
        claims.push_back(claim_of(*members[member]));
        const auto generation = claims.back().generation.value_or(-1);
        newest_generation = std::max(newest_generation, generation);
        for (const auto& each : claims.back().partitions) {
            const auto number = number_of(each);
            if (number == nobody) continue;
            auto& held_by = holder[static_cast<std::size_t>(number)];
            if (held_by != nobody) {
                const auto other = static_cast<std::size_t>(held_by);
                const auto other_generation = members[other]->generation.value_or(-1);
                if (generation < other_generation) continue;
                std::erase(owned[other], number);
                held_by = static_cast<int>(member);
                if (generation == other_generation) {
                    disputed[static_cast<std::size_t>(number)] = true;
                    continue;
                }
            }
            owned[member].push_back(number);
            held_by = static_cast<int>(member);
        }
    }
}

bool sticky_problem::near(int member, int partition) const {
    const auto& rack = members[static_cast<std::size_t>(member)]->rack;
    const auto topic = static_cast<std::size_t>(topic_of[static_cast<std::size_t>(partition)]);
    const auto& racks = (*racks_of_[topic])[static_cast<std::size_t>(index_of(partition))];
    return racks_ && !rack.empty() && std::binary_search(racks.begin(), racks.end(), rack);
}

bool sticky_problem::far(int member, int partition) const {
    return racks_ && !members[static_cast<std::size_t>(member)]->rack.empty() && !near(member, partition);
}

int sticky_problem::near_members(int partition) const {
    int found = 0;
    for (int member = 0; member < count(); ++member) found += near(member, partition);
    return found;
}

}  // namespace weir::detail
