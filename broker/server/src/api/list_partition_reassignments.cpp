// ListPartitionReassignments (key 46), v0: partitions with replicas that are being added or removed.
#include "../handlers.hpp"

#include <weir/protocol/messages/list_partition_reassignments.hpp>

namespace weir::server {
namespace {

using protocol::list_partition_reassignments_response;

void add_if_moving(std::vector<list_partition_reassignments_response::ongoing_partition_reassignment>& into, std::int32_t index,
                   const metadata::partition& partition) {
    if (partition.adding_replicas.empty() && partition.removing_replicas.empty()) return;
    auto& row = into.emplace_back();
    row.partition_index = index;
    row.replicas = partition.replicas;
    row.adding_replicas = partition.adding_replicas;
    row.removing_replicas = partition.removing_replicas;
}

}  // namespace

task<list_partition_reassignments_response> handle_list_partition_reassignments(request_context& context,
                                                                                protocol::list_partition_reassignments_request request) {
    list_partition_reassignments_response response;
    response.error_message = std::nullopt;
    const auto image = context.image();
    const auto finish = [&](const std::string& name, auto& moving) {
        if (moving.empty()) return;
        auto& row = response.topics.emplace_back();
        row.name = name;
        row.partitions = std::move(moving);
    };
    if (!request.topics) {
        for (const auto& [name, topic] : image->topics()) {
            std::vector<list_partition_reassignments_response::ongoing_partition_reassignment> moving;
            for (const auto& [index, partition] : topic->partitions) add_if_moving(moving, index, partition);
            finish(name, moving);
        }
        co_return response;
    }
    for (const auto& asked : *request.topics) {
        const auto topic = image->find_topic(asked.name);
        if (!topic) continue;
        std::vector<list_partition_reassignments_response::ongoing_partition_reassignment> moving;
        for (const auto index : asked.partition_indexes)
            if (const auto* partition = topic->partitions.find(index)) add_if_moving(moving, index, *partition);
        finish(asked.name, moving);
    }
    co_return response;
}

}  // namespace weir::server
