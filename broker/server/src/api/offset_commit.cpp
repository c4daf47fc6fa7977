// OffsetCommit (key 8), v2-v10. v2-v4: own retention time. v6: leader epochs. v7: static members. v8: flexible.
// v9: members of the new protocol. v10: topics by id.
#include "../group_calls.hpp"

#include <weir/protocol/messages/offset_commit.hpp>

#include <algorithm>

namespace weir::server {
namespace {

using protocol::offset_commit_request;
using protocol::offset_commit_response;

using topic_answer = offset_commit_response::offset_commit_response_topic;
using topic_request = offset_commit_request::offset_commit_request_topic;

topic_answer answer_without(const topic_request& topic) {
    topic_answer answer;
    answer.name = topic.name;
    answer.topic_id = topic.topic_id;
    return answer;
}

void refuse(topic_answer& answer, std::int32_t partition, errc code) {
    auto& row = answer.partitions.emplace_back();
    row.partition_index = partition;
    row.error_code = wire_code(code);
}

}  // namespace

task<offset_commit_response> handle_offset_commit(request_context& context, offset_commit_request request) {
    const auto image = context.image();
    const bool by_id = context.version() >= 10;
    // Offsets of partitions that are not there are refused here; the coordinator sees the rest.
    std::vector<topic_answer> refused;
    offset_commit_request known = request;
    known.topics.clear();
    for (auto& topic : request.topics) {
        const auto found = find_topic(*image, by_id, topic.name, topic.topic_id);
        auto answer = answer_without(topic);
        auto kept = topic;
        kept.partitions.clear();
        for (auto& part : topic.partitions) {
            if (!found.topic) refuse(answer, part.partition_index, found.missing);
            else if (!found.topic->partitions.find(part.partition_index)) refuse(answer, part.partition_index, errc::unknown_topic_or_partition);
            else kept.partitions.push_back(std::move(part));
        }
        if (!answer.partitions.empty()) refused.push_back(std::move(answer));
        if (!kept.partitions.empty()) known.topics.push_back(std::move(kept));
    }
    offset_commit_response response;
    if (!known.topics.empty() || refused.empty()) {
        auto asking = context.broker.groups.offset_commit(group_call(context), std::move(known));
        response = co_await asking;
    }
    for (auto& each : refused) {
        auto same = std::find_if(response.topics.begin(), response.topics.end(),
                                 [&](const auto& row) { return row.name == each.name && row.topic_id == each.topic_id; });
        if (same == response.topics.end()) response.topics.push_back(std::move(each));
        else same->partitions.insert(same->partitions.end(), each.partitions.begin(), each.partitions.end());
    }
    co_return response;
}

}  // namespace weir::server
