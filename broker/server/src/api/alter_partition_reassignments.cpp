// AlterPartitionReassignments (key 45), v0-v1. v1: whether the number of replicas may change.
// The only broker there is keeps its replicas: a plan is checked, and what it asks for is so or cannot be. Tools send one
// before they move partitions between log directories.
#include "../handlers.hpp"

#include <weir/protocol/messages/alter_partition_reassignments.hpp>

#include <algorithm>

namespace weir::server {
namespace {

using protocol::alter_partition_reassignments_request;
using protocol::alter_partition_reassignments_response;

error check(const metadata::image& image, const std::string& name, const alter_partition_reassignments_request::reassignable_partition& wanted) {
    const auto topic = image.find_topic(name);
    const auto* partition = topic ? topic->partitions.find(wanted.partition_index) : nullptr;
    if (!partition) return error{errc::unknown_topic_or_partition, "there is no partition " + name + "-" + std::to_string(wanted.partition_index)};
    if (!wanted.replicas) return error{errc::no_reassignment_in_progress, "no replica of " + name + "-" + std::to_string(wanted.partition_index) + " is being moved"};
    auto target = *wanted.replicas;
    std::sort(target.begin(), target.end());
    if (target.empty()) return error{errc::invalid_replica_assignment, "a partition has at least one replica"};
    if (std::adjacent_find(target.begin(), target.end()) != target.end())
        return error{errc::invalid_replica_assignment, "a broker is named twice"};
    for (const auto id : target)
        if (!image.find_broker(id)) return error{errc::invalid_replica_assignment, "there is no broker " + std::to_string(id)};
    auto current = partition->replicas;
    std::sort(current.begin(), current.end());
    if (target != current) return error{errc::invalid_replica_assignment, "this broker does not move replicas to or from others"};
    return {};
}

}  // namespace

task<alter_partition_reassignments_response> handle_alter_partition_reassignments(request_context& context,
                                                                                  alter_partition_reassignments_request request) {
    alter_partition_reassignments_response response;
    response.error_message = std::nullopt;
    response.allow_replication_factor_change = request.allow_replication_factor_change;
    const auto image = context.image();
    for (const auto& topic : request.topics) {
        auto& answered = response.responses.emplace_back();
        answered.name = topic.name;
        for (const auto& wanted : topic.partitions) {
            auto& row = answered.partitions.emplace_back();
            row.partition_index = wanted.partition_index;
            row.error_message = std::nullopt;
            if (const auto why = check(*image, topic.name, wanted)) {
                row.error_code = wire_code(why.code());
                row.error_message = std::string{why.what()};
            }
        }
    }
    co_return response;
}

}  // namespace weir::server
