// DescribeQuorum (key 55), v0-v2. v1: when replicas last fetched. v2: directory ids, addresses.
#include "../handlers.hpp"

#include <weir/protocol/messages/describe_quorum.hpp>
#include <weir/server/quorum_view.hpp>

namespace weir::server {
namespace {

// There is one log to ask about, and who asks about anything else beside it is told of nothing, as in Kafka.
bool asks_for_metadata(const protocol::describe_quorum_request& request) {
    return request.topics.size() == 1 && request.topics[0].topic_name == "__cluster_metadata" && request.topics[0].partitions.size() == 1 &&
           request.topics[0].partitions[0].partition_index == 0;
}

}  // namespace

task<protocol::describe_quorum_response> handle_describe_quorum(request_context& context, protocol::describe_quorum_request request) {
    protocol::describe_quorum_response response;
    const bool known = asks_for_metadata(request);
    for (const auto& topic : request.topics) {
        auto& answered = response.topics.emplace_back();
        answered.topic_name = topic.topic_name;
        for (const auto& part : topic.partitions) {
            if (known) {
                auto asking = context.broker.quorum.describe(context.core.loop);
                auto described = co_await asking;
                answered.partitions.push_back(std::move(described.partition));
                if (context.version() >= 2) {
                    response.nodes = std::move(described.nodes);
                } else {
                    // Before version 2 a replica is known by its node alone.
                    for (auto* list : {&answered.partitions.back().current_voters, &answered.partitions.back().observers})
                        for (auto& replica : *list) replica.replica_directory_id = {};
                }
                continue;
            }
            auto& row = answered.partitions.emplace_back();
            row.partition_index = part.partition_index;
            row.error_code = wire_code(errc::unknown_topic_or_partition);
            if (context.version() >= 2) row.error_message = "the quorum is described by partition 0 of __cluster_metadata, asked for alone";
        }
    }
    co_return response;
}

}  // namespace weir::server
