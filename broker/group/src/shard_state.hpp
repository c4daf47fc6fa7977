// What the parts of a shard share: its groups, offsets, timers and the answers that became ready.
#pragma once
#include "classic_group.hpp"
#include "offset_store.hpp"

#include <weir/base/random.hpp>

#include <string>
#include <unordered_map>
#include <vector>

namespace weir::group {

struct shard_state {
    shard_state(group_config config, const topic_directory& topics, std::uint64_t seed)
        : config(config),
          topics(topics),
          random(seed) {}

    const group_config config;
    const topic_directory& topics;
    random_source random;
    std::unordered_map<std::string, classic_group> groups;
    offset_store offsets;
    deadline_queue deadlines;
    deadline_handle next_expiry;
    std::vector<reply> replies;
    shard_counters totals;  // the running ones; sizes are counted when asked for

    classic_group* find(std::string_view group_id) {
        const auto at = groups.find(std::string{group_id});
        return at == groups.end() ? nullptr : &at->second;
    }
    const classic_group* find(std::string_view group_id) const {
        const auto at = groups.find(std::string{group_id});
        return at == groups.end() ? nullptr : &at->second;
    }
    classic_group& find_or_add(const std::string& group_id) {
        return groups.try_emplace(group_id, group_id).first->second;
    }

    void answer(reply_token& parked, protocol::join_group_response response) {
        if (parked == reply_token::none) return;
        replies.push_back({std::exchange(parked, reply_token::none), std::move(response)});
    }
    void answer(reply_token& parked, protocol::sync_group_response response) {
        if (parked == reply_token::none) return;
        replies.push_back({std::exchange(parked, reply_token::none), std::move(response)});
    }
};

/// An answer that says no more than an error.
protocol::join_group_response join_error(errc why, std::string_view member_id);
protocol::sync_group_response sync_error(errc why);

}  // namespace weir::group
