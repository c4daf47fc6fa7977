// weir streams-groups: groups of Kafka Streams applications (KIP-1071).
#include "common_options.hpp"
#include "groups/group_options.hpp"
#include "groups/group_words.hpp"
#include "groups/offset_reset.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

namespace weir::tools {
namespace streams_groups_tool {
namespace {

constexpr option own[] = {
    flag("delete", "Delete groups that have no members, and their internal topics."),
    value("input-topic", "topic[:0,1]", "An input topic, or some of its partitions.").repeatable(),
    flag("all-input-topics", "All input topics of the group."),
    value("delete-internal-topic", "name", "With --reset-offsets --execute: delete this internal topic, too.").repeatable(),
    flag("delete-all-internal-topics", "With --reset-offsets --execute: delete all internal topics, too."),
};
constexpr option last[] = {of_groups::export_plan, output_format};
constexpr auto options = joined({bootstrap_server.required()}, of_groups::actions, own, of_groups::views, of_groups::plans, reset_scenarios, last);

list_groups_options of_streams() { return {.types = {group_type::streams}}; }

int list(const admin& at, const invocation& call) {
    auto wanted = of_streams();
    using enum group_state;
    wanted.states = wanted_states(call.args, {assigning, dead, empty, not_ready, reconciling, stable});
    list_with_states(*at.list_groups(wanted).get(), call.args.has("state"), call.out);
    return 0;
}

std::set<std::string> internal_topics(const group_description& group) {
    std::set<std::string> names;
    for (const auto& part : group.subtopologies) {
        for (const auto& each : part.changelog_topics) names.insert(each.name);
        for (const auto& each : part.repartition_source_topics) names.insert(each.name);
    }
    return names;
}
std::set<std::string> source_topics(const group_description& group) {
    std::set<std::string> names;
    for (const auto& part : group.subtopologies) names.insert(part.source_topics.begin(), part.source_topics.end());
    return names;
}

using lines_end = std::optional<table::last_column>;

lines_end show_offsets(const admin& at, const group_description& group, bool verbose, output& out, table& rows) {
    struct row_data {
        std::optional<std::int64_t> offset, end;
        std::optional<std::int32_t> epoch;
    };
    std::map<topic_partition, row_data> found;
    auto topics = source_topics(group);
    for (const auto& part : group.subtopologies) {
        for (const auto& each : part.repartition_source_topics) topics.insert(each.name);
    }
    for (const auto& [name, topic] : *at.describe_topics({topics.begin(), topics.end()}).get()) {
        if (!topic) continue;
        for (const auto& each : topic->partitions) found[{name, each.id}];
    }
    std::map<topic_partition, at::position> ends;
    for (const auto& [where, outcome] : *at.list_consumer_group_offsets(group.group).get()) {
        if (!outcome) continue;
        found[where].offset = outcome->offset;
        if (outcome->leader_epoch >= 0) found[where].epoch = outcome->leader_epoch;
    }
    for (const auto& each : found) ends.emplace(each.first, at::latest);
    const auto latest = *at.list_offsets(ends).get();
    for (const auto& [where, outcome] : latest) {
        if (outcome) found[where].end = outcome->offset;
    }
    for (const auto& [where, of] : found) {
        const auto lag = of.end ? std::optional{*of.end - of.offset.value_or(0)} : std::nullopt;
        rows.row({group.group, where.topic, std::to_string(where.partition), number_or_dash(of.offset), number_or_dash(of.epoch), number_or_dash(of.end), number_or_dash(lag)});
    }
    if (!worth_showing("Streams", group, found.size(), out)) return std::nullopt;
    return verbose ? table::last_column::padded : table::last_column::plain;
}

/// "ACTIVE: 0:[0,1]; 1:[0]; "
std::string tasks_text(const streams_task_ids& tasks, std::string_view kind) {
    if (tasks.empty()) return {};
    auto text = fmt::format("{}: ", kind);
    for (const auto& [part, partitions] : tasks) text += fmt::format("{}:[{}]; ", part, fmt::join(partitions, ","));
    return text;
}
std::string assignment_text(const streams_member& of, bool with_target) {
    auto text = tasks_text(of.assignment.active, "ACTIVE") + tasks_text(of.assignment.standby, "STANDBY") + tasks_text(of.assignment.warmup, "WARMUP");
    if (with_target) text += tasks_text(of.target.active, "TARGET-ACTIVE") + tasks_text(of.target.standby, "TARGET-STANDBY") + tasks_text(of.target.warmup, "TARGET-WARMUP");
    return text;
}

lines_end show_members(const admin&, const group_description& group, bool verbose, output& out, table& rows) {
    for (const auto& each : group.members)
        rows.row({group.group, number_or_dash(group.target_epoch), std::to_string(each.streams->topology_epoch), each.id, each.upgraded == false ? "classic" : "streams", number_or_dash(each.epoch),
                  each.streams->process_id, each.client_id, assignment_text(*each.streams, verbose || out.json())});
    if (!worth_showing("Streams", group, group.members.size(), out)) return std::nullopt;
    return table::last_column::plain;
}

lines_end show_state(const admin&, const group_description& group, bool, output& out, table& rows) {
    rows.row({group.group, coordinator_words(group, " "), std::string{to_string(group.state)}, number_or_dash(group.epoch), number_or_dash(group.target_epoch), std::to_string(group.members.size())});
    (void)worth_showing("Streams", group, 1, out);
    return table::last_column::plain;
}

using group_columns::only_verbose, group_columns::fixed, group_columns::growing, group_columns::number;
constexpr table::column offset_columns[] = {group_columns::name, group_columns::topic, group_columns::partition, only_verbose(number("CURRENT-OFFSET", "currentOffset", 15)),
                                            only_verbose(number("LEADER-EPOCH", "leaderEpoch", 15)), only_verbose(number("LOG-END-OFFSET", "logEndOffset", 15)), number("OFFSET-LAG", "lag", 15)};
// TOPOLOGY-EPOCH has no gap behind it in Kafka's tool, and 15 places.
constexpr table::column member_columns[] = {group_columns::name, only_verbose(number("TARGET-ASSIGNMENT-EPOCH", "targetAssignmentEpoch", 25)), only_verbose(number("TOPOLOGY-EPOCH", "topologyEpoch", 14)),
                                            growing("MEMBER", "member"), only_verbose(fixed("MEMBER-PROTOCOL", "memberProtocol", 15)), only_verbose(number("MEMBER-EPOCH", "memberEpoch", 15)),
                                            growing("PROCESS", "process"), growing("CLIENT-ID", "clientId"), growing("ASSIGNMENTS", "assignments")};
constexpr table::column state_columns[] = {group_columns::name, group_columns::coordinator, fixed("STATE", "state", 25), only_verbose(number("GROUP-EPOCH", "groupEpoch", 15)),
                                           only_verbose(number("TARGET-ASSIGNMENT-EPOCH", "targetAssignmentEpoch", 25)), number("#MEMBERS", "members", 0)};
constexpr group_views views{{offset_columns, &show_offsets}, {member_columns, &show_members}, {state_columns, &show_state}, ""};

int describe(const admin& at, const invocation& call) {
    const auto groups = *at.describe_streams_groups(chosen_groups(at, call.args, of_streams())).get();
    return describe_groups(at, groups, views, call);
}

int remove(const admin& at, const invocation& call) {
    // The API deletes groups of any kind, and forgets their topologies with them.
    std::vector<std::string> ids;
    std::vector<std::pair<std::string, error>> failed;
    std::map<std::string, std::set<std::string>> topics;
    for (const auto& [name, outcome] : *at.describe_streams_groups(chosen_groups(at, call.args, of_streams())).get()) {
        if (!outcome) failed.emplace_back(name, error{outcome.code(), fmt::format("Group '{}' does not exist or is not a streams group.", name)});
        else if (outcome->state != group_state::empty) failed.emplace_back(name, error{errc::non_empty_group, fmt::format("Streams group '{}' is not EMPTY.", name)});
        else {
            ids.push_back(name);
            topics[name] = internal_topics(*outcome);
        }
    }
    const auto answers = *at.delete_streams_groups(ids).get();
    const auto code = tell_deletions("streams", answers, std::move(failed), call.out);
    std::vector<std::string> internal;
    for (const auto& [name, outcome] : answers) {
        if (outcome) internal.insert(internal.end(), topics[name].begin(), topics[name].end());
    }
    int problems = 0;
    for (const auto& [name, outcome] : *at.delete_topics(internal).get()) {
        if (outcome || outcome.code() == errc::unknown_topic_or_partition) continue;
        ++problems;
        call.out.line(fmt::format("Failed to delete internal topic: {}: {}", name, sentence(outcome.error())));
    }
    return problems > 0 ? 1 : code;
}

group_description described(const admin& at, const std::string& name) {
    auto answers = *at.describe_streams_groups({name}).get();
    return *answers.items().front().outcome;
}

std::vector<topic_partition> partitions_of(const admin& at, const arguments& args, const group_description& group) {
    if (args.has("input-topic")) {
        const auto sources = source_topics(group);
        auto named = partitions_named(at, args.all("input-topic"));
        for (const auto& each : named) {
            if (!sources.contains(each.topic)) throw usage_error{fmt::format("One or more topics are not part of the group '{}'.", group.group)};
        }
        return named;
    }
    const auto sources = source_topics(group);
    return partitions_named(at, {sources.begin(), sources.end()});
}

offset_map committed_of(const admin& at, const std::string& group) {
    offset_map all;
    for (const auto& [where, outcome] : *at.list_streams_group_offsets({{group, std::nullopt}}, {}).get()) {
        for (const auto& [key, offset] : *outcome) {
            if (offset) all.emplace(key, offset->offset);
        }
    }
    return all;
}

int delete_offsets(const admin& at, const invocation& call) {
    if (!call.args.has("input-topic") && !call.args.has("all-input-topics"))
        throw usage_error{"Option [delete-offsets] takes the [group] and one of these options: [all-input-topics], [input-topic]"};
    const auto group = described(at, the_group(call.args));
    const auto answers = *at.delete_streams_group_offsets(group.group, partitions_of(at, call.args, group)).get();
    return tell_offset_deletions(answers ? fmt::format("Request succeeded for deleting offsets from group {}.", group.group)
                                         : "\nError: Encountered some partition-level error, see the follow-up details.", answers, call.out);
}

/// Internal topics of a group that starts anew.
void delete_internal_topics(const admin& at, const arguments& args, const group_description& group) {
    const auto named = args.all("delete-internal-topic");
    std::vector<std::string> gone;
    for (const auto& each : internal_topics(group)) {
        if (args.has("delete-all-internal-topics") || std::find(named.begin(), named.end(), each) != named.end()) gone.push_back(each);
    }
    const auto deleted = *at.delete_topics(gone).get();
    if (auto why = deleted.first_error(); why && why.code() != errc::unknown_topic_or_partition) throw exception{why};
}

int reset(const admin& at, const invocation& call) {
    const auto& args = call.args;
    need_execute_or_dry_run(args);
    if (!args.has("from-file") && !args.has("input-topic") && !args.has("all-input-topics"))
        throw usage_error{"One of the reset scopes should be defined: --all-input-topics, --input-topic."};
    std::vector<resettable> found;
    for (const auto& name : chosen_groups(at, args, of_streams())) {
        const auto group = described(at, name);
        found.push_back({name, group.state, [&at, &args, group] { return partitions_of(at, args, group); }, [&at, name] { return committed_of(at, name); },
                         [&at, &args, group](const offset_map& plan) {
                             std::map<topic_partition, committed_offset> to;
                             for (const auto& [where, offset] : plan) to[where].offset = offset;
                             const auto answers = *at.alter_streams_group_offsets(group.group, to).get();
                             if (auto why = answers.first_error()) throw exception{why};
                             delete_internal_topics(at, args, group);
                         }});
    }
    return reset_groups(at, std::move(found), call, plan_form::fixed);
}

int run(const invocation& call) {
    const auto action = call.args.exactly_one({"list", "describe", "delete", "reset-offsets", "delete-offsets"});
    check_group_options(call.args);
    const auto at = connect_for_groups(call.args, "streams-groups");
    if (action == "list") return list(at, call);
    if (action == "describe") return describe(at, call);
    if (action == "delete") return remove(at, call);
    if (action == "reset-offsets") return reset(at, call);
    return delete_offsets(at, call);
}

}  // namespace
}  // namespace streams_groups_tool

extern const tool streams_groups;
constinit const tool streams_groups{"streams-groups", "List, describe, move and delete groups of streams applications.", streams_groups_tool::options, {}, {},
                                    {"\nError: Executing streams group command failed due to ", true}, streams_groups_tool::run};

}  // namespace weir::tools
