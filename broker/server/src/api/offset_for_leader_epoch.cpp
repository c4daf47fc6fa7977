// OffsetForLeaderEpoch (key 23), v2-v4. v3: replica id. v4: flexible.
#include "../handlers.hpp"

#include <weir/protocol/messages/offset_for_leader_epoch.hpp>

namespace weir::server {
namespace {

using protocol::offset_for_leader_epoch_request;
using protocol::offset_for_leader_epoch_response;

result<storage::epoch_end> end_of_epoch(const replica::partition& partition, std::int32_t current_epoch,
                                        std::int32_t epoch) {
    if (current_epoch < -1) return errc::fenced_leader_epoch;  // -1 alone says nothing
    if (const auto code = partition.check_epoch(current_epoch); code != errc::none) return code;
    return partition.log().end_of_epoch(epoch);
}

}  // namespace

task<offset_for_leader_epoch_response> handle_offset_for_leader_epoch(request_context& context,
                                                                      offset_for_leader_epoch_request request) {
    offset_for_leader_epoch_response response;
    const auto image = context.image();
    for (const auto& topic : request.topics) {
        auto& answered = response.topics.emplace_back();
        answered.topic = topic.topic;
        const auto found = find_topic(*image, false, topic.topic, {});
        for (const auto& part : topic.partitions) {
            std::shared_ptr<replica::partition> where;
            const auto code = locate(context, found, part.partition, where);
            result<storage::epoch_end> end{storage::epoch_end{}};
            if (code != errc::none) {
                end = code;
            } else {
                auto asking = at_home(context.core.loop, std::move(where),
                                      [current = part.current_leader_epoch, asked = part.leader_epoch](
                                          const auto& partition) { return end_of_epoch(partition, current, asked); });
                end = co_await asking;
            }
            auto& row = answered.partitions.emplace_back();
            row.partition = part.partition;
            row.error_code = end ? 0 : wire_code(end.code());
            if (end) {
                row.leader_epoch = end->epoch;
                row.end_offset = end->end_offset;
            }
        }
    }
    co_return response;
}

}  // namespace weir::server
