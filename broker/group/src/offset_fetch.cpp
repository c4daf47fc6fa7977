// OffsetFetch (key 9), one group of it. v7: require_stable (KIP-447). v9: member and epoch of the consumer protocol,
// which classic groups have no use for. v10: topics by id.
#include "offset_requests.hpp"

namespace weir::group {

namespace {

using fetch_response = protocol::offset_fetch_response;

void fill(fetch_response::offset_fetch_response_partitions& out, const committed_offset* found, bool unstable) {
    out.committed_offset = -1;
    out.committed_leader_epoch = -1;
    out.metadata = "";
    if (unstable) {
        out.error_code = wire_code(errc::unstable_offset_commit);
    } else if (found) {
        out.committed_offset = found->offset;
        out.committed_leader_epoch = found->leader_epoch;
        out.metadata = found->metadata;
    }
}

void fetch_all(const shard_state& shard, const std::string& group_id, std::int16_t api_version, bool require_stable,
               fetch_response::offset_fetch_response_group& out) {
    const auto* topics = shard.offsets.of_group(group_id);
    if (!topics) return;
    for (const auto& [topic, partitions] : *topics) {
        uuid id;
        if (api_version >= names_topics_by_id) {
            // A caller that knows ids alone cannot be told of a topic that has none any more.
            id = shard.topics.id_of(topic);
            if (id.is_zero()) continue;
        }
        auto& answered = out.topics.emplace_back();
        answered.name = topic;
        answered.topic_id = id;
        for (const auto& [partition, value] : partitions) {
            auto& one = answered.partitions.emplace_back();
            one.partition_index = partition;
            fill(one, &value, require_stable && shard.offsets.has_pending(group_id, topic, partition));
        }
    }
}

}  // namespace

fetch_response::offset_fetch_response_group offset_fetch(
    const shard_state& shard, const protocol::offset_fetch_request::offset_fetch_request_group& request,
    std::int16_t api_version, bool require_stable) {
    fetch_response::offset_fetch_response_group out;
    out.group_id = request.group_id;
    // Offsets of a group that is gone are not worth reading.
    const bool known = shard.find(request.group_id) != nullptr;
    if (!request.topics) {
        if (known) fetch_all(shard, request.group_id, api_version, require_stable, out);
        return out;
    }
    for (const auto& topic : *request.topics) {
        auto& answered = out.topics.emplace_back();
        answered.name = topic.name;
        answered.topic_id = topic.topic_id;
        std::string name = topic.name;
        bool named = true;
        if (api_version >= names_topics_by_id && name.empty()) {
            auto found = shard.topics.name_of(topic.topic_id);
            named = found.has_value();
            if (found) name = std::move(*found);
        }
        for (const auto partition : topic.partition_indexes) {
            auto& one = answered.partitions.emplace_back();
            one.partition_index = partition;
            const auto* value = known && named ? shard.offsets.find(request.group_id, name, partition) : nullptr;
            // A topic of that name was made anew since: its offsets mean nothing here.
            if (value && !topic.topic_id.is_zero() && !value->topic_id.is_zero() && value->topic_id != topic.topic_id)
                value = nullptr;
            fill(one, value, require_stable && named && shard.offsets.has_pending(request.group_id, name, partition));
            if (!named) one.error_code = wire_code(errc::unknown_topic_id);
        }
    }
    return out;
}

}  // namespace weir::group
