// Where replicas could go: evenly over brokers, and over racks when all have one.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace weir::tools {

struct placement_broker {
    std::int32_t id;
    std::optional<std::string> rack{};
};

/// For each partition its replicas, the preferred leader first; `factor` is at most the number of brokers. Leaders go round
/// the brokers; the others follow at a distance that changes each time round, so that one broker's replicas spread over all.
/// With racks, no rack has two replicas of a partition while there is one without.
std::vector<std::vector<std::int32_t>> place_replicas(std::vector<placement_broker> brokers, std::size_t partitions, std::size_t factor);

}  // namespace weir::tools
