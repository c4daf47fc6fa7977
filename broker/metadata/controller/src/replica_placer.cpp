#include "replica_placer.hpp"

#include "cluster_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace weir::metadata {

std::vector<replica_placer::candidate> replica_placer::take_turns(const std::vector<std::vector<candidate>>& racks) {
    std::vector<candidate> mixed;
    std::size_t longest = 0;
    for (const auto& rack : racks) longest = std::max(longest, rack.size());
    for (std::size_t turn = 0; turn < longest; ++turn)
        for (const auto& rack : racks)
            if (turn < rack.size()) mixed.push_back(rack[turn]);
    return mixed;
}

replica_placer::replica_placer(const image& cluster, random_source& random) {
    std::map<std::optional<std::string>, std::size_t> numbers;
    for (const auto& [id, each] : cluster.brokers()) numbers.try_emplace(each.rack, numbers.size());
    racks_ = numbers.size();
    std::vector<std::vector<candidate>> active(racks_), inactive(racks_);
    for (const auto& [id, each] : cluster.brokers()) {
        if (!each.log_dirs.empty() && open_directories(each).empty()) {
            ++cordoned_;
            continue;
        }
        const auto rack = numbers.at(each.rack);
        (each.active() ? active : inactive)[rack].push_back({id, rack});
    }
    active_ = take_turns(active);
    inactive_ = take_turns(inactive);
    // A random start, so that many topics of one partition do not all begin on the first broker.
    if (!active_.empty()) leader_ = random.below(active_.size());
    if (!active_.empty()) rotation_ = random.below(active_.size());
}

result<void> replica_placer::check(std::int32_t replication_factor) const {
    const auto cordoned = cordoned_ > 0 ? fmt::format("; {} with cordoned log directories alone", cordoned_) : std::string{};
    if (active_.empty())
        return error{
            errc::invalid_replication_factor,
            fmt::format("Unable to replicate the partition {} time(s): no broker is active; {} registered, all "
                        "fenced or shutting down{}",
                        replication_factor, inactive_.size(), cordoned)};
    if (static_cast<std::size_t>(replication_factor) > active_.size() + inactive_.size())
        return error{errc::invalid_replication_factor,
                     fmt::format("Unable to replicate the partition {} time(s): only {} broker(s) are registered{}",
                                 replication_factor, active_.size() + inactive_.size(), cordoned)};
    return {};
}

std::vector<broker_id> replica_placer::next(std::size_t replication_factor) {
    std::vector<broker_id> replicas;
    replicas.reserve(replication_factor);
    std::vector<bool> rack_used(racks_);
    std::size_t racks_used = 0;
    const auto take = [&](const candidate& from) {
        replicas.push_back(from.id);
        if (!rack_used[from.rack]) {
            rack_used[from.rack] = true;
            ++racks_used;
        }
    };
    take(active_[leader_]);
    // First new racks, then any broker that is left; among each, active ones before the others.
    for (const bool new_rack : {true, false}) {
        for (const auto* group : {&active_, &inactive_}) {
            for (std::size_t step = 0; step < group->size() && replicas.size() < replication_factor; ++step) {
                if (new_rack && racks_used == racks_) break;
                const auto& each = (*group)[(leader_ + 1 + rotation_ + round_ + step) % group->size()];
                if (new_rack && rack_used[each.rack]) continue;
                if (std::find(replicas.begin(), replicas.end(), each.id) != replicas.end()) continue;
                take(each);
            }
        }
    }
    leader_ = (leader_ + 1) % active_.size();
    if (++led_ % active_.size() == 0) ++round_;
    return replicas;
}

}  // namespace weir::metadata
