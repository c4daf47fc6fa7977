// weir consumer-groups: groups of consumers, how far they have read, and moving them.
#include "common_options.hpp"
#include "groups/group_options.hpp"
#include "groups/group_words.hpp"
#include "groups/offset_plan.hpp"
#include "output.hpp"

#include <weir/base/split_list.hpp>

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>

namespace weir::tools {
namespace {

constexpr option options[] = {
    bootstrap_server,
    command_config,
    of_groups::list,
    of_groups::describe,
    of_groups::remove,
    of_groups::reset_offsets,
    flag("delete-offsets", "Forget how far a group has read topics."),
    value("validate-regex", "regex", "Tell whether brokers understand the expression in a subscription."),
    of_groups::group,
    of_groups::all_groups,
    of_groups::topic,
    flag("all-topics", "All topics for which the group has offsets."),
    of_groups::offsets,
    of_groups::members,
    of_groups::state,
    maybe_value("type", "types", "With --list: show types, or only groups of these: classic, consumer."),
    of_groups::verbose,
    of_groups::timeout,
    of_groups::execute,
    of_groups::dry_run,
    of_groups::export_plan,
    reset_scenarios[0], reset_scenarios[1], reset_scenarios[2], reset_scenarios[3], reset_scenarios[4], reset_scenarios[5], reset_scenarios[6], reset_scenarios[7],
    output_format,
};

std::string or_dash(const std::string& text) { return text.empty() ? "-" : text; }
template <class T>
std::string or_dash(const std::optional<T>& number) { return number_or_dash(number); }

list_groups_options of_consumers() { return {{}, {group_type::classic, group_type::consumer}, {"consumer", ""}}; }

int list(const admin& at, const invocation& call) {
    const auto& args = call.args;
    auto wanted = of_consumers();
    if (const auto types = split_list(args.text("type")); !types.empty()) {
        wanted.types.clear();
        for (const auto& each : types) {
            wanted.types.push_back(parse_group_type(each));
            if (wanted.types.back() != group_type::classic && wanted.types.back() != group_type::consumer)
                throw usage_error{fmt::format("Invalid types list '{}'. Valid types are: Consumer, Classic", args.text("type"))};
        }
    }
    using enum group_state;
    wanted.states = wanted_states(args, {assigning, reconciling, stable, dead, preparing_rebalance, empty, completing_rebalance});
    const auto groups = *at.list_groups(wanted).get();
    const bool types = args.has("type"), states = args.has("state");
    if (call.out.json()) {
        table all{{{"GROUP", "group"}, {"TYPE", "type"}, {"STATE", "state"}}};
        for (const auto& each : groups) all.row({each.group, std::string{to_string(each.type)}, std::string{to_string(each.state)}});
        all.print(call.out);
        return 0;
    }
    if (!types && !states) {
        for (const auto& each : groups) call.out.line(each.group);
        return 0;
    }
    std::size_t width = 15;
    for (const auto& each : groups) width = std::max(width, each.group.size());
    width += 10;
    const auto row = [&](std::string_view group, std::string_view type, std::string_view state) {
        auto text = fmt::format("{:<{}}", group, width);
        if (types) text += fmt::format(" {:<20}", type);
        if (states) text += fmt::format(" {:<20}", state);
        call.out.line(text);
    };
    row("GROUP", "TYPE", "STATE");
    for (const auto& each : groups) row(each.group, to_string(each.type), to_string(each.state));
    return 0;
}

struct offset_row {
    topic_partition where;
    std::optional<std::int64_t> offset, end;
    std::optional<std::int32_t> epoch;
    std::string member = "-", host = "-", client = "-";
    std::optional<std::int64_t> lag() const { return offset && end ? std::optional{*end - *offset} : std::nullopt; }
};

/// Members with most partitions first, then what nobody has.
std::vector<offset_row> offset_rows(const admin& at, const group_description& group) {
    std::map<topic_partition, committed_offset> committed;
    for (const auto& [where, outcome] : *at.list_consumer_group_offsets(group.group).get()) {
        if (outcome) committed.emplace(where, *outcome);
    }
    auto members = group.members;
    std::stable_sort(members.begin(), members.end(), [](const auto& a, const auto& b) { return a.assignment.size() > b.assignment.size(); });
    std::vector<offset_row> rows;
    std::map<topic_partition, at::position> ends;
    const auto add = [&](const topic_partition& where, const member_description* of) {
        auto& row = rows.emplace_back();
        row.where = where;
        if (const auto found = committed.find(where); found != committed.end()) {
            row.offset = found->second.offset;
            if (found->second.leader_epoch >= 0) row.epoch = found->second.leader_epoch;
        }
        if (of) {
            row.member = of->id;
            row.host = of->host;
            row.client = of->client_id;
        }
        ends.emplace(where, at::latest);
    };
    for (const auto& each : members) {
        for (const auto& where : each.assignment) add(where, &each);
    }
    for (const auto& [where, offset] : committed) {
        if (!ends.contains(where)) add(where, nullptr);
    }
    const auto found = *at.list_offsets(ends).get();
    for (auto& row : rows) {
        if (const auto* end = found.find(row.where); end && *end) row.end = (*end)->offset;
    }
    return rows;
}

void show_offsets(const admin& at, const group_description& group, bool verbose, output& out, table& all) {
    const auto rows = offset_rows(at, group);
    if (out.json()) {
        for (const auto& each : rows)
            all.row({group.group, each.where.topic, std::to_string(each.where.partition), or_dash(each.epoch), or_dash(each.offset), or_dash(each.end), or_dash(each.lag()), each.member, each.host, each.client});
        return;
    }
    if (!worth_showing("Consumer", group, rows.size(), out)) return;
    std::size_t widths[] = {std::max<std::size_t>(15, group.group.size()), 15, 15, 15};
    for (const auto& each : rows) {
        widths[1] = std::max(widths[1], each.where.topic.size());
        widths[2] = std::max(widths[2], each.member.size());
        widths[3] = std::max(widths[3], each.host.size());
    }
    const auto row = [&](std::string_view name, std::string_view topic, std::string_view partition, std::string_view epoch, std::string_view offset, std::string_view end,
                         std::string_view lag, std::string_view member, std::string_view host, std::string_view client) {
        auto text = fmt::format("\n{:<{}} {:<{}} {:<10} ", name, widths[0], topic, widths[1], partition);
        if (verbose) text += fmt::format("{:<15} ", epoch);
        out.print(text + fmt::format("{:<15} {:<15} {:<15} {:<{}} {:<{}} {}", offset, end, lag, member, widths[2], host, widths[3], client));
    };
    row("GROUP", "TOPIC", "PARTITION", "LEADER-EPOCH", "CURRENT-OFFSET", "LOG-END-OFFSET", "LAG", "CONSUMER-ID", "HOST", "CLIENT-ID");
    for (const auto& each : rows)
        row(group.group, each.where.topic, std::to_string(each.where.partition), or_dash(each.epoch), or_dash(each.offset), or_dash(each.end), or_dash(each.lag()), each.member, each.host, each.client);
    out.print("\n");
}

void show_members(const admin&, const group_description& group, bool verbose, output& out, table& all) {
    struct member_row {
        std::string id, instance, host, client, partitions, epoch, current, target_epoch, target, upgraded;
    };
    std::vector<member_row> rows;
    bool instances = false, classic = false, upgraded = false;
    for (const auto& each : group.members) {
        rows.push_back({each.id, each.instance_id.value_or(""), each.host, each.client_id, std::to_string(each.assignment.size()), or_dash(each.epoch), assignment_words(each.assignment),
                        or_dash(group.target_epoch), assignment_words(each.target.value_or(topic_partitions{})), each.upgraded ? (*each.upgraded ? "true" : "false") : "-"});
        instances |= each.instance_id && !each.instance_id->empty();
        classic |= each.upgraded == false;
        upgraded |= each.upgraded == true;
        if (out.json()) {
            const auto& row = rows.back();
            all.row({group.group, row.id, or_dash(row.instance), row.host, row.client, row.partitions, row.epoch, row.current, row.target_epoch, row.target});
        }
    }
    if (out.json()) return;
    (void)worth_showing("Consumer", group, rows.size(), out);  // Kafka's tool prints the titles even so
    const auto width = [&](std::size_t least, std::string member_row::*of) {
        for (const auto& each : rows) least = std::max(least, (each.*of).size());
        return least;
    };
    const auto of_group = std::max<std::size_t>(15, group.group.size());
    const auto of_id = width(15, &member_row::id), of_instance = width(17, &member_row::instance), of_host = width(15, &member_row::host), of_client = width(15, &member_row::client),
               of_current = width(20, &member_row::current), of_target = width(20, &member_row::target);
    const auto print = [&](std::string_view name, const member_row& row) {
        auto text = fmt::format("{:<{}} {:<{}} ", name, of_group, row.id, of_id);
        if (instances) text += fmt::format("{:<{}} ", row.instance, of_instance);
        text += fmt::format("{:<{}} {:<{}} {:<15} ", row.host, of_host, row.client, of_client, row.partitions);
        if (verbose) text += fmt::format("{:<15} {:<{}} {:<15} {:<{}}", row.epoch, row.current, of_current, row.target_epoch, row.target, of_target);
        if (verbose && classic && upgraded) text += " " + row.upgraded;
        out.line(text);
    };
    out.print("\n");
    print("GROUP", {"CONSUMER-ID", "GROUP-INSTANCE-ID", "HOST", "CLIENT-ID", "#PARTITIONS", "CURRENT-EPOCH", "CURRENT-ASSIGNMENT", "TARGET-EPOCH", "TARGET-ASSIGNMENT", "UPGRADED"});
    for (const auto& each : rows) print(group.group, each);
}

void show_state(const admin&, const group_description& group, bool verbose, output& out, table& all) {
    const auto coordinator = coordinator_words(group);
    const auto members = std::to_string(group.members.size());
    if (out.json()) {
        all.row({group.group, coordinator, or_dash(group.assignor), std::string{to_string(group.state)}, or_dash(group.epoch), or_dash(group.target_epoch), members});
        return;
    }
    if (!worth_showing("Consumer", group, 1, out)) return;
    const auto of_group = std::max<std::size_t>(15, group.group.size()), of_coordinator = std::max<std::size_t>(25, coordinator.size());
    const auto row = [&](std::string_view name, std::string_view where, std::string_view assignor, std::string_view state, std::string_view epoch, std::string_view target, std::string_view count) {
        auto text = fmt::format("\n{:<{}} {:<{}} {:<20} {:<20} ", name, of_group, where, of_coordinator, assignor, state);
        if (verbose) text += fmt::format("{:<15} {:<25} ", epoch, target);
        out.print(text + std::string{count});
    };
    row("GROUP", "COORDINATOR (ID)", "ASSIGNMENT-STRATEGY", "STATE", "GROUP-EPOCH", "TARGET-ASSIGNMENT-EPOCH", "#MEMBERS");
    row(group.group, coordinator, or_dash(group.assignor), to_string(group.state), or_dash(group.epoch), or_dash(group.target_epoch), members);
    out.print("\n");
}

constexpr table::column offset_columns[] = {{"GROUP", "group"}, {"TOPIC", "topic"}, {"PARTITION", "partition", true}, {"LEADER-EPOCH", "leaderEpoch", true},
                                            {"CURRENT-OFFSET", "currentOffset", true}, {"LOG-END-OFFSET", "logEndOffset", true}, {"LAG", "lag", true},
                                            {"CONSUMER-ID", "consumerId"}, {"HOST", "host"}, {"CLIENT-ID", "clientId"}};
constexpr table::column member_columns[] = {{"GROUP", "group"}, {"CONSUMER-ID", "consumerId"}, {"GROUP-INSTANCE-ID", "groupInstanceId"}, {"HOST", "host"}, {"CLIENT-ID", "clientId"},
                                            {"#PARTITIONS", "partitions", true}, {"CURRENT-EPOCH", "currentEpoch", true}, {"CURRENT-ASSIGNMENT", "currentAssignment"},
                                            {"TARGET-EPOCH", "targetEpoch", true}, {"TARGET-ASSIGNMENT", "targetAssignment"}};
constexpr table::column state_columns[] = {{"GROUP", "group"}, {"COORDINATOR (ID)", "coordinator"}, {"ASSIGNMENT-STRATEGY", "assignmentStrategy"}, {"STATE", "state"},
                                           {"GROUP-EPOCH", "groupEpoch", true}, {"TARGET-ASSIGNMENT-EPOCH", "targetAssignmentEpoch", true}, {"#MEMBERS", "members", true}};

int describe(const admin& at, const invocation& call) {
    const auto groups = *at.describe_consumer_groups(chosen_groups(at, call.args, of_consumers())).get();
    return describe_groups(at, groups, {offset_columns, &show_offsets}, {member_columns, &show_members}, {state_columns, &show_state}, call);
}

int remove(const admin& at, const invocation& call) {
    return tell_deletions("consumer", *at.delete_consumer_groups(chosen_groups(at, call.args, of_consumers())).get(), {}, call.out);
}

int delete_offsets(const admin& at, const invocation& call) {
    const auto topics = call.args.all("topic");
    if (topics.empty()) throw usage_error{"Option [delete-offsets] takes the following options: [group], [topic]"};
    const auto group = the_group(call.args);
    const auto answers = *at.delete_consumer_group_offsets(group, partitions_named(at, topics)).get();
    const auto why = answers.first_error();
    switch (why.code()) {
        case errc::none: return tell_offset_deletions(fmt::format("Request succeeded for deleting offsets from group {}.", group), answers, call.out);
        case errc::group_subscribed_to_topic:
        case errc::topic_authorization_failed:
        case errc::unknown_topic_or_partition: return tell_offset_deletions("\nError: Encountered some partition-level error, see the follow-up details.", answers, call.out);
        default: return tell_offset_deletions("\nError: " + sentence(why), answers, call.out);
    }
}

offset_map committed_of(const admin& at, const std::string& group) {
    offset_map all;
    for (const auto& [where, outcome] : *at.list_consumer_group_offsets(group).get()) {
        if (outcome) all.emplace(where, outcome->offset);
    }
    return all;
}

offset_map plan_for(const admin& at, const arguments& args, const std::string& group, output& out) {
    if (args.has("from-file")) {
        const auto groups = args.all("group");
        const auto whole = read_plan(std::string{args.text("from-file")}, groups.size() == 1 ? groups.front() : "");
        const auto mine = whole.find(group);
        return mine == whole.end() ? offset_map{} : within_the_log(at, mine->second);
    }
    std::vector<topic_partition> partitions;
    if (args.has("all-topics")) {
        for (const auto& [where, offset] : committed_of(at, group)) partitions.push_back(where);
    } else if (args.has("topic")) {
        partitions = partitions_named(at, args.all("topic"));
    } else {
        throw usage_error{"One of the reset scopes should be defined: --all-topics, --topic."};
    }
    return planned_offsets(at, args, partitions, [&] { return committed_of(at, group); }, out);
}

int reset(const admin& at, const invocation& call) {
    const auto& args = call.args;
    args.excludes("all-topics", {"topic"});
    warn_of_dry_run(args);
    std::map<std::string, offset_map> plans;
    int failures = 0;
    const auto groups = chosen_groups(at, args, of_consumers());
    const auto described = *at.describe_consumer_groups(groups).get();
    for (const auto& [name, outcome] : described) {
        // A group that does not exist yet may be given offsets.
        if (!outcome && outcome.code() != errc::group_id_not_found) throw exception{outcome.error()};
        if (outcome && outcome->state != group_state::empty && outcome->state != group_state::dead) {
            call.out.line(fmt::format("\nError: Assignments can only be reset if the group '{}' is inactive, but the current state is {}.", name, to_string(outcome->state)));
            plans[name];
            ++failures;
            continue;
        }
        plans[name] = plan_for(at, args, name, call.out);
        if (!args.has("execute") || plans[name].empty()) continue;
        if (const auto moved = at.move_group(name, plans[name]).get(); !moved) throw exception{moved.error()};
    }
    tell_plans(args, plans, call.out);
    return failures > 0 ? 1 : 0;
}

/// Brokers use RE2/J, which reads what RE2 reads.
int validate_regex(const invocation& call) {
    const std::string text{call.args.text("validate-regex")};
    const re2::RE2 expression{text, re2::RE2::Quiet};
    if (expression.ok()) call.out.line(fmt::format("The regular expression `{}` is valid.", text));
    else call.out.line(fmt::format("The regular expression `{}` is invalid: {}.", text, expression.error()));
    return expression.ok() ? 0 : 1;
}

int run(const invocation& call) {
    const auto action = call.args.exactly_one({"list", "describe", "delete", "reset-offsets", "delete-offsets", "validate-regex"});
    check_group_options(call.args);
    if (action == "validate-regex") return validate_regex(call);
    if (!call.args.has("bootstrap-server")) throw usage_error{"Missing required argument \"[bootstrap-server]\""};
    const auto at = connect_for_groups(call.args, "consumer-groups");
    if (action == "list") return list(at, call);
    if (action == "describe") return describe(at, call);
    if (action == "delete") return remove(at, call);
    if (action == "reset-offsets") return reset(at, call);
    return delete_offsets(at, call);
}

}  // namespace

extern const tool consumer_groups;
constinit const tool consumer_groups{"consumer-groups", "List, describe, move and delete groups of consumers.", options, {}, {},
                                     {"\nError: Executing consumer group command failed due to ", true}, run};

}  // namespace weir::tools
