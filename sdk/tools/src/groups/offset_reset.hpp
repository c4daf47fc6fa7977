// Moving groups: what --reset-offsets does, whatever their kind.
#pragma once
#include "group_words.hpp"

namespace weir::tools {

/// A group that is to be moved, and what its kind does in its own way.
struct resettable {
    std::string name;
    group_state state;
    function<std::vector<topic_partition>()> scope;  ///< what the options say is to be moved
    function<offset_map()> committed;                ///< asked by the scenarios that start from it
    function<void(const offset_map&)> move;
};

/// Of --topic and --all-topics; `all` are those of which the group has read. Throws usage_error when neither was given.
std::vector<topic_partition> partitions_in_scope(const admin& at, const arguments& args, function<std::vector<topic_partition>()> all);

/// Plans by scenario or file, does it with --execute, and prints the plan. A group with members is told and left alone. The exit code.
int reset_groups(const admin& at, std::vector<resettable> groups, const invocation& call, plan_form form = plan_form::fitted);

}  // namespace weir::tools
