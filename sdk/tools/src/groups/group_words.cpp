#include "group_words.hpp"

#include "../connect.hpp"
#include "csv.hpp"

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
    using namespace group_columns;
    constexpr table::column fitted_columns[] = {name, topic, partition, number("NEW-OFFSET", "newOffset", 15)};
    constexpr table::column fixed_columns[] = {fixed("GROUP", "group", 30), fixed("TOPIC", "topic", 30), partition, number("NEW-OFFSET", "newOffset", 15)};
    const auto& columns = form == plan_form::fixed ? fixed_columns : fitted_columns;
    table rows{std::vector(std::begin(columns), std::end(columns))};
    for (const auto& [group, plan] : plans) {
        for (const auto& [where, offset] : plan) rows.row({group, where.topic, std::to_string(where.partition), std::to_string(offset)});
    }
    print_below_a_blank_line(rows, out, form == plan_form::fixed ? table::last_column::padded : table::last_column::plain);
}

}  // namespace

std::string coordinator_words(const group_description& group, std::string_view gap) {
    return fmt::format("{}:{}{}({})", group.coordinator.host, group.coordinator.port, gap, group.coordinator.id);
}

admin connect_for_groups(const arguments& args, std::string_view client_id) {
    return admin{connect(args, client_id)}.within(milliseconds{args.number_or("timeout", 30'000, 1, 3'600'000)});
}

void check_group_options(const arguments& args) {
    args.excludes("group", {"all-groups", "list"});
    args.excludes("all-topics", {"topic"});
    args.excludes("all-input-topics", {"input-topic"});
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

std::string only_group(const arguments& args) {
    const auto named = args.all("group");
    return named.size() == 1 ? named.front() : std::string{};
}

std::string the_group(const arguments& args) {
    auto named = only_group(args);
    if (named.empty()) throw usage_error{"exactly one --group is needed"};
    return named;
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

int describe_groups(const admin& at, const outcomes<group_description>& groups, const group_views& views, const invocation& call) {
    const auto& args = call.args;
    auto& out = call.out;
    const auto& view = args.has("members") ? views.members : args.has("state") ? views.state : views.offsets;
    const std::vector<table::column> columns(view.columns.begin(), view.columns.end());
    table of_all{columns};
    for (const auto& [name, outcome] : groups) {
        table of_one{columns};
        if (!args.has("verbose")) of_one.hide_details();
        const auto ending = view.show(at, *outcome, args.has("verbose"), out, out.json() ? of_all : of_one);
        if (out.json() || !ending) continue;
        out.print(views.above);
        of_one.print(out, " ", *ending);
    }
    if (out.json()) of_all.print(out);
    return 0;
}

void print_below_a_blank_line(const table& rows, output& out, table::last_column ending) {
    if (!out.json()) out.print("\n");
    rows.print(out, " ", ending);
}

bool worth_showing(std::string_view kind, const group_description& group, std::size_t rows, output& out) {
    if (out.json()) return false;
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
    if (!out.json()) out.line(verdict);
    table rows{{group_columns::topic, group_columns::partition, group_columns::fixed("STATUS", "status", 15)}};
    for (const auto& [where, outcome] : answers) rows.row({where.topic, std::to_string(where.partition), outcome ? "Successful" : "Error: " + sentence(outcome.error())});
    print_below_a_blank_line(rows, out, table::last_column::padded);
    return answers ? 0 : 1;
}

void tell_plans(const arguments& args, const std::map<std::string, offset_map>& plans, output& out, plan_form form) {
    if (!args.has("export") || out.json()) {
        print_plan(plans, form, out);
        return;
    }
    const bool named = only_group(args).empty();
    for (const auto& [name, plan] : plans) {
        for (const auto& [where, offset] : plan) out.line(fmt::format("{}{},{},{}", named ? csv_cell(name) + "," : "", csv_cell(where.topic), where.partition, offset));
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
    table rows{{group_columns::name, {"STATE", "state"}}};
    for (const auto& each : groups) {
        rows.row({each.group, std::string{to_string(each.state)}});
        if (!states && !out.json()) out.line(each.group);
    }
    if (states || out.json()) rows.print(out, " ", table::last_column::plain);
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
