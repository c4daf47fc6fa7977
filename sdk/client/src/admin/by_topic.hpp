// Requests name a topic once, with its partitions below it.
#pragma once
#include <weir/topic.hpp>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace weir::detail {

/// The entry of `name` in a request's list of topics: the last one when it is that, as sorted keys make it; else a new one.
template <class Topic>
Topic& entry_of(std::vector<Topic>& topics, std::string Topic::* member, const std::string& name) {
    if (topics.empty() || topics.back().*member != name) topics.emplace_back().*member = name;
    return topics.back();
}

template <class Value>
std::vector<topic_partition> partitions_of(const std::map<topic_partition, Value>& from) {
    std::vector<topic_partition> keys;
    keys.reserve(from.size());
    for (const auto& each : from) keys.push_back(each.first);
    return keys;
}
inline std::vector<topic_partition> sorted(std::vector<topic_partition> partitions) {
    std::sort(partitions.begin(), partitions.end());
    partitions.erase(std::unique(partitions.begin(), partitions.end()), partitions.end());
    return partitions;
}

}  // namespace weir::detail
