// Options that the tools for the kinds of groups share.
#pragma once
#include "../tool.hpp"

namespace weir::tools::of_groups {

inline constexpr option list = flag("list", "List the groups.");
inline constexpr option describe = flag("describe", "Describe groups, and how far they have read.");
inline constexpr option remove = flag("delete", "Delete groups that have no members.");
inline constexpr option reset_offsets = flag("reset-offsets", "Move groups that have no members; shows the plan unless --execute is given.");
inline constexpr option group = value("group", "id", "A group.").repeatable();
inline constexpr option all_groups = flag("all-groups", "All groups of this kind.");
inline constexpr option topic = value("topic", "topic[:0,1]", "A topic, or some of its partitions.").repeatable();
inline constexpr option offsets = flag("offsets", "With --describe: per partition, where the group is and its lag (the default).");
inline constexpr option members = flag("members", "With --describe: the members.");
inline constexpr option state = maybe_value("state", "states", "With --describe: the state of the group. With --list: show states, or only groups in these.");
inline constexpr option verbose = flag("verbose", "With --describe: more columns.");
inline constexpr option timeout = value("timeout", "ms", "How long one operation may take (5000).");
inline constexpr option execute = flag("execute", "Do it.");
inline constexpr option dry_run = flag("dry-run", "Only show what would be done (the default).");
inline constexpr option export_plan = flag("export", "Print the plan as CSV.");

}  // namespace weir::tools::of_groups
