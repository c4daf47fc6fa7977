// DeleteRecords (key 21), v0-v2. v2: flexible.
#include "../handlers.hpp"
#include "../named_twice.hpp"

#include <weir/protocol/internal_topics.hpp>
#include <weir/protocol/messages/delete_records.hpp>

namespace weir::server {

using protocol::delete_records_request;

task<protocol::delete_records_response> handle_delete_records(request_context& context,
                                                              delete_records_request request) {
    protocol::delete_records_response response;
    using topic_row = delete_records_request::delete_records_topic;
    unite_partitions(request.topics, &topic_row::name, &topic_row::partitions,
                     &delete_records_request::delete_records_partition::partition_index);
    const auto image = context.image();
    const auto deadline = context.core.loop.now() + visibility_patience;
    for (const auto& topic : request.topics) {
        auto& answered = response.topics.emplace_back();
        answered.name = topic.name;
        const auto found = find_topic(*image, false, topic.name, {});
        for (const auto& part : topic.partitions) {
            std::shared_ptr<replica::partition> where;
            auto code = locate(context, found, part.partition_index, where);
            if (code == errc::none && protocol::is_internal_topic(topic.name)) code = errc::invalid_topic;
            std::int64_t low_watermark = -1;
            if (code == errc::none) {
                auto waiting = until_visible(context.core.loop, where, deadline);
                co_await waiting;
                auto deleting = at_home(context.core.loop, std::move(where), [before = part.offset](auto& partition) {
                    return partition.delete_records(before);
                });
                const auto moved = co_await deleting;
                code = moved.code();
                if (moved) low_watermark = *moved;
            }
            auto& row = answered.partitions.emplace_back();
            row.partition_index = part.partition_index;
            row.low_watermark = low_watermark;
            row.error_code = wire_code(code);
        }
    }
    co_return response;
}

}  // namespace weir::server
