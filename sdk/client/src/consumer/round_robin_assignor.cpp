#include "assignor.hpp"

#include <algorithm>
#include <set>

namespace weir::detail {
namespace {

assignment_map assign(const topic_map& topics, std::span<const joining_member> members) {
    assignment_map all;
    std::vector<std::set<std::string>> wants;
    const auto sorted = sorted_members(members);
    for (const auto* member : sorted) {
        all[member->id];
        wants.emplace_back(member->topics.begin(), member->topics.end());
    }
    std::size_t turn = 0;
    for (const auto& [name, racks] : topics) {
        if (std::none_of(wants.begin(), wants.end(), [&, &name = name](const auto& each) { return each.contains(name); })) continue;
        for (std::size_t i = 0; i < racks.size(); ++i) {
            while (!wants[turn].contains(name)) turn = (turn + 1) % sorted.size();
            all[sorted[turn]->id].push_back({name, static_cast<std::int32_t>(i)});
            turn = (turn + 1) % sorted.size();
        }
    }
    return all;
}

std::optional<bytes> user_data(const std::vector<topic_partition>*, std::int32_t) { return std::nullopt; }

}  // namespace

const assignor round_robin_assignor{"roundrobin", "org.apache.kafka.clients.consumer.RoundRobinAssignor", false, assign, user_data};

}  // namespace weir::detail
