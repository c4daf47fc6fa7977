// The JSON files that Kafka's tools share: {"version":1,"partitions":[{"topic":"t","partition":0,...}]}.
#pragma once
#include <weir/topic.hpp>

#include <optional>
#include <string>
#include <vector>

namespace weir::tools {

struct partition_entry {
    topic_partition where;
    std::optional<std::int64_t> offset{};                 ///< delete-records
    std::optional<std::vector<std::int32_t>> replicas{};  ///< reassign-partitions
    std::vector<std::string> log_dirs{};                  ///< of the replicas, "any" for no wish; empty: no wishes
};

/// Throws weir::exception: errc::not_found, or errc::malformed with what is wrong where.
std::vector<partition_entry> read_partitions(const std::string& path);
/// {"version":1,"topics":[{"topic":"t"}]}
std::vector<std::string> read_topics(const std::string& path);

}  // namespace weir::tools
