// OffsetCommit, OffsetFetch and OffsetDelete, routed.
#include "group_router.hpp"

#include <weir/coordinator/errors.hpp>

namespace weir::coordinator {

namespace {

using fetch_request = protocol::offset_fetch_request;
using fetch_response = protocol::offset_fetch_response;
constexpr std::int16_t has_top_level_error = 2;
constexpr std::int16_t has_groups = 8;

/// The one group of a version before 8, as if it were of a later one.
fetch_request::offset_fetch_request_group only_group(fetch_request& request) {
    fetch_request::offset_fetch_request_group out;
    out.group_id = std::move(request.group_id);
    if (!request.topics) {
        out.topics.reset();
        return out;
    }
    for (auto& topic : *request.topics) {
        auto& asked = out.topics->emplace_back();
        asked.name = std::move(topic.name);
        asked.partition_indexes = std::move(topic.partition_indexes);
    }
    return out;
}

/// Version 1 can only say on every partition that the whole request failed.
void spread_error(const fetch_request::offset_fetch_request_group& asked, std::int16_t code,
                  fetch_response::offset_fetch_response_group& out) {
    if (!asked.topics) return;
    for (const auto& topic : *asked.topics) {
        auto& answered = out.topics.emplace_back();
        answered.name = topic.name;
        for (const auto partition : topic.partition_indexes) {
            auto& one = answered.partitions.emplace_back();
            one.partition_index = partition;
            one.committed_offset = -1;
            one.error_code = code;
        }
    }
}

void flatten(fetch_response::offset_fetch_response_group& group, fetch_response& out) {
    out.error_code = group.error_code;
    for (auto& topic : group.topics) {
        auto& answered = out.topics.emplace_back();
        answered.name = std::move(topic.name);
        for (auto& partition : topic.partitions) {
            auto& one = answered.partitions.emplace_back();
            one.partition_index = partition.partition_index;
            one.committed_offset = partition.committed_offset;
            one.committed_leader_epoch = partition.committed_leader_epoch;
            one.metadata = std::move(partition.metadata);
            one.error_code = partition.error_code;
        }
    }
}

void fail_commit(const protocol::offset_commit_request& request, errc why, protocol::offset_commit_response& out) {
    out.topics.clear();
    for (const auto& topic : request.topics) {
        auto& answered = out.topics.emplace_back();
        answered.name = topic.name;
        answered.topic_id = topic.topic_id;
        for (const auto& partition : topic.partitions) {
            auto& one = answered.partitions.emplace_back();
            one.partition_index = partition.partition_index;
            one.error_code = wire_code(why);
        }
    }
}

}  // namespace

task<protocol::offset_commit_response> group_coordinator::offset_commit(call_context context,
                                                                        protocol::offset_commit_request request) {
    protocol::offset_commit_response response;
    const auto inner = shard_context(context);
    function<outcome(group_machine&, instant)> decide = [&](group_machine& machine, instant now) {
        auto decided = machine.shard.offset_commit(inner, request, now);
        response = std::move(*decided.response);
        return outcome{std::move(decided.records), {}, {}};
    };
    auto running = state_->run(*context.loop, partition_of(request.group_id), std::move(decide));
    const auto how = co_await std::move(running);
    if (how != errc::none) fail_commit(request, how, response);
    co_return response;
}

task<fetch_response> group_coordinator::offset_fetch(call_context context, fetch_request request) {
    fetch_response response;
    const bool single = context.api_version < has_groups;
    std::vector<fetch_request::offset_fetch_request_group> groups;
    if (single)
        groups.push_back(only_group(request));
    else
        groups = std::move(request.groups);
    for (const auto& asked : groups) {
        fetch_response::offset_fetch_response_group answered;
        function<outcome(group_machine&, instant)> decide = [&](group_machine& machine, instant) {
            answered = machine.shard.offset_fetch(asked, context.api_version, request.require_stable);
            return outcome{};
        };
        auto running = state_->run(*context.loop, partition_of(asked.group_id), std::move(decide));
        const auto how = co_await std::move(running);
        if (how != errc::none) {
            answered.group_id = asked.group_id;
            answered.topics.clear();
            answered.error_code = wire_code(offset_fetch_error(how));
            if (context.api_version < has_top_level_error) spread_error(asked, answered.error_code, answered);
        }
        if (single)
            flatten(answered, response);
        else
            response.groups.push_back(std::move(answered));
    }
    co_return response;
}

task<protocol::offset_delete_response> group_coordinator::offset_delete(call_context context,
                                                                        protocol::offset_delete_request request) {
    protocol::offset_delete_response response;
    function<outcome(group_machine&, instant)> decide = [&](group_machine& machine, instant) {
        auto decided = machine.shard.offset_delete(request);
        response = std::move(*decided.response);
        return outcome{std::move(decided.records), {}, {}};
    };
    auto running = state_->run(*context.loop, partition_of(request.group_id), std::move(decide));
    const auto how = co_await std::move(running);
    if (how != errc::none) {
        response.topics.clear();
        response.error_code = wire_code(how);
    }
    co_return response;
}

}  // namespace weir::coordinator
