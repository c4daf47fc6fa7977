// weir share-groups: groups that share records out (KIP-932).
#include "common_options.hpp"
#include "groups/group_options.hpp"
#include "groups/group_words.hpp"
#include "groups/offset_plan.hpp"
#include "output.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace weir::tools {
namespace {

constexpr option options[] = {
    bootstrap_server.required(),
    command_config,
    of_groups::list,
    of_groups::describe,
    of_groups::remove,
    of_groups::reset_offsets,
    flag("delete-offsets", "Forget how far a group has read topics."),
    of_groups::group,
    of_groups::all_groups,
    of_groups::topic,
    flag("all-topics", "All topics of which the group has read."),
    of_groups::offsets,
    of_groups::members,
    of_groups::state,
    of_groups::verbose,
    of_groups::timeout,
    of_groups::execute,
    of_groups::dry_run,
    reset_scenarios[2], reset_scenarios[4], reset_scenarios[5],
    output_format,
};

list_groups_options of_shares() { return {.types = {group_type::share}}; }

int list(const admin& at, const invocation& call) {
    auto wanted = of_shares();
    wanted.states = wanted_states(call.args, {group_state::stable, group_state::dead, group_state::empty});
    list_with_states(*at.list_groups(wanted).get(), call.args.has("state"), call.out);
    return 0;
}

void show_offsets(const admin& at, const group_description& group, bool verbose, output& out, table& all) {
    const auto& name = group.group;
    const auto answers = *at.list_share_group_offsets({{name, std::nullopt}}).get();
    std::vector<std::pair<topic_partition, std::optional<share_offset>>> rows;
    for (const auto& [where, outcome] : *answers.front().outcome) rows.emplace_back(where, outcome && outcome->start >= 0 ? std::optional{*outcome} : std::nullopt);
    std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    const auto number = [](std::int64_t value) { return value < 0 ? "-" : std::to_string(value); };
    std::size_t topic_width = 15;
    for (const auto& [where, offset] : rows) {
        topic_width = std::max(topic_width, where.topic.size());
        if (out.json()) all.row({name, where.topic, std::to_string(where.partition), number(offset ? offset->leader_epoch : -1), number(offset ? offset->start : -1), number(offset ? offset->lag : -1)});
    }
    if (out.json()) return;
    if (rows.empty()) {
        out.line(fmt::format("\nShare group '{}' has no offset information.", name));
        return;
    }
    const auto row = [&](std::string_view id, std::string_view topic, std::string_view partition, std::string_view epoch, std::string_view start, std::string_view lag) {
        auto text = fmt::format("\n{:<{}} {:<{}} {:<10} ", id, std::max<std::size_t>(15, name.size()), topic, topic_width, partition);
        if (verbose) text += fmt::format("{:<13} ", epoch);
        out.print(text + fmt::format("{:<13} {}", start, lag));
    };
    row("GROUP", "TOPIC", "PARTITION", "LEADER-EPOCH", "START-OFFSET", "LAG");
    for (const auto& [where, offset] : rows)
        row(name, where.topic, std::to_string(where.partition), number(offset ? offset->leader_epoch : -1), number(offset ? offset->start : -1), number(offset ? offset->lag : -1));
    out.print("\n");
}

void show_members(const admin&, const group_description& group, bool verbose, output& out, table& all) {
    auto members = group.members;
    std::sort(members.begin(), members.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
    std::size_t of_id = 15, of_host = 15, of_client = 15;
    for (const auto& each : members) {
        of_id = std::max(of_id, each.id.size());
        of_host = std::max(of_host, each.host.size());
        of_client = std::max(of_client, each.client_id.size());
        if (out.json()) all.row({group.group, each.id, each.host, each.client_id, std::to_string(each.assignment.size()), number_or_dash(each.epoch), assignment_words(each.assignment)});
    }
    if (out.json() || !worth_showing("Share", group, members.size(), out)) return;
    const auto row = [&](std::string_view name, std::string_view id, std::string_view host, std::string_view client, std::string_view count, std::string_view epoch, std::string_view assignment) {
        auto text = fmt::format("\n{:<{}} {:<{}} {:<{}} {:<{}} {:<12} ", name, std::max<std::size_t>(15, group.group.size()), id, of_id, host, of_host, client, of_client, count);
        if (verbose) text += fmt::format("{:<13} ", epoch);
        out.print(text + std::string{assignment});
    };
    row("GROUP", "CONSUMER-ID", "HOST", "CLIENT-ID", "#PARTITIONS", "MEMBER-EPOCH", "ASSIGNMENT");
    for (const auto& each : members) row(group.group, each.id, each.host, each.client_id, std::to_string(each.assignment.size()), number_or_dash(each.epoch), assignment_words(each.assignment));
    out.print("\n");
}

void show_state(const admin&, const group_description& group, bool verbose, output& out, table& all) {
    const auto coordinator = coordinator_words(group);
    const auto members = std::to_string(group.members.size());
    if (out.json()) {
        all.row({group.group, coordinator, std::string{to_string(group.state)}, number_or_dash(group.epoch), number_or_dash(group.target_epoch), members});
        return;
    }
    (void)worth_showing("Share", group, 1, out);
    const auto row = [&](std::string_view name, std::string_view where, std::string_view state, std::string_view epoch, std::string_view target, std::string_view count) {
        auto text = fmt::format("\n{:<{}} {:<{}} {:<15} ", name, std::max<std::size_t>(15, group.group.size()), where, std::max<std::size_t>(25, coordinator.size()), state);
        if (verbose) text += fmt::format("{:<12} {:<17} ", epoch, target);
        out.print(text + std::string{count});
    };
    row("GROUP", "COORDINATOR (ID)", "STATE", "GROUP-EPOCH", "ASSIGNMENT-EPOCH", "#MEMBERS");
    row(group.group, coordinator, to_string(group.state), number_or_dash(group.epoch), number_or_dash(group.target_epoch), members);
    out.print("\n");
}

constexpr table::column offset_columns[] = {{"", "group"}, {"", "topic"}, {"", "partition", true}, {"", "leaderEpoch", true}, {"", "startOffset", true}, {"", "lag", true}};
constexpr table::column member_columns[] = {{"", "group"}, {"", "consumerId"}, {"", "host"}, {"", "clientId"}, {"", "partitions", true}, {"", "memberEpoch", true}, {"", "assignment"}};
constexpr table::column state_columns[] = {{"", "group"}, {"", "coordinator"}, {"", "state"}, {"", "groupEpoch", true}, {"", "assignmentEpoch", true}, {"", "members", true}};

int describe(const admin& at, const invocation& call) {
    const auto groups = *at.describe_share_groups(chosen_groups(at, call.args, of_shares())).get();
    return describe_groups(at, groups, {offset_columns, &show_offsets}, {member_columns, &show_members}, {state_columns, &show_state}, call);
}

int remove(const admin& at, const invocation& call) {
    // The API deletes groups of any kind.
    std::map<std::string, group_state> there;
    for (const auto& each : *at.list_groups(of_shares()).get()) there.emplace(each.group, each.state);
    std::vector<std::string> ids;
    std::vector<std::pair<std::string, error>> failed;
    for (const auto& each : chosen_groups(at, call.args, of_shares())) {
        const auto found = there.find(each);
        if (found == there.end()) failed.emplace_back(each, error{errc::group_id_not_found, fmt::format("Group '{}' is not a share group.", each)});
        else if (found->second != group_state::empty) failed.emplace_back(each, error{errc::non_empty_group, fmt::format("Share group '{}' is not EMPTY.", each)});
        else ids.push_back(each);
    }
    return tell_deletions("share", *at.delete_share_groups(ids).get(), std::move(failed), call.out);
}

int delete_offsets(const admin& at, const invocation& call) {
    const auto topics = call.args.all("topic");
    if (topics.empty()) throw usage_error{"Option [delete-offsets] takes the following options: [group], [topic]"};
    const auto group = the_group(call.args);
    const auto answers = *at.delete_share_group_offsets(group, topics).get();
    std::size_t width = 15;
    for (const auto& each : topics) width = std::max(width, each.size());
    call.out.print(fmt::format("\n{:<{}} {}", "TOPIC", width, "STATUS"));
    for (const auto& [topic, outcome] : answers) call.out.print(fmt::format("\n{:<{}} {}", topic, width, outcome ? "Successful" : "Error: " + sentence(outcome.error())));
    call.out.print("\n");
    return answers ? 0 : 1;
}

int reset(const admin& at, const invocation& call) {
    const auto& args = call.args;
    args.excludes("all-topics", {"topic"});
    need_execute_or_dry_run(args);
    const auto group = the_group(args);
    const auto described = *at.describe_share_groups({group}).get();
    const auto& found = described.front().outcome;
    if (!found && found.code() != errc::group_id_not_found) throw exception{found.error()};
    if (found && found->state != group_state::empty && found->state != group_state::dead) throw exception{error{errc::non_empty_group, fmt::format("Share group '{}' is not empty.", group)}};
    std::vector<topic_partition> partitions;
    if (args.has("topic")) partitions = partitions_named(at, args.all("topic"));
    else if (args.has("all-topics")) {
        const auto answers = *at.list_share_group_offsets({{group, std::nullopt}}).get();
        for (const auto& [where, outcome] : *answers.front().outcome) partitions.push_back(where);
    } else {
        throw usage_error{"One of the reset scopes should be defined: --all-topics, --topic."};
    }
    const auto plan = planned_offsets(at, args, partitions, {}, call.out);
    if (args.has("execute")) {
        const auto answers = *at.alter_share_group_offsets(group, plan).get();
        if (auto why = answers.first_error()) throw exception{why};
    }
    tell_plans(args, {{group, plan}}, call.out);
    return 0;
}

int run(const invocation& call) {
    const auto action = call.args.exactly_one({"list", "describe", "delete", "reset-offsets", "delete-offsets"});
    check_group_options(call.args);
    const auto at = connect_for_groups(call.args, "share-groups");
    if (action == "list") return list(at, call);
    if (action == "describe") return describe(at, call);
    if (action == "delete") return remove(at, call);
    if (action == "reset-offsets") return reset(at, call);
    return delete_offsets(at, call);
}

}  // namespace

extern const tool share_groups;
constinit const tool share_groups{"share-groups", "List, describe, move and delete share groups.", options, {}, {}, {"\nError: Executing share group command failed due to ", true}, run};

}  // namespace weir::tools
