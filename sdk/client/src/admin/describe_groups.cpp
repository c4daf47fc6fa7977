// What groups consist of: DescribeGroups 15, ConsumerGroupDescribe 69, ShareGroupDescribe 77, StreamsGroupDescribe 89.
#include "carry_out.hpp"
#include "operations.hpp"

#include <weir/protocol/embedded.hpp>
#include <weir/protocol/messages/consumer_group_describe.hpp>
#include <weir/protocol/messages/consumer_protocol.hpp>
#include <weir/protocol/messages/describe_groups.hpp>
#include <weir/protocol/messages/share_group_describe.hpp>
#include <weir/protocol/messages/streams_group_describe.hpp>

#include <fmt/format.h>

namespace weir::detail {
namespace {

/// Asks each group's coordinator; `Translate` turns one group of the answer into a description.
template <class Request, std::vector<std::string> Request::* Names, auto Translate>
struct describe_groups_plan : plan_of<Request, std::string, group_description> {
    using base = plan_of<Request, std::string, group_description>;
    std::vector<std::string> groups;
    bool operations;

    std::vector<std::string> keys() const { return groups; }
    place where(std::size_t i) const { return group_coordinator(groups[i]); }
    Request ask(std::span<const std::size_t> which, const ask_context& context) const {
        Request asked;
        for (const auto i : which) (asked.*Names).push_back(groups[i]);
        if constexpr (Request::max_version >= 3) asked.include_authorized_operations = operations && context.version >= 3;
        else asked.include_authorized_operations = operations;
        return asked;
    }
    error read(typename base::response& answer, std::span<const std::size_t>, typename base::answers& into) const {
        for (auto& each : answer.groups) {
            if (auto why = refusal(each.error_code, each.error_message, fmt::format("group '{}'", each.group_id))) {
                into.settle(each.group_id, std::move(why));
                continue;
            }
            auto described = Translate(each);
            described.group = each.group_id;
            described.state = parse_group_state(each.group_state);
            described.operations = operations_of(each.authorized_operations);
            into.settle(each.group_id, std::move(described));
        }
        return {};
    }
};

group_description from_classic(protocol::describe_groups_response::described_group& from) {
    group_description to;
    to.type = group_type::classic;
    to.protocol = std::move(from.protocol_type);
    to.assignor = std::move(from.protocol_data);
    const bool consumers = to.protocol == "consumer" || to.protocol.empty();
    for (auto& each : from.members) {
        auto& member = to.members.emplace_back();
        member.id = std::move(each.member_id);
        member.instance_id = std::move(each.group_instance_id);
        member.client_id = std::move(each.client_id);
        member.host = std::move(each.client_host);
        // Other protocols (Connect) keep what they like in these bytes.
        if (!consumers) continue;
        if (auto subscription = protocol::decode_versioned<protocol::consumer_protocol_subscription>(each.member_metadata)) {
            member.subscribed_topics = std::move(subscription->topics);
            member.rack = std::move(subscription->rack_id);
        }
        if (auto assigned = protocol::decode_versioned<protocol::consumer_protocol_assignment>(each.member_assignment)) {
            for (const auto& topic : assigned->assigned_partitions) {
                for (const auto partition : topic.partitions) member.assignment.insert({topic.topic, partition});
            }
        }
    }
    return to;
}

template <class Assignment>
topic_partitions partitions_in(const Assignment& from) {
    topic_partitions all;
    for (const auto& topic : from.topic_partitions) {
        for (const auto partition : topic.partitions) all.insert({topic.topic_name, partition});
    }
    return all;
}

/// What the newer kinds of groups tell alike.
template <class Group>
group_description described(group_type type, std::string protocol, const Group& from) {
    group_description to;
    to.type = type;
    to.protocol = std::move(protocol);
    to.epoch = from.group_epoch;
    to.target_epoch = from.assignment_epoch;
    return to;
}

template <class Member>
member_description described_member(Member& from) {
    member_description to;
    to.id = std::move(from.member_id);
    to.rack = std::move(from.rack_id);
    to.client_id = std::move(from.client_id);
    to.host = std::move(from.client_host);
    to.epoch = from.member_epoch;
    return to;
}

group_description from_consumer(protocol::consumer_group_describe_response::described_group& from) {
    auto to = described(group_type::consumer, "consumer", from);
    to.assignor = std::move(from.assignor_name);
    for (auto& each : from.members) {
        auto& member = to.members.emplace_back(described_member(each));
        member.instance_id = std::move(each.instance_id);
        if (each.member_type >= 0) member.upgraded = each.member_type == 1;
        member.assignment = partitions_in(each.assignment);
        member.target = partitions_in(each.target_assignment);
        member.subscribed_topics = std::move(each.subscribed_topic_names);
        member.subscribed_regex = std::move(each.subscribed_topic_regex).value_or("");
    }
    return to;
}

group_description from_share(protocol::share_group_describe_response::described_group& from) {
    auto to = described(group_type::share, "share", from);
    to.assignor = std::move(from.assignor_name);
    for (auto& each : from.members) {
        auto& member = to.members.emplace_back(described_member(each));
        member.assignment = partitions_in(each.assignment);
        member.subscribed_topics = std::move(each.subscribed_topic_names);
    }
    return to;
}

using streams_response = protocol::streams_group_describe_response;

streams_assignment tasks_in(const streams_response::assignment_data& from) {
    const auto by_subtopology = [](const auto& tasks) {
        streams_task_ids ids;
        for (const auto& each : tasks) ids[each.subtopology_id] = each.partitions;
        return ids;
    };
    return {by_subtopology(from.active_tasks), by_subtopology(from.standby_tasks), by_subtopology(from.warmup_tasks)};
}

std::vector<streams_topic_info> infos_of(std::vector<streams_response::topic_info>& from) {
    std::vector<streams_topic_info> to;
    for (auto& each : from) {
        auto& info = to.emplace_back(streams_topic_info{std::move(each.name), each.partitions, each.replication_factor});
        for (auto& config : each.topic_configs) info.config.set(std::move(config.key), std::move(config.value));
    }
    return to;
}

group_description from_streams(streams_response::described_group& from) {
    auto to = described(group_type::streams, "streams", from);
    if (from.topology) {
        to.topology_epoch = from.topology->epoch;
        if (from.topology->subtopologies) {
            for (auto& each : *from.topology->subtopologies) {
                to.subtopologies.push_back({std::move(each.subtopology_id), std::move(each.source_topics), std::move(each.repartition_sink_topics),
                                            infos_of(each.state_changelog_topics), infos_of(each.repartition_source_topics)});
            }
        }
    }
    for (auto& each : from.members) {
        auto& member = to.members.emplace_back(described_member(each));
        member.instance_id = std::move(each.instance_id);
        member.upgraded = !each.is_classic;
        auto& streams = member.streams.emplace(streams_member{});
        streams.topology_epoch = each.topology_epoch;
        streams.process_id = std::move(each.process_id);
        if (each.user_endpoint) streams.endpoint = fmt::format("{}:{}", each.user_endpoint->host, each.user_endpoint->port);
        for (auto& tag : each.client_tags) streams.client_tags.emplace(std::move(tag.key), std::move(tag.value));
        for (auto& task : each.task_offsets) streams.task_offsets.push_back({std::move(task.subtopology_id), task.partition, task.offset});
        for (auto& task : each.task_end_offsets) streams.task_end_offsets.push_back({std::move(task.subtopology_id), task.partition, task.offset});
        streams.assignment = tasks_in(each.assignment);
        streams.target = tasks_in(each.target_assignment);
    }
    return to;
}

using classic_plan = describe_groups_plan<protocol::describe_groups_request, &protocol::describe_groups_request::groups, &from_classic>;
using consumer_plan = describe_groups_plan<protocol::consumer_group_describe_request, &protocol::consumer_group_describe_request::group_ids, &from_consumer>;
using share_plan = describe_groups_plan<protocol::share_group_describe_request, &protocol::share_group_describe_request::group_ids, &from_share>;
using streams_plan = describe_groups_plan<protocol::streams_group_describe_request, &protocol::streams_group_describe_request::group_ids, &from_streams>;
using descriptions = result<outcomes<group_description>>;

template <class Plan>
task<descriptions> describe(call_ptr call, std::vector<std::string> groups, bool operations) {
    auto describing = carry_out(call, Plan{{}, std::move(groups), operations});
    auto all = co_await describing;
    if (!all) co_return all;
    const auto& view = *call->view;
    for (auto& [name, outcome] : all->items()) {
        if (!outcome) continue;
        auto& by = outcome->coordinator;
        by.id = view.known_coordinator(coordinator_kind::group, name);
        if (const auto at = view.brokers().find(by.id); at != view.brokers().end()) {
            by.host = at->second.host;
            by.port = at->second.port;
        }
    }
    co_return all;
}

/// The group is of another kind, or the broker does not know this kind.
bool another_kind(const error& why) { return why.code() == errc::group_id_not_found || why.code() == errc::unsupported_version || why.code() == errc::invalid_group_id; }

/// A group that does not exist is described by the classic API as dead: no members, no protocol.
error no_such_group(const std::string& group) { return error{errc::group_id_not_found, fmt::format("Group {} not found.", group)}; }

}  // namespace

task_of_outcomes<group_description> describe_classic_groups(call_ptr call, std::vector<std::string> groups, bool operations) {
    auto describing = describe<classic_plan>(std::move(call), std::move(groups), operations);
    auto all = co_await describing;
    if (!all) co_return all;
    for (auto& [name, outcome] : all->items()) {
        if (outcome && outcome->state == group_state::dead && outcome->members.empty()) outcome = no_such_group(name);
    }
    co_return all;
}
task_of_outcomes<group_description> describe_share_groups(call_ptr call, std::vector<std::string> groups, bool operations) {
    return describe<share_plan>(std::move(call), std::move(groups), operations);
}
task_of_outcomes<group_description> describe_streams_groups(call_ptr call, std::vector<std::string> groups, bool operations) {
    return describe<streams_plan>(std::move(call), std::move(groups), operations);
}

// The new protocol first (KIP-848), the classic one for those it does not know.
task_of_outcomes<group_description> describe_consumer_groups(call_ptr call, std::vector<std::string> groups, bool operations) {
    auto describing = describe<consumer_plan>(call, std::move(groups), operations);
    auto all = co_await describing;
    if (!all) co_return all;
    std::vector<std::string> others;
    for (const auto& [name, outcome] : *all) {
        if (!outcome && another_kind(outcome.error())) others.push_back(name);
    }
    if (others.empty()) co_return all;
    auto describing_others = describe_classic_groups(std::move(call), std::move(others), operations);
    auto classic = co_await describing_others;
    if (!classic) co_return classic;
    auto next = classic->items().begin();
    for (auto& [name, outcome] : all->items()) {
        if (outcome || !another_kind(outcome.error())) continue;
        // What the classic API says of a group of another kind is only that it is none of its own.
        outcome = std::move((next++)->outcome);
    }
    co_return all;
}

task<result<group_description>> describe_group(call_ptr call, std::string group) {
    std::vector<std::string> names{group};
    result<group_description> found{errc::group_id_not_found};
    for (const auto how : {&describe_consumer_groups, &describe_share_groups, &describe_streams_groups}) {
        auto describing = how(call, names, false);
        auto got = only(co_await describing);
        if (got || !another_kind(got.error())) {
            found = std::move(got);
            break;
        }
    }
    if (!found) co_return found.code() == errc::group_id_not_found ? no_such_group(group) : found.error();
    if (found->type == group_type::share) {
        auto asking = list_share_group_offsets(call, {{group, std::nullopt}});
        auto offsets = only(co_await asking);
        if (!offsets) co_return offsets.error();
        for (const auto& [where, outcome] : *offsets) {
            if (outcome && outcome->lag >= 0) found->lag.emplace(where, outcome->lag);
        }
        co_return found;
    }
    auto asking = list_offsets_of_group(call, {group, std::nullopt});
    auto committed = co_await asking;
    if (!committed) co_return committed.error();
    std::map<topic_partition, at::position> ends;
    for (const auto& [where, outcome] : *committed) {
        if (outcome) ends.emplace(where, at::latest);
    }
    auto listing = list_offsets(std::move(call), std::move(ends), isolation::read_uncommitted);
    auto latest = co_await listing;
    if (!latest) co_return latest.error();
    for (const auto& [where, outcome] : *latest) {
        if (outcome) found->lag.emplace(where, std::max<std::int64_t>(0, outcome->offset - (*committed->find(where))->offset));
    }
    co_return found;
}

}  // namespace weir::detail
