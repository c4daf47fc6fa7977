// How far groups have read: OffsetFetch 9, OffsetCommit 8, OffsetDelete 47.
#include "by_topic.hpp"
#include "carry_out.hpp"
#include "operations.hpp"

#include <weir/protocol/messages/offset_commit.hpp>
#include <weir/protocol/messages/offset_delete.hpp>
#include <weir/protocol/messages/offset_fetch.hpp>

#include <fmt/format.h>

namespace weir::detail {
namespace {

std::string named(const std::string& group) { return fmt::format("group '{}'", group); }

struct fetch_offsets_plan : plan_of<protocol::offset_fetch_request, std::string, committed_offsets> {
    static constexpr std::int16_t newest = 9;  // from 10 on topics have ids only
    std::vector<group_offsets_request> groups;
    bool require_stable;

    std::vector<std::string> keys() const {
        std::vector<std::string> names;
        for (const auto& each : groups) names.push_back(each.group);
        return names;
    }
    place where(std::size_t i) const { return group_coordinator(groups[i].group); }
    static std::size_t capacity(std::int16_t version) { return version >= 8 ? static_cast<std::size_t>(-1) : 1; }

    request ask(std::span<const std::size_t> which, const ask_context& context) const {
        request asked;
        asked.require_stable = require_stable && context.version >= 7;
        if (context.version < 8) {
            const auto& group = groups[which.front()];
            asked.group_id = group.group;
            if (!group.partitions) asked.topics.reset();
            else fill<request::offset_fetch_request_topic>(*asked.topics, *group.partitions);
            return asked;
        }
        for (const auto i : which) {
            auto& each = asked.groups.emplace_back();
            each.group_id = groups[i].group;
            if (!groups[i].partitions) each.topics.reset();
            else fill<request::offset_fetch_request_topics>(*each.topics, *groups[i].partitions);
        }
        return asked;
    }
    error read(response& answer, std::span<const std::size_t> which, answers& into) const {
        if (answer.groups.empty()) {
            const auto only_one = which.front();
            if (auto why = refusal(answer.error_code, {}, named(groups[only_one].group))) return why;
            settle(only_one, answer.topics, into);
            return {};
        }
        for (auto& each : answer.groups) {
            const auto i = into.find(each.group_id);
            if (!i) continue;
            if (auto why = refusal(each.error_code, {}, named(each.group_id))) into.settle(*i, std::move(why));
            else settle(*i, each.topics, into);
        }
        return {};
    }

private:
    template <class Topic>
    static void fill(std::vector<Topic>& into, const std::vector<topic_partition>& partitions) {
        for (const auto& each : sorted(partitions)) entry_of(into, &Topic::name, each.topic).partition_indexes.push_back(each.partition);
    }
    template <class Topics>
    static void settle(std::size_t i, Topics& topics, answers& into) {
        std::vector<committed_offsets::item> items;
        for (auto& topic : topics) {
            for (auto& part : topic.partitions) {
                topic_partition where{topic.name, part.partition_index};
                auto why = refusal(part.error_code, where);
                // Transactions still open (KIP-447), or partitions in motion: the group is asked again.
                if (why && passing(why.code())) return into.settle(i, std::move(why));
                if (!why && part.committed_offset < 0) why = error{errc::no_offset, fmt::format("{}: the group has committed no offset", to_string(where))}.located(where.topic, where.partition);
                items.push_back({std::move(where), failed_or(std::move(why), committed_offset{part.committed_offset, part.committed_leader_epoch, std::move(part.metadata).value_or("")})});
            }
        }
        std::sort(items.begin(), items.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
        into.settle(i, committed_offsets{std::move(items)});
    }
};

struct commit_offsets_plan : plan_of<protocol::offset_commit_request, topic_partition, void> {
    static constexpr std::int16_t newest = 9;
    std::string group;
    std::vector<std::pair<topic_partition, committed_offset>> to;

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
            auto& each = entry_of(asked.topics, &request::offset_commit_request_topic::name, to[i].first.topic).partitions.emplace_back();
            each.partition_index = to[i].first.partition;
            each.committed_offset = to[i].second.offset;
            each.committed_leader_epoch = to[i].second.leader_epoch;
            each.committed_metadata = to[i].second.metadata;
        }
        return asked;
    }
    error read(const response& answer, std::span<const std::size_t>, answers& into) const {
        for (const auto& topic : answer.topics) {
            for (const auto& part : topic.partitions) {
                const topic_partition where{topic.name, part.partition_index};
                auto why = refusal(part.error_code, where);
                // Who has no member id may commit only for groups without members.
                if (why.code() == errc::unknown_member_id || why.code() == errc::illegal_generation || why.code() == errc::rebalance_in_progress)
                    why = error{errc::non_empty_group, fmt::format("{}: group '{}' has members; stop them, or let them seek", to_string(where), group), why};
                into.settle(where, std::move(why));
            }
        }
        return {};
    }
};

struct delete_offsets_plan : plan_of<protocol::offset_delete_request, topic_partition, void> {
    std::string group;
    std::vector<topic_partition> partitions;

    std::vector<topic_partition> keys() const { return partitions; }
    place where(std::size_t) const { return group_coordinator(group); }
    request ask(std::span<const std::size_t> which, const ask_context&) const {
        request asked;
        asked.group_id = group;
        for (const auto i : which) {
            entry_of(asked.topics, &request::offset_delete_request_topic::name, partitions[i].topic).partitions.emplace_back().partition_index = partitions[i].partition;
        }
        return asked;
    }
    error read(const response& answer, std::span<const std::size_t>, answers& into) const {
        if (auto why = refusal(answer.error_code, {}, named(group))) return why;
        for (const auto& topic : answer.topics) {
            for (const auto& part : topic.partitions) {
                const topic_partition where{topic.name, part.partition_index};
                into.settle(where, refusal(part.error_code, where));
            }
        }
        return {};
    }
};

}  // namespace

task_of_outcomes<committed_offsets> list_group_offsets(call_ptr call, std::vector<group_offsets_request> groups, bool require_stable) {
    return carry_out(std::move(call), fetch_offsets_plan{{}, std::move(groups), require_stable});
}
task<result<committed_offsets>> list_offsets_of_group(call_ptr call, group_offsets_request of) {
    auto listing = list_group_offsets(std::move(call), {std::move(of)}, false);
    co_return only(co_await listing);
}
task_of_outcomes<void, topic_partition> alter_group_offsets(call_ptr call, std::string group, std::map<topic_partition, committed_offset> to) {
    return carry_out(std::move(call), commit_offsets_plan{{}, std::move(group), {to.begin(), to.end()}});
}
task_of_outcomes<void, topic_partition> delete_group_offsets(call_ptr call, std::string group, std::vector<topic_partition> of) {
    return carry_out(std::move(call), delete_offsets_plan{{}, std::move(group), sorted(std::move(of))});
}

task<result<void>> move_group(call_ptr call, std::string group, std::map<topic_partition, std::int64_t> to) {
    std::map<topic_partition, committed_offset> offsets;
    for (const auto& [where, offset] : to) offsets.emplace(where, committed_offset{offset});
    auto altering = alter_group_offsets(std::move(call), std::move(group), std::move(offsets));
    auto moved = co_await altering;
    if (!moved) co_return moved.error();
    co_return result<void>{moved->first_error()};
}

task<result<void>> move_group_to(call_ptr call, std::string group, std::vector<std::string> topics, at::position to) {
    if (to == at::committed) co_return result<void>{};
    auto listing = list_offsets_of(call, std::move(topics), to, isolation::read_uncommitted);
    auto found = co_await listing;
    if (!found) co_return found.error();
    if (auto why = found->first_error()) co_return why;
    std::map<topic_partition, std::int64_t> offsets;
    std::map<topic_partition, at::position> beyond;
    for (const auto& [where, outcome] : *found) {
        offsets.emplace(where, outcome->offset);
        if (outcome->offset < 0) beyond.emplace(where, at::latest);
    }
    // No record of that time or later: what comes next is.
    if (!beyond.empty()) {
        auto listing_ends = list_offsets(call, std::move(beyond), isolation::read_uncommitted);
        auto ends = co_await listing_ends;
        if (!ends) co_return ends.error();
        if (auto why = ends->first_error()) co_return why;
        for (const auto& [where, outcome] : *ends) offsets[where] = outcome->offset;
    }
    auto moving = move_group(std::move(call), std::move(group), std::move(offsets));
    co_return co_await moving;
}

}  // namespace weir::detail
