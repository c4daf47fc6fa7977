// OffsetCommit (key 8), v2-v10. v2-v4: a retention of its own. v6: leader epoch. v7: static members. v9:
// GROUP_ID_NOT_FOUND. v10: topics by id.
// TxnOffsetCommit (key 28), v0-v5. v2: leader epoch. v3: member, generation, instance.
#include "offset_requests.hpp"
#include "rebalance.hpp"
#include "records.hpp"

#include <limits>

namespace weir::group {

namespace {

constexpr std::int16_t last_with_retention = 4;
constexpr std::int16_t knows_missing_group = 9;

/// Who commits, in the terms both requests share.
struct committer {
    const std::string& group_id;
    const std::string& member_id;
    const std::optional<std::string>& instance_id;
    std::int32_t generation;
    bool transactional;
};

errc check(const classic_group& group, const committer& who) {
    // Generation -1: a tool, or a consumer that only stores offsets. Fine while nobody owns the partitions.
    if (who.generation < 0 && group.state == group_state::empty) return errc::none;
    if (who.generation >= 0 || !who.member_id.empty() || who.instance_id) {
        if (const auto wrong = group.check_member(who.member_id, who.instance_id); wrong != errc::none) return wrong;
        if (who.generation != group.generation) return errc::illegal_generation;
    } else if (!who.transactional && group.state != group_state::empty) {
        return errc::unknown_member_id;
    }
    // The member knows the new generation, yet its partitions may be another's before it has its assignment.
    if (!who.transactional && group.state == group_state::completing_rebalance) return errc::rebalance_in_progress;
    return errc::none;
}

/// Kafka counts UTF-16 code units.
std::size_t utf16_length(std::string_view text) {
    std::size_t units = 0;
    for (const auto c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte & 0xc0) != 0x80) units += byte >= 0xf0 ? 2 : 1;
    }
    return units;
}

/// One partition of either request.
template <class Partition>
errc commit_one(shard_state& shard, std::vector<record>& records, const std::string& group_id, std::string_view topic,
                const uuid& topic_id, const Partition& partition, timestamp_ms expiry, instant now) {
    const auto& metadata = partition.committed_metadata;
    if (metadata && utf16_length(*metadata) > static_cast<std::size_t>(shard.config.offset_metadata_max_bytes))
        return errc::offset_metadata_too_large;
    committed_offset value;
    value.offset = partition.committed_offset;
    value.leader_epoch = partition.committed_leader_epoch;
    value.metadata = metadata.value_or("");
    value.commit_timestamp = now.wall;
    value.expire_timestamp = expiry;
    value.topic_id = topic_id;
    records.push_back(offset_record(group_id, topic, partition.partition_index, value));
    return errc::none;
}

timestamp_ms expiry_of(const request_context& context, const protocol::offset_commit_request& request, instant now) {
    if (context.api_version > last_with_retention || request.retention_time_ms < 0) return -1;
    const auto room = std::numeric_limits<timestamp_ms>::max() - now.wall;
    return now.wall + std::min(request.retention_time_ms, room);
}

errc check(shard_state& shard, const request_context& context, const protocol::offset_commit_request& request,
           instant now) {
    auto* group = shard.find(request.group_id);
    if (!group) {
        // The replay of the first offset makes the group.
        if (request.generation_id_or_member_epoch < 0) return errc::none;
        return context.api_version >= knows_missing_group ? errc::group_id_not_found : errc::illegal_generation;
    }
    const committer who{request.group_id, request.member_id, request.group_instance_id,
                        request.generation_id_or_member_epoch, false};
    if (const auto wrong = check(*group, who); wrong != errc::none) return wrong;
    // A commit is as good as a heartbeat.
    if (auto* m = group->find(request.member_id); m && group->state != group_state::empty) {
        std::vector<record> none;
        rebalancer{shard, none, now}.reset_session(*group, *m);
    }
    return errc::none;
}

}  // namespace

decision<protocol::offset_commit_response> offset_commit(shard_state& shard, const request_context& context,
                                                         const protocol::offset_commit_request& request, instant now) {
    decision<protocol::offset_commit_response> out;
    auto& response = out.response.emplace();
    const auto refused = check(shard, context, request, now);
    const auto expiry = expiry_of(context, request, now);
    for (const auto& topic : request.topics) {
        auto& answered = response.topics.emplace_back();
        answered.name = topic.name;
        answered.topic_id = topic.topic_id;
        std::string name = topic.name;
        auto id = topic.topic_id;
        auto outcome = refused;
        if (context.api_version < names_topics_by_id) {
            id = shard.topics.id_of(name);
        } else if (name.empty()) {
            auto found = shard.topics.name_of(id);
            if (found)
                name = std::move(*found);
            else if (outcome == errc::none)
                outcome = errc::unknown_topic_id;
        }
        for (const auto& partition : topic.partitions) {
            auto& done = answered.partitions.emplace_back();
            done.partition_index = partition.partition_index;
            done.error_code = wire_code(outcome != errc::none ? outcome
                                                              : commit_one(shard, out.records, request.group_id, name,
                                                                           id, partition, expiry, now));
        }
    }
    shard.totals.offset_commits += out.records.size();
    return out;
}

decision<protocol::txn_offset_commit_response> txn_offset_commit(shard_state& shard,
                                                                 const protocol::txn_offset_commit_request& request,
                                                                 instant now) {
    decision<protocol::txn_offset_commit_response> out;
    auto& response = out.response.emplace();
    auto refused = errc::none;
    const committer who{request.group_id, request.member_id, request.group_instance_id, request.generation_id, true};
    if (request.group_id.empty())
        refused = errc::invalid_group_id;
    else if (const auto* group = shard.find(request.group_id))
        refused = check(*group, who);
    else if (request.generation_id >= 0)
        refused = errc::illegal_generation;
    for (const auto& topic : request.topics) {
        auto& answered = response.topics.emplace_back();
        answered.name = topic.name;
        const auto id = shard.topics.id_of(topic.name);
        for (const auto& partition : topic.partitions) {
            auto& done = answered.partitions.emplace_back();
            done.partition_index = partition.partition_index;
            done.error_code = wire_code(refused != errc::none ? refused
                                                              : commit_one(shard, out.records, request.group_id,
                                                                           topic.name, id, partition, -1, now));
        }
    }
    shard.totals.offset_commits += out.records.size();
    return out;
}

}  // namespace weir::group
