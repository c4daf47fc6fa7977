// The order in which Java's hash maps are walked, where an assignor's result depends on it.
#pragma once
#include <weir/protocol/hashes.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace weir::detail {

/// Where java.util.HashMap keeps a hash, in a table of `capacity` (a power of two).
inline std::uint32_t java_bucket(std::int32_t hash, std::size_t capacity) noexcept {
    const auto bits = static_cast<std::uint32_t>(hash);
    return (bits ^ (bits >> 16)) & static_cast<std::uint32_t>(capacity - 1);
}

/// The table's size after that many insertions into an empty map: it doubles when three quarters are used.
inline std::size_t java_capacity(std::size_t entries, std::size_t capacity = 16) noexcept {
    while (entries > capacity / 4 * 3) capacity *= 2;
    return capacity;
}

/// Indices of `keys`, inserted in that order into an empty HashMap, as an iteration visits them.
inline std::vector<std::size_t> java_map_order(const std::vector<std::string>& keys) {
    const auto capacity = java_capacity(keys.size());
    std::vector<std::pair<std::uint32_t, std::size_t>> places;
    for (std::size_t i = 0; i < keys.size(); ++i) places.emplace_back(java_bucket(protocol::java_string_hash(keys[i]), capacity), i);
    std::stable_sort(places.begin(), places.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<std::size_t> order;
    for (const auto& place : places) order.push_back(place.second);
    return order;
}

/// TopicPartition.hashCode().
inline std::int32_t java_hash(const std::string& topic, std::int32_t partition) noexcept {
    const auto first = 31u + static_cast<std::uint32_t>(partition);
    return static_cast<std::int32_t>(first * 31u + static_cast<std::uint32_t>(protocol::java_string_hash(topic)));
}

}  // namespace weir::detail
