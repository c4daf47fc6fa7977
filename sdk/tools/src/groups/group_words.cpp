#include "group_words.hpp"

#include "../connect.hpp"

#include <weir/base/split_list.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace weir::tools {
namespace {

std::string quoted(const std::vector<std::string>& groups) {
    std::string text;
    for (const auto& each : groups) text += (text.empty() ? "'" : ", '") + each + "'";
    return text;
}

void print_plan(const std::map<std::string, offset_map>& plans, plan_form form, output& out) {
    if (out.json()) {
        table all{{{"GROUP", "group"}, {"TOPIC", "topic"}, {"PARTITION", "partition", true}, {"NEW-OFFSET", "newOffset", true}}};
        for (const auto& [name, plan] : plans) {
            for (const auto& [where, offset] : plan) all.row({name, where.topic, std::to_string(where.partition), std::to_string(offset)});
        }
        all.print(out);
        return;
    }
    const bool fixed = form == plan_form::fixed;
    std::size_t of_group = fixed ? 30 : 15, of_topic = of_group;
    const std::size_t of_offset = fixed ? 15 : 0;
    if (!fixed) {
        for (const auto& [name, plan] : plans) {
            of_group = std::max(of_group, name.size());
            for (const auto& [where, offset] : plan) of_topic = std::max(of_topic, where.topic.size());
        }
    }
    out.print(fmt::format("\n{:<{}} {:<{}} {:<10} {:<{}}", "GROUP", of_group, "TOPIC", of_topic, "PARTITION", "NEW-OFFSET", of_offset));
    for (const auto& [name, plan] : plans) {
        for (const auto& [where, offset] : plan) out.print(fmt::format("\n{:<{}} {:<{}} {:<10} {:<{}}", name, of_group, where.topic, of_topic, where.partition, offset, of_offset));
    }
    out.print("\n");
}

}  // namespace

std::string coordinator_words(const group_description& group, std::string_view gap) {
    return fmt::format("{}:{}{}({})", group.coordinator.host, group.coordinator.port, gap, group.coordinator.id);
}

admin connect_for_groups(const arguments& args, std::string_view client_id) {
    return admin{connect(args, client_id)}.within(milliseconds{args.number_or("timeout", 5'000, 1, 3'600'000)});
}

void check_group_options(const arguments& args) {
    args.excludes("group", {"all-groups", "list"});
    for (const auto* each : {"topic", "all-topics", "input-topic", "all-input-topics"}) args.excludes(each, {"list", "describe"});
    if (args.has("delete") && (args.has("topic") || args.has("input-topic")))
        throw usage_error{"The consumer does not support topic-specific offset deletion from a consumer group. --delete-offsets forgets topics of a group."};
    if (args.has("describe") && args.has("members") + args.has("offsets") + args.has("state") > 1)
        throw usage_error{"Option [describe] takes at most one of these options: [members], [offsets], [state]"};
    if (args.has("execute") && args.has("dry-run")) throw usage_error{"Option [reset-offsets] only accepts one of [execute] and [dry-run]"};
    for (const auto& one : reset_scenarios) {
        for (const auto& other : reset_scenarios)
            if (one.name != other.name) args.excludes(one.name, {other.name});
    }
}

std::vector<std::string> chosen_groups(const admin& at, const arguments& args, const list_groups_options& kind) {
    auto chosen = args.all("group");
    if (args.has("all-groups")) {
        for (const auto& each : *at.list_groups(kind).get()) chosen.push_back(each.group);
    } else if (chosen.empty()) {
        throw usage_error{fmt::format("Option [{}] takes one of these options: [all-groups], [group]", args.in_order({"describe", "delete", "reset-offsets"}).front())};
    }
    std::sort(chosen.begin(), chosen.end());
    chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
    return chosen;
}

std::string the_group(const arguments& args) {
    const auto named = args.all("group");
    if (named.size() != 1) throw usage_error{"exactly one --group is needed"};
    return named.front();
}

std::vector<group_state> wanted_states(const arguments& args, std::initializer_list<group_state> valid) {
    std::vector<group_state> wanted;
    for (const auto& each : split_list(args.text("state"))) {
        wanted.push_back(parse_group_state(each));
        if (std::find(valid.begin(), valid.end(), wanted.back()) != valid.end()) continue;
        std::string words;
        for (const auto one : valid) words += fmt::format("{}{}", words.empty() ? "" : ", ", to_string(one));
        throw usage_error{fmt::format("Invalid state list '{}'. Valid states are: {}", args.text("state"), words)};
    }
    return wanted;
}

int describe_groups(const admin& at, const outcomes<group_description>& groups, const group_view& offsets, const group_view& members, const group_view& state, const invocation& call) {
    const auto& args = call.args;
    const auto& view = args.has("members") ? members : args.has("state") ? state : offsets;
    table rows{std::vector<table::column>(view.columns.begin(), view.columns.end())};
    for (const auto& [name, outcome] : groups) view.show(at, *outcome, args.has("verbose"), call.out, rows);
    if (call.out.json()) rows.print(call.out);
    return 0;
}

bool worth_showing(std::string_view kind, const group_description& group, std::size_t rows, output& out) {
    if (group.state == group_state::dead) out.line(fmt::format("\nError: {} group '{}' does not exist.", kind, group.group));
    const bool abandoned = group.state == group_state::empty;
    // Kafka's tool for streams groups says so on stdout, above what there is to show; the others do on stderr.
    const bool in_the_open = abandoned && kind == "Streams" && rows > 0;
    if (in_the_open) out.line(fmt::format("\nError: Streams group '{}' has no active members.", group.group));
    out.flush();
    const auto warn = [](const std::string& text) { std::fputs(text.c_str(), stderr); };
    if (abandoned && !in_the_open) warn(fmt::format("\n{} group '{}' has no active members.\n", kind, group.group));
    else if (kind == "Consumer" && group.state != group_state::stable && group.state != group_state::dead)
        warn(fmt::format("\nWarning: {} group '{}' is rebalancing.\n", kind, group.group));
    return group.state != group_state::dead && rows > 0;
}

int tell_offset_deletions(std::string_view verdict, const outcomes<void, topic_partition>& answers, output& out) {
    out.line(verdict);
    std::size_t width = 15;
    for (const auto& [where, outcome] : answers) width = std::max(width, where.topic.size());
    out.print(fmt::format("\n{:<{}} {:<10} {:<15}", "TOPIC", width, "PARTITION", "STATUS"));
    for (const auto& [where, outcome] : answers)
        out.print(fmt::format("\n{:<{}} {:<10} {:<15}", where.topic, width, where.partition, outcome ? "Successful" : "Error: " + sentence(outcome.error())));
    out.print("\n");
    return answers ? 0 : 1;
}

void tell_plans(const arguments& args, const std::map<std::string, offset_map>& plans, output& out, plan_form form) {
    if (!args.has("export") || out.json()) {
        print_plan(plans, form, out);
        return;
    }
    for (const auto& [name, plan] : plans) {
        for (const auto& [where, offset] : plan) out.line(fmt::format("{}{},{},{}", plans.size() == 1 ? "" : name + ",", where.topic, where.partition, offset));
    }
    out.print("\n");
}

std::string assignment_words(const topic_partitions& partitions) {
    std::string text, topic;
    for (const auto& each : partitions) {
        if (each.topic == topic) text += "," + std::to_string(each.partition);
        else text += (text.empty() ? "" : ";") + each.topic + ":" + std::to_string(each.partition);
        topic = each.topic;
    }
    return text.empty() ? "-" : text;
}

void list_with_states(const std::vector<group_listing>& groups, bool states, output& out) {
    if (out.json()) {
        table all{{{"GROUP", "group"}, {"STATE", "state"}}};
        for (const auto& each : groups) all.row({each.group, std::string{to_string(each.state)}});
        all.print(out);
        return;
    }
    std::size_t width = 15;
    for (const auto& each : groups) width = std::max(width, each.group.size());
    if (states) out.line(fmt::format("{:<{}} {}", "GROUP", width, "STATE"));
    for (const auto& each : groups) out.line(states ? fmt::format("{:<{}} {}", each.group, width, to_string(each.state)) : each.group);
}

int tell_deletions(std::string_view kind, const outcomes<>& answers, std::vector<std::pair<std::string, error>> failed, output& out) {
    std::vector<std::string> gone;
    for (const auto& [name, outcome] : answers) {
        if (outcome) gone.push_back(name);
        else failed.emplace_back(name, outcome.error());
    }
    if (failed.empty()) {
        out.line(fmt::format("Deletion of requested {} groups ({}) was successful.", kind, quoted(gone)));
        return 0;
    }
    out.line(fmt::format("\nError: Deletion of some {} groups failed:", kind));
    for (const auto& [name, why] : failed) out.line(fmt::format("* Group '{}' could not be deleted due to: {}", name, why.what()));
    if (!gone.empty()) out.line(fmt::format("\nThese {} groups were deleted successfully: {}", kind, quoted(gone)));
    return 1;
}

}  // namespace weir::tools
