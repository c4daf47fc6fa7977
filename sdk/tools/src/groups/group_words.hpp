// What the tools for the kinds of groups print alike.
#pragma once
#include "../output.hpp"
#include "offset_plan.hpp"

#include <weir/admin.hpp>

namespace weir::tools {

template <class T>
std::string number_or_dash(const std::optional<T>& number) { return number ? std::to_string(*number) : "-"; }
/// "orders:0,1;lines:2", "-" for none.
std::string assignment_words(const topic_partitions& partitions);
/// One name a line, or a table with states.
void list_with_states(const std::vector<group_listing>& groups, bool states, output& out);
/// The exit code. `failed` are those that were not even asked for.
int tell_deletions(std::string_view kind, const outcomes<>& answers, std::vector<std::pair<std::string, error>> failed, output& out);
/// GROUP TOPIC PARTITION NEW-OFFSET.
void print_plan(const std::map<std::string, offset_map>& plans, output& out);

}  // namespace weir::tools
