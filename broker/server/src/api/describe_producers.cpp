// DescribeProducers (key 61), v0.
#include "../handlers.hpp"
#include "../topic_creation.hpp"

#include <weir/protocol/messages/describe_producers.hpp>

namespace weir::server {
namespace {

using partition_row = protocol::describe_producers_response::partition_response;

void list(const std::vector<storage::producer_status>& producers, partition_row& row) {
    for (const auto& producer : producers) {
        auto& state = row.active_producers.emplace_back();
        state.producer_id = producer.producer_id;
        state.producer_epoch = producer.epoch;
        state.last_sequence = producer.last_sequence;
        state.last_timestamp = producer.last_timestamp;
        state.coordinator_epoch = producer.coordinator_epoch;
        state.current_txn_start_offset = producer.current_txn_start_offset;
    }
}

}  // namespace

task<protocol::describe_producers_response> handle_describe_producers(request_context& context,
                                                                      protocol::describe_producers_request request) {
    protocol::describe_producers_response response;
    const auto image = context.image();
    for (const auto& topic : request.topics) {
        auto& answered = response.topics.emplace_back();
        answered.name = topic.name;
        const auto found = find_topic(*image, false, topic.name, {});
        for (const auto index : topic.partition_indexes) {
            std::shared_ptr<replica::partition> where;
            partition_row row;
            row.partition_index = index;
            auto code = is_valid_topic_name(topic.name) ? locate(context, found, index, where) : errc::invalid_topic;
            if (code == errc::none) {
                auto asking = at_home(context.core.loop, std::move(where),
                                      [](const auto& partition) { return result{partition.log().producers()}; });
                auto producers = co_await asking;
                code = producers.code();
                if (producers) list(*producers, row);
            }
            row.error_code = wire_code(code);
            answered.partitions.push_back(std::move(row));
        }
    }
    co_return response;
}

}  // namespace weir::server
