// ListOffsets (key 2), v1-v11. v2: isolation. v4: leader epochs. v6: flexible. v7: max timestamp. v8: local log start.
// v9: latest tiered. v10: timeout. v11: earliest pending upload.
#include "../handlers.hpp"
#include "../named_twice.hpp"

#include <weir/protocol/messages/list_offsets.hpp>

#include <set>
#include <utility>

namespace weir::server {
namespace {

using protocol::list_offsets_request;
using protocol::list_offsets_response;

constexpr timestamp_ms latest = -1;
constexpr timestamp_ms earliest = -2;
constexpr timestamp_ms max_timestamp = -3;
constexpr timestamp_ms earliest_local = -4;
constexpr timestamp_ms latest_tiered = -5;
constexpr timestamp_ms earliest_pending_upload = -6;

// Since which version a request may name this place; times of records always.
std::int16_t first_version(timestamp_ms asked) noexcept {
    if (asked >= earliest) return 1;
    switch (asked) {
        case max_timestamp: return 7;
        case earliest_local: return 8;
        case latest_tiered: return 9;
        case earliest_pending_upload: return 11;
        default: return INT16_MAX;
    }
}

struct question {
    timestamp_ms timestamp;
    std::int32_t current_leader_epoch;
    bool read_committed;
    bool to_log_end;  // the debugging consumer sees what is not committed yet
};

result<storage::timestamp_offset> offset_of(const replica::partition& partition, const question& asked) {
    if (!partition.serves()) return errc::not_leader_or_follower;
    if (const auto code = partition.check_epoch(asked.current_leader_epoch); code != errc::none) return code;
    const auto& log = partition.log();
    const auto end = asked.to_log_end       ? log.log_end_offset()
                     : asked.read_committed ? partition.last_stable_offset()
                                            : partition.high_watermark();
    storage::timestamp_offset found;
    switch (asked.timestamp) {
        case latest:
            found.offset = end;
            found.leader_epoch = partition.leader_epoch();
            return found;
        case earliest:
        case earliest_local:
            found.offset = log.log_start_offset();
            found.leader_epoch = log.epoch_of(found.offset);
            return found;
        case latest_tiered:  // without tiered storage nothing is tiered, and nothing waits for upload
        case earliest_pending_upload: return found;
        default: break;
    }
    auto record = asked.timestamp == max_timestamp ? log.offset_of_max_timestamp()
                                                   : log.offset_for_timestamp(asked.timestamp, end);
    if (!record) return record.error();
    return record->value_or(found);
}

}  // namespace

task<list_offsets_response> handle_list_offsets(request_context& context, list_offsets_request request) {
    list_offsets_response response;
    const auto image = context.image();
    const auto deadline = context.core.loop.now() + visibility_patience;
    using topic_row = list_offsets_request::list_offsets_topic;
    using partition_row = list_offsets_request::list_offsets_partition;
    unite_topics(request.topics, &topic_row::name, &topic_row::partitions);
    for (auto& topic : request.topics) {
        std::set<std::int32_t> named_twice;  // which of several times is meant? Kafka answers none of them
        unite(topic.partitions, &partition_row::partition_index,
              [&](partition_row& first, partition_row&) { named_twice.insert(first.partition_index); });
        auto& answered = response.topics.emplace_back();
        answered.name = topic.name;
        const auto found = find_topic(*image, false, topic.name, {});
        for (const auto& part : topic.partitions) {
            list_offsets_response::list_offsets_partition_response answer;
            answer.partition_index = part.partition_index;
            std::shared_ptr<replica::partition> where;
            question asked;
            asked.timestamp = part.timestamp;
            asked.current_leader_epoch = part.current_leader_epoch;
            asked.read_committed = request.isolation_level == 1;
            asked.to_log_end = request.replica_id == -2;
            auto code = locate(context, found, part.partition_index, where);
            if (named_twice.contains(part.partition_index))
                code = errc::invalid_request;
            else if (context.version() < first_version(part.timestamp))
                code = errc::unsupported_version;
            result<storage::timestamp_offset> offset{storage::timestamp_offset{}};
            if (code != errc::none) {
                offset = code;
            } else {
                if (asked.timestamp >= latest && !asked.to_log_end) {
                    auto waiting = until_visible(context.core.loop, where, deadline);
                    co_await waiting;
                }
                auto asking = at_home(context.core.loop, std::move(where),
                                      [asked](const auto& partition) { return offset_of(partition, asked); });
                offset = co_await asking;
            }
            if (offset) {
                answer.timestamp = offset->timestamp;
                answer.offset = offset->offset;
                if (context.version() >= 4) answer.leader_epoch = offset->leader_epoch;
            } else {
                answer.error_code = wire_code(offset.code());
            }
            answered.partitions.push_back(std::move(answer));
        }
    }
    co_return response;
}

}  // namespace weir::server
