#include "offset_reset.hpp"

#include <fmt/format.h>

namespace weir::tools {

std::vector<topic_partition> partitions_in_scope(const admin& at, const arguments& args, function<std::vector<topic_partition>()> all) {
    if (args.has("all-topics")) return all();
    if (args.has("topic")) return partitions_named(at, args.all("topic"));
    throw usage_error{"One of the reset scopes should be defined: --all-topics, --topic."};
}

int reset_groups(const admin& at, std::vector<resettable> groups, const invocation& call, plan_form form) {
    const auto& args = call.args;
    std::map<std::string, offset_map> plans, of_file;
    if (args.has("from-file")) of_file = read_plan(std::string{args.text("from-file")}, only_group(args));
    int failures = 0;
    for (auto& each : groups) {
        auto& plan = plans[each.name];
        if (each.state != group_state::empty && each.state != group_state::dead) {
            call.out.line(fmt::format("\nError: Assignments can only be reset if the group '{}' is inactive, but the current state is {}.", each.name, to_string(each.state)));
            ++failures;
            continue;
        }
        plan = args.has("from-file") ? within_the_log(at, std::move(of_file[each.name])) : planned_offsets(at, args, each.scope(), [&] { return each.committed(); }, call.out);
        if (args.has("execute")) each.move(plan);
    }
    tell_plans(args, plans, call.out, form);
    return failures > 0 ? 1 : 0;
}

}  // namespace weir::tools
