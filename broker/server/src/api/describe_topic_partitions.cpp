// DescribeTopicPartitions (key 75), v0: topics in pages of at most max.request.partition.size.limit partitions.
#include "../handlers.hpp"
#include "../refusals.hpp"
#include "../topic_creation.hpp"

#include <weir/protocol/internal_topics.hpp>
#include <weir/protocol/messages/describe_topic_partitions.hpp>

#include <algorithm>

namespace weir::server {
namespace {

using protocol::describe_topic_partitions_request;
using protocol::describe_topic_partitions_response;
using topic_row = describe_topic_partitions_response::describe_topic_partitions_response_topic;

void add_partition(const metadata::image& image, std::int32_t index, const metadata::partition& partition, topic_row& topic) {
    auto& row = topic.partitions.emplace_back();
    row.partition_index = index;
    row.leader_id = partition.leader;
    row.leader_epoch = partition.leader_epoch;
    row.replica_nodes = partition.replicas;
    row.isr_nodes = partition.isr;
    row.eligible_leader_replicas = partition.elr;
    row.last_known_elr = partition.last_known_elr;
    for (const auto id : partition.replicas)
        if (image.offline(partition, id)) row.offline_replicas.push_back(id);
    if (!partition.has_leader()) row.error_code = wire_code(errc::leader_not_available);
}

// A page begins at a partition of a topic that is asked for.
bool makes_sense(const describe_topic_partitions_request& request) {
    if (!request.cursor) return true;
    const auto is_meant = [&](const auto& topic) { return topic.name == request.cursor->topic_name; };
    return request.cursor->partition_index >= 0 &&
           (request.topics.empty() || std::any_of(request.topics.begin(), request.topics.end(), is_meant));
}

}  // namespace

task<describe_topic_partitions_response> handle_describe_topic_partitions(request_context& context,
                                                                          describe_topic_partitions_request request) {
    if (!makes_sense(request)) co_return refusal(request, wire_code(errc::invalid_request));
    describe_topic_partitions_response response;
    const auto image = context.image();
    std::vector<std::string> names;
    if (request.topics.empty())
        for (const auto& [name, topic] : image->topics()) names.push_back(name);
    else
        for (auto& topic : request.topics) names.push_back(std::move(topic.name));
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());

    const auto limit = std::clamp(request.response_partition_limit, 1, context.broker.config.max_request_partition_size_limit);
    std::int32_t left = limit;
    for (const auto& name : names) {
        if (request.cursor && name < request.cursor->topic_name) continue;
        const auto first = request.cursor && name == request.cursor->topic_name ? request.cursor->partition_index : 0;
        const auto* topic = image->find_topic(name);
        if (left == 0) {
            response.next_cursor = describe_topic_partitions_response::cursor{};
            response.next_cursor->topic_name = name;
            response.next_cursor->partition_index = first;
            break;
        }
        auto& row = response.topics.emplace_back();
        row.name = name;
        row.is_internal = protocol::is_internal_topic(name);
        row.topic_authorized_operations = all_topic_operations;
        if (!topic) {
            row.error_code = wire_code(is_valid_topic_name(name) ? errc::unknown_topic_or_partition : errc::invalid_topic);
            continue;
        }
        row.topic_id = topic->id;
        const auto count = static_cast<std::int32_t>(topic->partitions.size());
        auto index = first;
        for (; index < count && left > 0; ++index, --left)
            if (const auto* partition = topic->partitions.find(index)) add_partition(*image, index, *partition, row);
        if (index < count) {
            response.next_cursor = describe_topic_partitions_response::cursor{};
            response.next_cursor->topic_name = name;
            response.next_cursor->partition_index = index;
            break;
        }
    }
    co_return response;
}

}  // namespace weir::server
