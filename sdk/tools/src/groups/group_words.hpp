// What the tools for the kinds of groups do and print alike.
#pragma once
#include "../output.hpp"
#include "offset_plan.hpp"

#include <weir/admin.hpp>

#include <span>

namespace weir::tools {

/// Columns as wide as Kafka's tools for groups have them.
namespace group_columns {
constexpr table::column growing(std::string_view title, std::string_view key, std::size_t least = 15) { return {title, key, false, least}; }
constexpr table::column fixed(std::string_view title, std::string_view key, std::size_t width) { return {title, key, false, width, false}; }
constexpr table::column number(std::string_view title, std::string_view key, std::size_t width) { return {title, key, true, width, false}; }
/// In the text with --verbose only.
constexpr table::column only_verbose(table::column of) { of.detail = true; return of; }

inline constexpr auto name = growing("GROUP", "group");
inline constexpr auto topic = growing("TOPIC", "topic");
inline constexpr auto partition = number("PARTITION", "partition", 10);
inline constexpr auto coordinator = growing("COORDINATOR (ID)", "coordinator", 25);
}  // namespace group_columns

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
/// The only --group; empty when there is none, or several: then plans say of which group each offset is.
std::string only_group(const arguments& args);
/// Those of --state. Throws usage_error for one that is not among `valid`.
std::vector<group_state> wanted_states(const arguments& args, std::initializer_list<group_state> valid);
/// One name a line, or a table with states.
void list_with_states(const std::vector<group_listing>& groups, bool states, output& out);

/// What --describe shows of each group: rows of a table, and how its lines end, nullopt when it is not to be printed. What
/// else there is to say of the group has been said then.
struct group_view {
    std::span<const table::column> columns;
    std::optional<table::last_column> (*show)(const admin& at, const group_description& group, bool verbose, output& out, table& rows);
};
struct group_views {
    group_view offsets, members, state;
    std::string_view above;  ///< each table
};
/// In the view that --offsets, --members or --state ask for. The exit code.
int describe_groups(const admin& at, const outcomes<group_description>& groups, const group_views& views, const invocation& call);
/// Whether there is something to show, after what else there is to say about the group; in JSON there is nothing else, ever.
/// `kind` is "Consumer", "Share" or "Streams".
bool worth_showing(std::string_view kind, const group_description& group, std::size_t rows, output& out);

/// As Kafka's tools do where nothing else is on the screen.
void print_below_a_blank_line(const table& rows, output& out, table::last_column ending = table::last_column::plain);
/// The exit code. `failed` are those that were not even asked for.
int tell_deletions(std::string_view kind, const outcomes<>& answers, std::vector<std::pair<std::string, error>> failed, output& out);
/// TOPIC PARTITION STATUS, below the first line, which says how it went as a whole. The exit code.
int tell_offset_deletions(std::string_view verdict, const outcomes<void, topic_partition>& answers, output& out);
/// Columns as wide as what is in them, or as Kafka's tool for streams groups has them.
enum class plan_form { fitted, fixed };
/// GROUP TOPIC PARTITION NEW-OFFSET, or CSV with --export; the group's name is in the CSV unless --group names the only one.
void tell_plans(const arguments& args, const std::map<std::string, offset_map>& plans, output& out, plan_form form = plan_form::fitted);

}  // namespace weir::tools
