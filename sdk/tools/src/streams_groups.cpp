// weir streams-groups: groups of Kafka Streams applications (KIP-1071).
#include "common_options.hpp"
#include "groups/group_options.hpp"
#include "groups/group_words.hpp"
#include "groups/offset_plan.hpp"
#include "output.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

namespace weir::tools {
namespace {

constexpr option options[] = {
    bootstrap_server.required(),
    command_config,
    of_groups::list,
    of_groups::describe,
    flag("delete", "Delete groups that have no members, and their internal topics."),
    of_groups::reset_offsets,
    flag("delete-offsets", "Forget how far a group has read input topics."),
    of_groups::group,
    of_groups::all_groups,
    value("input-topic", "topic[:0,1]", "An input topic, or some of its partitions.").repeatable(),
    flag("all-input-topics", "All input topics of the group."),
    of_groups::offsets,
    flag("members", "With --describe: the members and their tasks."),
    of_groups::state,
    of_groups::verbose,
    of_groups::timeout,
    of_groups::execute,
    of_groups::dry_run,
    of_groups::export_plan,
    value("delete-internal-topic", "name", "With --reset-offsets --execute: delete this internal topic, too.").repeatable(),
    flag("delete-all-internal-topics", "With --reset-offsets --execute: delete all internal topics, too."),
    reset_scenarios[0], reset_scenarios[1], reset_scenarios[2], reset_scenarios[3], reset_scenarios[4], reset_scenarios[5], reset_scenarios[6], reset_scenarios[7],
    output_format,
};

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

void show_offsets(const admin& at, const group_description& group, bool verbose, output& out, table& all) {
    struct row_data {
        std::optional<std::int64_t> offset, end;
        std::optional<std::int32_t> epoch;
    };
    std::map<topic_partition, row_data> rows;
    auto topics = source_topics(group);
    for (const auto& part : group.subtopologies) {
        for (const auto& each : part.repartition_source_topics) topics.insert(each.name);
    }
    for (const auto& [name, topic] : *at.describe_topics({topics.begin(), topics.end()}).get()) {
        if (!topic) continue;
        for (const auto& each : topic->partitions) rows[{name, each.id}];
    }
    std::map<topic_partition, at::position> ends;
    for (const auto& [where, outcome] : *at.list_consumer_group_offsets(group.group).get()) {
        if (!outcome) continue;
        rows[where].offset = outcome->offset;
        if (outcome->leader_epoch >= 0) rows[where].epoch = outcome->leader_epoch;
    }
    for (const auto& each : rows) ends.emplace(each.first, at::latest);
    const auto latest = *at.list_offsets(ends).get();
    for (const auto& [where, outcome] : latest) {
        if (outcome) rows[where].end = outcome->offset;
    }
    std::size_t of_topic = 15;
    for (const auto& each : rows) of_topic = std::max(of_topic, each.first.topic.size());
    const auto lag = [](const row_data& of) { return of.end ? std::optional{*of.end - of.offset.value_or(0)} : std::nullopt; };
    if (out.json()) {
        for (const auto& [where, of] : rows) all.row({group.group, where.topic, std::to_string(where.partition), number_or_dash(of.offset), number_or_dash(of.epoch), number_or_dash(of.end), number_or_dash(lag(of))});
        return;
    }
    if (!worth_showing("Streams", group, rows.size(), out)) return;
    const auto row = [&](std::string_view name, std::string_view topic, std::string_view partition, std::string_view offset, std::string_view epoch, std::string_view end, std::string_view behind) {
        const auto text = fmt::format("{:<{}} {:<{}} {:<10} ", name, std::max<std::size_t>(15, group.group.size()), topic, of_topic, partition);
        out.line(text + (verbose ? fmt::format("{:<15} {:<15} {:<15} {:<15}", offset, epoch, end, behind) : std::string{behind}));
    };
    row("GROUP", "TOPIC", "PARTITION", "CURRENT-OFFSET", "LEADER-EPOCH", "LOG-END-OFFSET", "OFFSET-LAG");
    for (const auto& [where, of] : rows)
        row(group.group, where.topic, std::to_string(where.partition), number_or_dash(of.offset), number_or_dash(of.epoch), number_or_dash(of.end), number_or_dash(lag(of)));
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

void show_members(const admin&, const group_description& group, bool verbose, output& out, table& all) {
    std::size_t of_id = 15, of_process = 15, of_client = 15;
    for (const auto& each : group.members) {
        of_id = std::max(of_id, each.id.size());
        of_process = std::max(of_process, each.streams->process_id.size());
        of_client = std::max(of_client, each.client_id.size());
        if (out.json())
            all.row({group.group, each.id, each.streams->process_id, each.client_id, number_or_dash(each.epoch), std::to_string(each.streams->topology_epoch), assignment_text(*each.streams, true)});
    }
    if (out.json() || !worth_showing("Streams", group, group.members.size(), out)) return;
    const auto row = [&](std::string_view name, std::string_view target, std::string_view topology, std::string_view id, std::string_view protocol, std::string_view epoch, std::string_view process,
                         std::string_view client, std::string_view tasks) {
        auto text = fmt::format("{:<{}} ", name, std::max<std::size_t>(15, group.group.size()));
        if (verbose) text += fmt::format("{:<25} {:<15}", target, topology);
        text += fmt::format("{:<{}} ", id, of_id);
        if (verbose) text += fmt::format("{:<15} {:<15} ", protocol, epoch);
        out.line(text + fmt::format("{:<{}} {:<{}} {}", process, of_process, client, of_client, tasks));
    };
    row("GROUP", "TARGET-ASSIGNMENT-EPOCH", "TOPOLOGY-EPOCH", "MEMBER", "MEMBER-PROTOCOL", "MEMBER-EPOCH", "PROCESS", "CLIENT-ID", "ASSIGNMENTS");
    for (const auto& each : group.members)
        row(group.group, number_or_dash(group.target_epoch), number_or_dash(group.topology_epoch), each.id, each.upgraded == false ? "classic" : "streams", number_or_dash(each.epoch),
            each.streams->process_id, each.client_id, assignment_text(*each.streams, verbose));
}

void show_state(const admin&, const group_description& group, bool verbose, output& out, table& all) {
    const auto coordinator = coordinator_words(group, " ");
    const auto members = std::to_string(group.members.size());
    if (out.json()) {
        all.row({group.group, coordinator, std::string{to_string(group.state)}, number_or_dash(group.epoch), number_or_dash(group.target_epoch), members});
        return;
    }
    (void)worth_showing("Streams", group, 1, out);
    const auto row = [&](std::string_view name, std::string_view where, std::string_view state, std::string_view epoch, std::string_view target, std::string_view count) {
        auto text = fmt::format("{:<{}} {:<{}} {:<25} ", name, std::max<std::size_t>(15, group.group.size()), where, std::max<std::size_t>(25, coordinator.size()), state);
        if (verbose) text += fmt::format("{:<15} {:<25} ", epoch, target);
        out.line(text + std::string{count});
    };
    row("GROUP", "COORDINATOR (ID)", "STATE", "GROUP-EPOCH", "TARGET-ASSIGNMENT-EPOCH", "#MEMBERS");
    row(group.group, coordinator, to_string(group.state), number_or_dash(group.epoch), number_or_dash(group.target_epoch), members);
}

constexpr table::column offset_columns[] = {{"", "group"}, {"", "topic"}, {"", "partition", true}, {"", "currentOffset", true}, {"", "leaderEpoch", true}, {"", "logEndOffset", true}, {"", "lag", true}};
constexpr table::column member_columns[] = {{"", "group"}, {"", "member"}, {"", "process"}, {"", "clientId"}, {"", "memberEpoch", true}, {"", "topologyEpoch", true}, {"", "assignments"}};
constexpr table::column state_columns[] = {{"", "group"}, {"", "coordinator"}, {"", "state"}, {"", "groupEpoch", true}, {"", "targetAssignmentEpoch", true}, {"", "members", true}};

int describe(const admin& at, const invocation& call) {
    const auto groups = *at.describe_streams_groups(chosen_groups(at, call.args, of_streams())).get();
    return describe_groups(at, groups, {offset_columns, &show_offsets}, {member_columns, &show_members}, {state_columns, &show_state}, call);
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

int reset(const admin& at, const invocation& call) {
    const auto& args = call.args;
    args.excludes("all-input-topics", {"input-topic"});
    need_execute_or_dry_run(args);
    if (!args.has("from-file") && !args.has("input-topic") && !args.has("all-input-topics"))
        throw usage_error{"One of the reset scopes should be defined: --all-input-topics, --input-topic."};
    std::map<std::string, offset_map> plans;
    int failures = 0;
    const auto groups = chosen_groups(at, args, of_streams());
    for (const auto& name : groups) {
        const auto group = described(at, name);
        if (group.state != group_state::empty && group.state != group_state::dead) {
            call.out.line(fmt::format("\nError: Assignments can only be reset if the group '{}' is inactive, but the current state is {}.", name, to_string(group.state)));
            plans[name];
            ++failures;
            continue;
        }
        if (args.has("from-file")) {
            const auto whole = read_plan(std::string{args.text("from-file")}, groups.size() == 1 ? name : "");
            if (const auto mine = whole.find(name); mine != whole.end()) plans[name] = within_the_log(at, mine->second);
        } else {
            plans[name] = planned_offsets(at, args, partitions_of(at, args, group), [&] { return committed_of(at, name); }, call.out);
        }
        if (!args.has("execute")) continue;
        std::map<topic_partition, committed_offset> to;
        for (const auto& [where, offset] : plans[name]) to[where].offset = offset;
        const auto answers = *at.alter_streams_group_offsets(name, to).get();
        if (auto why = answers.first_error()) throw exception{why};
        const auto internal = internal_topics(group);
        std::vector<std::string> gone;
        for (const auto& each : internal) {
            const auto wanted = args.all("delete-internal-topic");
            if (args.has("delete-all-internal-topics") || std::find(wanted.begin(), wanted.end(), each) != wanted.end()) gone.push_back(each);
        }
        const auto deleted = *at.delete_topics(gone).get();
        if (auto why = deleted.first_error(); why && why.code() != errc::unknown_topic_or_partition) throw exception{why};
    }
    tell_plans(args, plans, call.out, plan_form::fixed);
    return failures > 0 ? 1 : 0;
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

extern const tool streams_groups;
constinit const tool streams_groups{"streams-groups", "List, describe, move and delete groups of streams applications.", options, {}, {},
                                    {"\nError: Executing streams group command failed due to ", true}, run};

}  // namespace weir::tools
