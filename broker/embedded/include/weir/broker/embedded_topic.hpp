// A topic that is there from the beginning.
#pragma once
#include <cstdint>
#include <map>
#include <string>

namespace weir::broker {

struct embedded_topic {
    std::string name{};
    std::int32_t partitions = 1;
    std::int16_t replication = 1;                 ///< at most the number of nodes
    std::map<std::string, std::string> configs{}; ///< Kafka's names: {{"cleanup.policy", "compact"}}
};

}  // namespace weir::broker
