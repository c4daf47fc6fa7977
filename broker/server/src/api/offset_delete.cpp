// OffsetDelete (key 47), v0.
#include "../group_calls.hpp"
#include "../handlers.hpp"

#include <weir/protocol/messages/offset_delete.hpp>

#include <algorithm>

namespace weir::server {

task<protocol::offset_delete_response> handle_offset_delete(request_context& context, protocol::offset_delete_request request) {
    // Partitions that are not there are refused here; the coordinator sees the rest.
    const auto image = context.image();
    std::vector<protocol::offset_delete_response::offset_delete_response_topic> refused;
    for (auto& topic : request.topics) {
        const auto* known = image->find_topic(topic.name);
        auto& answer = refused.emplace_back();
        answer.name = topic.name;
        std::erase_if(topic.partitions, [&](const auto& part) {
            if (known && known->partitions.find(part.partition_index)) return false;
            auto& row = answer.partitions.emplace_back();
            row.partition_index = part.partition_index;
            row.error_code = wire_code(errc::unknown_topic_or_partition);
            return true;
        });
    }
    std::erase_if(request.topics, [](const auto& topic) { return topic.partitions.empty(); });
    auto asking = context.broker.groups.offset_delete(group_call(context), std::move(request));
    auto response = co_await asking;
    if (response.error_code != 0) co_return response;
    for (auto& each : refused) {
        if (each.partitions.empty()) continue;
        const auto same = std::find_if(response.topics.begin(), response.topics.end(), [&](const auto& row) { return row.name == each.name; });
        if (same == response.topics.end()) response.topics.push_back(std::move(each));
        else same->partitions.insert(same->partitions.end(), each.partitions.begin(), each.partitions.end());
    }
    co_return response;
}

}  // namespace weir::server
