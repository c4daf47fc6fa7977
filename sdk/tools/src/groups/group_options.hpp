// Options that the tools for the kinds of groups share, by what they are about.
#pragma once
#include "../common_options.hpp"

namespace weir::tools::of_groups {

inline constexpr option actions[] = {
    command_config,
    flag("list", "List the groups."),
    flag("describe", "Describe groups, and how far they have read."),
    flag("reset-offsets", "Move groups that have no members: with --execute; --dry-run only shows the plan."),
    flag("delete-offsets", "Forget how far a group has read topics."),
    value("group", "id", "A group.").repeatable(),
    flag("all-groups", "All groups of this kind."),
    value("timeout", "ms", "How long one operation may take (30000)."),
};
inline constexpr option remove = flag("delete", "Delete groups that have no members.");
inline constexpr option topic_scope[] = {
    value("topic", "topic[:0,1]", "A topic, or some of its partitions.").repeatable(),
    flag("all-topics", "All topics for which the group has offsets."),
};
inline constexpr option views[] = {
    flag("offsets", "With --describe: per partition, where the group is and its lag (the default)."),
    flag("members", "With --describe: the members."),
    maybe_value("state", "states", "With --describe: the state of the group. With --list: show states, or only groups in these."),
    flag("verbose", "With --describe: more columns."),
};
inline constexpr option plans[] = {
    flag("execute", "Do it."),
    flag("dry-run", "Only show what would be done."),
};
inline constexpr option export_plan = flag("export", "Print the plan as CSV.");

}  // namespace weir::tools::of_groups
