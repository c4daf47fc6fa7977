// weir share-groups: groups that share records out (KIP-932).
#include "common_options.hpp"
#include "groups/group_options.hpp"
#include "groups/group_words.hpp"
#include "groups/offset_reset.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace weir::tools {
namespace share_groups_tool {
namespace {

constexpr option scenarios[] = {reset_scenarios[2], reset_scenarios[4], reset_scenarios[5]};
constexpr auto options = joined({bootstrap_server.required()}, of_groups::actions, {of_groups::remove}, of_groups::topic_scope, of_groups::views, of_groups::plans, scenarios, {output_format});

list_groups_options of_shares() { return {.types = {group_type::share}}; }

int list(const admin& at, const invocation& call) {
    auto wanted = of_shares();
    wanted.states = wanted_states(call.args, {group_state::stable, group_state::dead, group_state::empty});
    list_with_states(*at.list_groups(wanted).get(), call.args.has("state"), call.out);
    return 0;
}

using lines_end = std::optional<table::last_column>;

/// Of a share group by topic and partition; where it has not begun to read, there is nothing to tell.
std::map<topic_partition, std::optional<share_offset>> offsets_of(const admin& at, const std::string& group) {
    std::map<topic_partition, std::optional<share_offset>> all;
    const auto answers = *at.list_share_group_offsets({{group, std::nullopt}}).get();
    for (const auto& [where, outcome] : *answers.front().outcome) all.emplace(where, outcome && outcome->start >= 0 ? std::optional{*outcome} : std::nullopt);
    return all;
}

lines_end show_offsets(const admin& at, const group_description& group, bool, output& out, table& rows) {
    const auto number = [](std::int64_t value) { return value < 0 ? "-" : std::to_string(value); };
    const auto found = offsets_of(at, group.group);
    for (const auto& [where, offset] : found)
        rows.row({group.group, where.topic, std::to_string(where.partition), number(offset ? offset->leader_epoch : -1), number(offset ? offset->start : -1), number(offset ? offset->lag : -1)});
    if (!found.empty()) return table::last_column::plain;
    if (!out.json()) out.line(fmt::format("\nShare group '{}' has no offset information.", group.group));
    return std::nullopt;
}

lines_end show_members(const admin&, const group_description& group, bool, output& out, table& rows) {
    auto members = group.members;
    std::sort(members.begin(), members.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
    for (const auto& each : members) rows.row({group.group, each.id, each.host, each.client_id, std::to_string(each.assignment.size()), number_or_dash(each.epoch), assignment_words(each.assignment)});
    if (!worth_showing("Share", group, members.size(), out)) return std::nullopt;
    return table::last_column::plain;
}

lines_end show_state(const admin&, const group_description& group, bool, output& out, table& rows) {
    rows.row({group.group, coordinator_words(group), std::string{to_string(group.state)}, number_or_dash(group.epoch), number_or_dash(group.target_epoch), std::to_string(group.members.size())});
    (void)worth_showing("Share", group, 1, out);
    return table::last_column::plain;
}

using group_columns::only_verbose, group_columns::fixed, group_columns::growing, group_columns::number;
constexpr table::column offset_columns[] = {group_columns::name, group_columns::topic, group_columns::partition, only_verbose(number("LEADER-EPOCH", "leaderEpoch", 13)), number("START-OFFSET", "startOffset", 13),
                                            number("LAG", "lag", 0)};
constexpr table::column member_columns[] = {group_columns::name, growing("CONSUMER-ID", "consumerId"), growing("HOST", "host"), growing("CLIENT-ID", "clientId"), number("#PARTITIONS", "partitions", 12),
                                            only_verbose(number("MEMBER-EPOCH", "memberEpoch", 13)), growing("ASSIGNMENT", "assignment")};
constexpr table::column state_columns[] = {group_columns::name, group_columns::coordinator, fixed("STATE", "state", 15), only_verbose(number("GROUP-EPOCH", "groupEpoch", 12)),
                                           only_verbose(number("ASSIGNMENT-EPOCH", "assignmentEpoch", 17)), number("#MEMBERS", "members", 0)};
constexpr group_views views{{offset_columns, &show_offsets}, {member_columns, &show_members}, {state_columns, &show_state}, "\n"};

int describe(const admin& at, const invocation& call) {
    const auto groups = *at.describe_share_groups(chosen_groups(at, call.args, of_shares())).get();
    return describe_groups(at, groups, views, call);
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
    table rows{{group_columns::topic, {"STATUS", "status"}}};
    for (const auto& [topic, outcome] : answers) rows.row({topic, outcome ? "Successful" : "Error: " + sentence(outcome.error())});
    print_below_a_blank_line(rows, call.out);
    return answers ? 0 : 1;
}

int reset(const admin& at, const invocation& call) {
    const auto& args = call.args;
    need_execute_or_dry_run(args);
    const auto name = the_group(args);
    const auto described = *at.describe_share_groups({name}).get();
    const auto& found = described.front().outcome;
    if (!found && found.code() != errc::group_id_not_found) throw exception{found.error()};
    if (found && found->state != group_state::empty && found->state != group_state::dead) throw exception{error{errc::non_empty_group, fmt::format("Share group '{}' is not empty.", name)}};
    const auto all = [&] {
        std::vector<topic_partition> partitions;
        for (const auto& each : offsets_of(at, name)) partitions.push_back(each.first);
        return partitions;
    };
    std::vector<resettable> group;
    group.push_back({name, group_state::empty, [&] { return partitions_in_scope(at, args, all); }, {}, [&](const offset_map& to) {
                         const auto answers = *at.alter_share_group_offsets(name, to).get();
                         if (auto why = answers.first_error()) throw exception{why};
                     }});
    return reset_groups(at, std::move(group), call);
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
}  // namespace share_groups_tool

extern const tool share_groups;
constinit const tool share_groups{"share-groups", "List, describe, move and delete share groups.", share_groups_tool::options, {}, {}, {"\nError: Executing share group command failed due to ", true}, share_groups_tool::run};

}  // namespace weir::tools
