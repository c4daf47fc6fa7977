#include "consumer_protocol.hpp"

#include <weir/protocol/embedded.hpp>
#include <weir/protocol/messages/consumer_protocol.hpp>

#include <algorithm>

namespace weir::detail {
namespace {

template <class List>
void put(std::vector<topic_partition> partitions, List& into) {
    std::sort(partitions.begin(), partitions.end());
    for (auto& each : partitions) {
        if (into.empty() || into.back().topic != each.topic) into.emplace_back().topic = std::move(each.topic);
        into.back().partitions.push_back(each.partition);
    }
}

template <class List>
std::vector<topic_partition> take(const List& from) {
    std::vector<topic_partition> partitions;
    for (const auto& topic : from) {
        for (const auto each : topic.partitions) partitions.push_back({topic.topic, each});
    }
    return partitions;
}

}  // namespace

result<bytes> encode_subscription(const joining_member& member) {
    protocol::consumer_protocol_subscription message;
    message.topics = member.topics;
    std::sort(message.topics.begin(), message.topics.end());
    message.user_data = member.user_data;
    put(member.owned, message.owned_partitions);
    message.generation_id = member.generation.value_or(-1);
    if (!member.rack.empty()) message.rack_id = member.rack;
    return protocol::encode_versioned(message, protocol::consumer_protocol_subscription::max_version);
}

result<joining_member> decode_subscription(bytes_view metadata) {
    auto read = protocol::decode_versioned<protocol::consumer_protocol_subscription>(metadata);
    if (!read) return read.error();
    joining_member member;
    member.topics = std::move(read->topics);
    member.owned = take(read->owned_partitions);
    if (read->generation_id >= 0) member.generation = read->generation_id;
    member.rack = read->rack_id.value_or("");
    member.user_data = std::move(read->user_data);
    return member;
}

result<bytes> encode_assignment(const std::vector<topic_partition>& partitions) {
    protocol::consumer_protocol_assignment message;
    put(partitions, message.assigned_partitions);
    return protocol::encode_versioned(message, protocol::consumer_protocol_assignment::max_version);
}

result<std::vector<topic_partition>> decode_assignment(bytes_view assignment) {
    if (assignment.empty()) return std::vector<topic_partition>{};
    auto read = protocol::decode_versioned<protocol::consumer_protocol_assignment>(assignment);
    if (!read) return read.error();
    return take(read->assigned_partitions);
}

}  // namespace weir::detail
