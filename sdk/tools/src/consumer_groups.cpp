// weir consumer-groups: groups of consumers, how far they have read, and moving them.
#include "common_options.hpp"
#include "groups/group_options.hpp"
#include "groups/group_words.hpp"
#include "groups/offset_reset.hpp"

#include <weir/base/split_list.hpp>

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>

namespace weir::tools {
namespace consumer_groups_tool {
namespace {

constexpr option own[] = {
    of_groups::remove,
    value("validate-regex", "regex", "Tell whether brokers understand the expression in a subscription."),
    maybe_value("type", "types", "With --list: show types, or only groups of these: classic, consumer."),
};
constexpr option last[] = {of_groups::export_plan, output_format};
constexpr auto options = joined({bootstrap_server}, of_groups::actions, own, of_groups::topic_scope, of_groups::views, of_groups::plans, reset_scenarios, last);

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
    if (!types && !states && !call.out.json()) {
        for (const auto& each : groups) call.out.line(each.group);
        return 0;
    }
    std::size_t width = 15;
    for (const auto& each : groups) width = std::max(width, each.group.size());
    table rows{{group_columns::fixed("GROUP", "group", width + 10), group_columns::fixed("TYPE", "type", 20), group_columns::fixed("STATE", "state", 20)}};
    if (!types) rows.hide("type");
    if (!states) rows.hide("state");
    for (const auto& each : groups) rows.row({each.group, std::string{to_string(each.type)}, std::string{to_string(each.state)}});
    rows.print(call.out);
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

using lines_end = std::optional<table::last_column>;

lines_end show_offsets(const admin& at, const group_description& group, bool, output& out, table& rows) {
    const auto found = offset_rows(at, group);
    for (const auto& each : found)
        rows.row({group.group, each.where.topic, std::to_string(each.where.partition), or_dash(each.epoch), or_dash(each.offset), or_dash(each.end), or_dash(each.lag()), each.member, each.host, each.client});
    if (!worth_showing("Consumer", group, found.size(), out)) return std::nullopt;
    return table::last_column::plain;
}

lines_end show_members(const admin&, const group_description& group, bool verbose, output& out, table& rows) {
    bool instances = false, classic = false, upgraded = false;
    for (const auto& each : group.members) {
        rows.row({group.group, each.id, each.instance_id.value_or(out.json() ? "-" : ""), each.host, each.client_id, std::to_string(each.assignment.size()), or_dash(each.epoch),
                  assignment_words(each.assignment), or_dash(group.target_epoch), assignment_words(each.target.value_or(topic_partitions{})), each.upgraded ? (*each.upgraded ? "true" : "false") : "-"});
        instances |= each.instance_id && !each.instance_id->empty();
        classic |= each.upgraded == false;
        upgraded |= each.upgraded == true;
    }
    (void)worth_showing("Consumer", group, group.members.size(), out);  // Kafka's tool prints the titles even so
    if (!instances) rows.hide("groupInstanceId");
    const bool mixed = classic && upgraded;
    if (!mixed) rows.hide("upgraded");
    return !verbose ? table::last_column::padded_with_gap : mixed ? table::last_column::plain : table::last_column::padded;
}

lines_end show_state(const admin&, const group_description& group, bool, output& out, table& rows) {
    rows.row({group.group, coordinator_words(group), or_dash(group.assignor), std::string{to_string(group.state)}, or_dash(group.epoch), or_dash(group.target_epoch), std::to_string(group.members.size())});
    if (!worth_showing("Consumer", group, 1, out)) return std::nullopt;
    return table::last_column::plain;
}

using group_columns::only_verbose, group_columns::fixed, group_columns::growing, group_columns::number;
constexpr table::column offset_columns[] = {group_columns::name, group_columns::topic, group_columns::partition, only_verbose(number("LEADER-EPOCH", "leaderEpoch", 15)),
                                            number("CURRENT-OFFSET", "currentOffset", 15), number("LOG-END-OFFSET", "logEndOffset", 15), number("LAG", "lag", 15),
                                            growing("CONSUMER-ID", "consumerId"), growing("HOST", "host"), growing("CLIENT-ID", "clientId")};
constexpr table::column member_columns[] = {group_columns::name, growing("CONSUMER-ID", "consumerId"), growing("GROUP-INSTANCE-ID", "groupInstanceId", 17), growing("HOST", "host"),
                                            growing("CLIENT-ID", "clientId"), number("#PARTITIONS", "partitions", 15), only_verbose(number("CURRENT-EPOCH", "currentEpoch", 15)),
                                            only_verbose(growing("CURRENT-ASSIGNMENT", "currentAssignment", 20)), only_verbose(number("TARGET-EPOCH", "targetEpoch", 15)),
                                            only_verbose(growing("TARGET-ASSIGNMENT", "targetAssignment", 20)), only_verbose({"UPGRADED", "upgraded"})};
constexpr table::column state_columns[] = {group_columns::name, group_columns::coordinator, fixed("ASSIGNMENT-STRATEGY", "assignmentStrategy", 20), fixed("STATE", "state", 20),
                                           only_verbose(number("GROUP-EPOCH", "groupEpoch", 15)), only_verbose(number("TARGET-ASSIGNMENT-EPOCH", "targetAssignmentEpoch", 25)), number("#MEMBERS", "members", 0)};
constexpr group_views views{{offset_columns, &show_offsets}, {member_columns, &show_members}, {state_columns, &show_state}, "\n"};

int describe(const admin& at, const invocation& call) {
    const auto groups = *at.describe_consumer_groups(chosen_groups(at, call.args, of_consumers())).get();
    return describe_groups(at, groups, views, call);
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

int reset(const admin& at, const invocation& call) {
    const auto& args = call.args;
    warn_of_dry_run(args);
    const auto groups = chosen_groups(at, args, of_consumers());
    std::vector<resettable> found;
    const auto described = *at.describe_consumer_groups(groups).get();
    for (const auto& [key, outcome] : described) {
        // A group that does not exist yet may be given offsets.
        if (!outcome && outcome.code() != errc::group_id_not_found) throw exception{outcome.error()};
        const auto& name = key;
        const auto all = [&at, name] {
            std::vector<topic_partition> partitions;
            for (const auto& each : committed_of(at, name)) partitions.push_back(each.first);
            return partitions;
        };
        found.push_back({name, outcome ? outcome->state : group_state::dead, [&at, &args, all] { return partitions_in_scope(at, args, all); }, [&at, name] { return committed_of(at, name); },
                         [&at, name](const offset_map& to) {
                             if (!to.empty()) *at.move_group(name, to).get();
                         }});
    }
    return reset_groups(at, std::move(found), call);
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
}  // namespace consumer_groups_tool

extern const tool consumer_groups;
constinit const tool consumer_groups{"consumer-groups", "List, describe, move and delete groups of consumers.", consumer_groups_tool::options, {}, {},
                                     {"\nError: Executing consumer group command failed due to ", true}, consumer_groups_tool::run};

}  // namespace weir::tools
