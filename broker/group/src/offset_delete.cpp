// OffsetDelete (key 47), v0 (KIP-496), and the other ways offsets go: retention (KIP-211) and deleted topics.
#include "offset_requests.hpp"
#include "records.hpp"

#include <weir/base/log.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace weir::group {

namespace {

log::logger offset_delete_logs{"weir.group.offsets"};

/// From when the retention of an offset counts; nullopt: it stays, whatever its age.
std::optional<timestamp_ms> retention_start(const classic_group& group, const committed_offset& value) {
    if (!group.protocol_type) return value.commit_timestamp;  // only stores offsets
    if (group.state == group_state::empty)
        return group.state_timestamp != -1 ? group.state_timestamp : value.commit_timestamp;
    if (group.state == group_state::stable && group.is_consumer() && group.subscribed_topics)
        return value.commit_timestamp;
    return std::nullopt;
}

bool expired(const classic_group& group, const committed_offset& value, std::int64_t retention_ms, timestamp_ms now) {
    const auto start = retention_start(group, value);
    if (!start) return false;
    if (value.expire_timestamp != -1) return now >= value.expire_timestamp;
    return now - *start >= retention_ms;
}

}  // namespace

decision<protocol::offset_delete_response> offset_delete(shard_state& shard,
                                                         const protocol::offset_delete_request& request) {
    decision<protocol::offset_delete_response> out;
    auto& response = out.response.emplace();
    const auto refuse = [&](errc why) {
        response.error_code = wire_code(why);
        return std::move(out);
    };
    if (request.group_id.empty()) return refuse(errc::invalid_group_id);
    const auto* group = shard.find(request.group_id);
    if (!group) return refuse(errc::group_id_not_found);
    // Of other protocols we cannot know what the members are interested in.
    if (group->state != group_state::empty && !group->is_consumer()) return refuse(errc::non_empty_group);
    for (const auto& topic : request.topics) {
        auto& answered = response.topics.emplace_back();
        answered.name = topic.name;
        const bool subscribed = group->state != group_state::empty && group->is_subscribed(topic.name);
        for (const auto& partition : topic.partitions) {
            auto& done = answered.partitions.emplace_back();
            done.partition_index = partition.partition_index;
            if (subscribed) {
                done.error_code = wire_code(errc::group_subscribed_to_topic);
            } else if (shard.offsets.find(request.group_id, topic.name, partition.partition_index) ||
                       shard.offsets.has_pending(request.group_id, topic.name, partition.partition_index)) {
                out.records.push_back(offset_tombstone(request.group_id, topic.name, partition.partition_index));
            }
        }
    }
    shard.totals.offset_deletions += out.records.size();
    return out;
}

std::vector<record> expire_offsets(shard_state& shard, instant now) {
    std::vector<record> records;
    const auto retention_ms = std::int64_t{shard.config.offsets_retention_minutes} * 60'000;
    std::size_t offsets = 0;
    std::size_t groups = 0;
    for (const auto& [id, group] : shard.groups) {
        bool all_gone = true;
        if (const auto* topics = shard.offsets.of_group(id)) {
            for (const auto& [topic, partitions] : *topics) {
                const bool subscribed = group.state != group_state::empty && group.is_subscribed(topic);
                for (const auto& [partition, value] : partitions) {
                    // A transaction may be about to replace it.
                    if (!subscribed && expired(group, value, retention_ms, now.wall) &&
                        !shard.offsets.has_pending(id, topic, partition)) {
                        records.push_back(offset_tombstone(id, topic, partition));
                        ++offsets;
                    } else {
                        all_gone = false;
                    }
                }
            }
        }
        if (all_gone && group.recorded && group.state == group_state::empty && group.pending_members.empty() &&
            !shard.offsets.has_open_transactions(id)) {
            records.push_back(group_tombstone(id));
            ++groups;
        }
    }
    shard.totals.offset_expirations += offsets;
    if (!records.empty()) offset_delete_logs.info(fmt::format("{} offsets and {} groups are past their retention", offsets, groups));
    return records;
}

std::vector<record> topics_deleted(shard_state& shard, std::span<const std::string> names) {
    std::vector<record> records;
    for (const auto& name : names) {
        std::set<std::pair<std::string, std::int32_t>> affected;
        shard.offsets.for_each_of_topic(
            name, [&](const std::string& group, std::int32_t partition) { affected.emplace(group, partition); });
        for (const auto& [group, partition] : affected) records.push_back(offset_tombstone(group, name, partition));
    }
    shard.totals.offset_deletions += records.size();
    return records;
}

}  // namespace weir::group
