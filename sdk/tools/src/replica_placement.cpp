#include "replica_placement.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace weir::tools {
namespace {

/// Brokers of different racks in turn: a of r1, c of r2, b of r1, d of r2.
std::vector<placement_broker> alternating(const std::vector<placement_broker>& brokers) {
    std::map<std::string, std::vector<placement_broker>> by_rack;
    for (const auto& each : brokers) by_rack[each.rack.value_or("")].push_back(each);
    std::vector<placement_broker> order;
    for (std::size_t turn = 0; order.size() < brokers.size(); ++turn) {
        for (const auto& [rack, members] : by_rack) {
            if (turn < members.size()) order.push_back(members[turn]);
        }
    }
    return order;
}

}  // namespace

std::vector<std::vector<std::int32_t>> place_replicas(std::vector<placement_broker> brokers, std::size_t partitions, std::size_t factor) {
    std::sort(brokers.begin(), brokers.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
    const bool racks = std::all_of(brokers.begin(), brokers.end(), [](const auto& each) { return each.rack.has_value(); });
    if (racks) brokers = alternating(brokers);
    std::set<std::string> all_racks;
    for (const auto& each : brokers) all_racks.insert(each.rack.value_or(""));
    const auto count = brokers.size();
    std::vector<std::vector<std::int32_t>> placed;
    for (std::size_t partition = 0; partition < partitions; ++partition) {
        auto& replicas = placed.emplace_back();
        std::set<std::string> used;
        std::set<std::int32_t> taken;
        const auto take = [&](const placement_broker& broker) {
            replicas.push_back(broker.id);
            taken.insert(broker.id);
            used.insert(broker.rack.value_or(""));
        };
        const auto first = partition % count;
        take(brokers[first]);
        const auto shift = count > 1 ? 1 + partition / count % (count - 1) : 0;
        for (std::size_t step = 0; replicas.size() < factor; ++step) {
            const auto& next = brokers[(first + shift + step) % count];
            if (taken.contains(next.id)) continue;
            // Twice round without racks to spare: then any broker will do.
            const bool repeats = racks && used.contains(next.rack.value_or("")) && used.size() < all_racks.size();
            if (!repeats || step > 2 * count) take(next);
        }
    }
    return placed;
}

}  // namespace weir::tools
