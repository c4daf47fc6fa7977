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
    std::shared_ptr<replica::partition> where;
    timestamp_ms timestamp;
    std::int32_t current_leader_epoch;
    bool read_committed;
    bool to_log_end;  // the debugging consumer sees what is not committed yet
};

result<storage::timestamp_offset> answer_here(const question& asked) {
    auto& partition = *asked.where;
    if (!partition.serves()) return errc::not_leader_or_follower;
    if (const auto code = partition.check_epoch(asked.current_leader_epoch); code != errc::none) return code;
    const auto& log = partition.log();
    const auto end = asked.to_log_end ? log.log_end_offset() : asked.read_committed ? partition.last_stable_offset() : partition.high_watermark();
    storage::timestamp_offset answer;
    switch (asked.timestamp) {
        case latest:
            answer.offset = end;
            answer.leader_epoch = partition.leader_epoch();
            return answer;
        case earliest:
        case earliest_local:
            answer.offset = log.log_start_offset();
            answer.leader_epoch = log.epoch_of(answer.offset);
            return answer;
        case latest_tiered:            // without tiered storage nothing is tiered, and nothing waits for upload
        case earliest_pending_upload: return answer;
        case max_timestamp: {
            auto found = log.offset_of_max_timestamp();
            if (!found) return found.error();
            return found->value_or(answer);
        }
        default: break;
    }
    auto found = log.offset_for_timestamp(asked.timestamp, end);
    if (!found) return found.error();
    return found->value_or(answer);
}

task<result<storage::timestamp_offset>> answer_at_home(event_loop& here, question asked) {
    co_await switch_to{asked.where->home()};
    auto answer = answer_here(asked);
    co_await switch_to{here};
    co_return answer;
}

}  // namespace

task<list_offsets_response> handle_list_offsets(request_context& context, list_offsets_request request) {
    list_offsets_response response;
    const auto image = context.image();
    using topic_row = list_offsets_request::list_offsets_topic;
    using partition_row = list_offsets_request::list_offsets_partition;
    unite_topics(request.topics, &topic_row::name, &topic_row::partitions);
    for (auto& topic : request.topics) {
        std::set<std::int32_t> named_twice;  // which of several times is meant? Kafka answers none of them
        unite(topic.partitions, &partition_row::partition_index, [&](partition_row& first, partition_row&) { named_twice.insert(first.partition_index); });
        auto& answered = response.topics.emplace_back();
        answered.name = topic.name;
        const auto found = find_topic(*image, false, topic.name, {});
        for (const auto& part : topic.partitions) {
            list_offsets_response::list_offsets_partition_response answer;
            answer.partition_index = part.partition_index;
            question asked;
            asked.timestamp = part.timestamp;
            asked.current_leader_epoch = part.current_leader_epoch;
            asked.read_committed = request.isolation_level == 1;
            asked.to_log_end = request.replica_id == -2;
            auto code = locate(context, found, part.partition_index, asked.where);
            if (named_twice.contains(part.partition_index)) code = errc::invalid_request;
            else if (context.version() < first_version(part.timestamp)) code = errc::unsupported_version;
            result<storage::timestamp_offset> offset = code;
            if (code == errc::none) {
                auto asking = answer_at_home(context.core.loop, std::move(asked));
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
