// What a request names more than once. Kafka reads the lists of some requests into maps, and so do we.
#pragma once
#include <algorithm>
#include <cstdint>
#include <functional>
#include <iterator>
#include <numeric>
#include <vector>

namespace weir::server {

/// Of entries with the same key the first is left, where it stood; `merge(first, later)` is called for each of the others,
/// in their order, and leaves the key as it is.
template <class Entry, class Key, class Merge>
void unite(std::vector<Entry>& list, Key key, Merge merge) {
    if (list.size() < 2) return;
    const auto key_of = [&](std::size_t at) -> decltype(auto) { return std::invoke(key, list[at]); };
    // As most clients send them: in order, which needs no memory to see.
    const auto rises = [&](const Entry& left, const Entry& right) { return std::invoke(key, left) < std::invoke(key, right); };
    if (std::adjacent_find(list.begin(), list.end(), [&](const Entry& left, const Entry& right) { return !rises(left, right); }) == list.end()) return;
    std::vector<std::size_t> order(list.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t left, std::size_t right) { return key_of(left) < key_of(right); });
    std::vector<bool> gone(list.size());
    bool any = false;
    for (std::size_t first = 0, next = 1; next < order.size(); ++next) {
        if (key_of(order[first]) < key_of(order[next])) {
            first = next;
            continue;
        }
        merge(list[order[first]], list[order[next]]);
        gone[order[next]] = true;
        any = true;
    }
    if (!any) return;
    std::size_t kept = 0;
    for (std::size_t at = 0; at < list.size(); ++at) {
        if (gone[at]) continue;
        if (kept != at) list[kept] = std::move(list[at]);
        ++kept;
    }
    list.erase(list.begin() + static_cast<std::ptrdiff_t>(kept), list.end());
}

/// Topics with the same key become one with the partitions of all.
template <class Topic, class Key, class Partitions>
void unite_topics(std::vector<Topic>& topics, Key key, Partitions partitions) {
    unite(topics, key, [&](Topic& first, Topic& later) {
        auto& into = std::invoke(partitions, first);
        auto& from = std::invoke(partitions, later);
        into.insert(into.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
    });
}

/// Topics and the partitions in them, each once: what was said last of a partition counts, as in a map.
template <class Topic, class Key, class Partitions, class Index>
void unite_partitions(std::vector<Topic>& topics, Key key, Partitions partitions, Index index) {
    unite_topics(topics, key, partitions);
    for (auto& topic : topics)
        unite(std::invoke(partitions, topic), index, [](auto& first, auto& later) { first = std::move(later); });
}

}  // namespace weir::server
