// Where groups shall go on reading: the scenarios of --reset-offsets, the same for every kind of group.
#pragma once
#include "../arguments.hpp"
#include "../output.hpp"

#include <weir/admin.hpp>

namespace weir::tools {

inline constexpr option reset_scenarios[] = {
    value("to-offset", "offset", "Reset to this offset."),
    value("shift-by", "n", "Reset to the committed offset plus n, which may be negative."),
    value("to-datetime", "time", "Reset to the first record of that time or later: YYYY-MM-DDThh:mm:ss.sss, in UTC when no zone is told."),
    value("by-duration", "duration", "Reset to the first record not older than that: PnDTnHnMnS."),
    flag("to-earliest", "Reset to the beginning."),
    flag("to-latest", "Reset to the end."),
    flag("to-current", "Reset to what is committed; to the end where nothing is."),
    value("from-file", "file", "Reset to what a CSV file says, as --export writes it."),
};

using offset_map = std::map<topic_partition, std::int64_t>;

/// "orders", "orders:0,2": the partitions these name. Throws usage_error for what cannot be read, weir::exception for topics
/// that do not exist.
std::vector<topic_partition> partitions_named(const admin& at, const std::vector<std::string>& topics);

/// The offsets that the scenario gives these partitions of a group; offsets beyond the log are put to its ends, and told on
/// stderr; partitions without a record of that time, on `out`. `committed` is asked for by the scenarios that need it.
offset_map planned_offsets(const admin& at, const arguments& args, const std::vector<topic_partition>& partitions, function<offset_map()> committed,
                           output& out);

/// What lies outside of the log goes to its nearer end, which is told on stderr.
offset_map within_the_log(const admin& at, offset_map wanted);
/// Who says neither --execute nor --dry-run may have forgotten one.
void warn_of_dry_run(const arguments& args);
/// Throws usage_error then: of the tools that never took the one for granted.
void need_execute_or_dry_run(const arguments& args);

/// Lines "topic,partition,offset" or "group,topic,partition,offset"; the first when `only_group` is not empty.
std::map<std::string, offset_map> read_plan(const std::string& path, const std::string& only_group);

/// Milliseconds since 1970. Throws usage_error.
std::int64_t parse_datetime(std::string_view text);
milliseconds parse_iso_duration(std::string_view text);

}  // namespace weir::tools
