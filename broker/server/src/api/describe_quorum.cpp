// DescribeQuorum (key 55), v0-v2. v1: when replicas last fetched. v2: directory ids, addresses.
#include "../handlers.hpp"

#include <weir/protocol/messages/describe_quorum.hpp>
#include <weir/server/quorum_view.hpp>

namespace weir::server {

task<protocol::describe_quorum_response> handle_describe_quorum(request_context& context, protocol::describe_quorum_request request) {
    protocol::describe_quorum_response response;
    for (const auto& topic : request.topics) {
        auto& answered = response.topics.emplace_back();
        answered.topic_name = topic.topic_name;
        for (const auto& part : topic.partitions) {
            if (topic.topic_name == "__cluster_metadata" && part.partition_index == 0) {
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
        }
    }
    co_return response;
}

}  // namespace weir::server
