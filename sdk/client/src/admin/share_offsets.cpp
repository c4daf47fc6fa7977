// How far share groups have read: DescribeShareGroupOffsets 90, AlterShareGroupOffsets 91, DeleteShareGroupOffsets 92.
#include "by_topic.hpp"
#include "carry_out.hpp"
#include "operations.hpp"

#include <weir/protocol/messages/alter_share_group_offsets.hpp>
#include <weir/protocol/messages/delete_share_group_offsets.hpp>
#include <weir/protocol/messages/describe_share_group_offsets.hpp>

#include <fmt/format.h>

namespace weir::detail {
namespace {

std::string named(const std::string& group) { return fmt::format("group '{}'", group); }

struct describe_share_offsets_plan : plan_of<protocol::describe_share_group_offsets_request, std::string, share_offsets> {
    std::vector<group_offsets_request> groups;

    std::vector<std::string> keys() const {
        std::vector<std::string> names;
        for (const auto& each : groups) names.push_back(each.group);
        return names;
    }
    place where(std::size_t i) const { return group_coordinator(groups[i].group); }
    request ask(std::span<const std::size_t> which, const ask_context&) const {
        request asked;
        for (const auto i : which) {
            auto& each = asked.groups.emplace_back();
            each.group_id = groups[i].group;
            if (!groups[i].partitions) {
                each.topics.reset();
                continue;
            }
            for (const auto& where : sorted(*groups[i].partitions)) {
                entry_of(*each.topics, &request::describe_share_group_offsets_request_topic::topic_name, where.topic).partitions.push_back(where.partition);
            }
        }
        return asked;
    }
    static error read(const response& answer, std::span<const std::size_t>, answers& into) {
        for (const auto& group : answer.groups) {
            if (auto why = refusal(group.error_code, group.error_message, named(group.group_id))) {
                into.settle(group.group_id, std::move(why));
                continue;
            }
            std::vector<share_offsets::item> items;
            for (const auto& topic : group.topics) {
                for (const auto& part : topic.partitions) {
                    topic_partition where{topic.topic_name, part.partition_index};
                    auto why = refusal(part.error_code, part.error_message, where);
                    items.push_back({std::move(where), failed_or(std::move(why), share_offset{part.start_offset, part.leader_epoch, part.lag})});
                }
            }
            into.settle(group.group_id, share_offsets{std::move(items)});
        }
        return {};
    }
};

struct alter_share_offsets_plan : plan_of<protocol::alter_share_group_offsets_request, topic_partition, void> {
    std::string group;
    std::vector<std::pair<topic_partition, std::int64_t>> to;

    std::vector<topic_partition> keys() const {
        std::vector<topic_partition> all;
        for (const auto& each : to) all.push_back(each.first);
        return all;
    }
    place where(std::size_t) const { return group_coordinator(group); }
    request ask(std::span<const std::size_t> which, const ask_context&) const {
        request asked;
        asked.group_id = group;
        for (const auto i : which) {
            auto& each = entry_of(asked.topics, &request::alter_share_group_offsets_request_topic::topic_name, to[i].first.topic).partitions.emplace_back();
            each.partition_index = to[i].first.partition;
            each.start_offset = to[i].second;
        }
        return asked;
    }
    error read(const response& answer, std::span<const std::size_t>, answers& into) const {
        if (auto why = refusal(answer.error_code, answer.error_message, named(group))) return why;
        for (const auto& topic : answer.responses) {
            for (const auto& part : topic.partitions) {
                const topic_partition where{topic.topic_name, part.partition_index};
                into.settle(where, refusal(part.error_code, part.error_message, where));
            }
        }
        return {};
    }
};

struct delete_share_offsets_plan : plan_of<protocol::delete_share_group_offsets_request, std::string, void> {
    std::string group;
    std::vector<std::string> topics;

    std::vector<std::string> keys() const { return topics; }
    place where(std::size_t) const { return group_coordinator(group); }
    request ask(std::span<const std::size_t> which, const ask_context&) const {
        request asked;
        asked.group_id = group;
        for (const auto i : which) asked.topics.emplace_back().topic_name = topics[i];
        return asked;
    }
    error read(const response& answer, std::span<const std::size_t>, answers& into) const {
        if (auto why = refusal(answer.error_code, answer.error_message, named(group))) return why;
        for (const auto& each : answer.responses) into.settle(each.topic_name, refusal(each.error_code, each.error_message, each.topic_name));
        return {};
    }
};

}  // namespace

task_of_outcomes<share_offsets> list_share_group_offsets(call_ptr call, std::vector<group_offsets_request> groups) {
    return carry_out(std::move(call), describe_share_offsets_plan{{}, std::move(groups)});
}
task_of_outcomes<void, topic_partition> alter_share_group_offsets(call_ptr call, std::string group, std::map<topic_partition, std::int64_t> to) {
    return carry_out(std::move(call), alter_share_offsets_plan{{}, std::move(group), {to.begin(), to.end()}});
}
task_of_outcomes<void> delete_share_group_offsets(call_ptr call, std::string group, std::vector<std::string> topics) {
    return carry_out(std::move(call), delete_share_offsets_plan{{}, std::move(group), std::move(topics)});
}

}  // namespace weir::detail
