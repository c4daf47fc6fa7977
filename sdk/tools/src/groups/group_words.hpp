// What the tools for the kinds of groups do and print alike.
#pragma once
#include "../output.hpp"
#include "offset_plan.hpp"

#include <weir/admin.hpp>

#include <span>

namespace weir::tools {

template <class T>
std::string number_or_dash(const std::optional<T>& number) { return number ? std::to_string(*number) : "-"; }
/// "orders:0,1;lines:2", "-" for none.
std::string assignment_words(const topic_partitions& partitions);
/// "kafka-1:9092  (1)", with the tool's own gap.
std::string coordinator_words(const group_description& group, std::string_view gap = "  ");

/// For the operations of these tools: within --timeout.
admin connect_for_groups(const arguments& args, std::string_view client_id);
/// Throws usage_error for options that contradict each other, whatever the kind of group.
void check_group_options(const arguments& args);
/// --group, or --all-groups of the kind, by name. Throws usage_error when neither is given.
std::vector<std::string> chosen_groups(const admin& at, const arguments& args, const list_groups_options& kind);
/// The only --group. Throws usage_error when there is none, or several.
std::string the_group(const arguments& args);
/// Those of --state. Throws usage_error for one that is not among `valid`.
std::vector<group_state> wanted_states(const arguments& args, std::initializer_list<group_state> valid);
/// One name a line, or a table with states.
void list_with_states(const std::vector<group_listing>& groups, bool states, output& out);

/// What --describe shows of each group: as text at once, as rows of one table for JSON.
struct group_view {
    std::span<const table::column> columns;
    void (*show)(const admin& at, const group_description& group, bool verbose, output& out, table& rows);
};
/// In the view that --offsets, --members or --state ask for. The exit code.
int describe_groups(const admin& at, const outcomes<group_description>& groups, const group_view& offsets, const group_view& members, const group_view& state, const invocation& call);
/// Whether there is something to show, after what else there is to say about the group. `kind` is "Consumer", "Share" or "Streams".
bool worth_showing(std::string_view kind, const group_description& group, std::size_t rows, output& out);

/// The exit code. `failed` are those that were not even asked for.
int tell_deletions(std::string_view kind, const outcomes<>& answers, std::vector<std::pair<std::string, error>> failed, output& out);
/// TOPIC PARTITION STATUS, below the first line, which says how it went as a whole. The exit code.
int tell_offset_deletions(std::string_view verdict, const outcomes<void, topic_partition>& answers, output& out);
/// Columns as wide as what is in them, or as Kafka's tool for streams groups has them.
enum class plan_form { fitted, fixed };
/// GROUP TOPIC PARTITION NEW-OFFSET, or CSV with --export; the group's name is in the CSV when there are several.
void tell_plans(const arguments& args, const std::map<std::string, offset_map>& plans, output& out, plan_form form = plan_form::fitted);

}  // namespace weir::tools
