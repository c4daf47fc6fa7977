// weir groups: groups of every kind.
#include "common_options.hpp"
#include "connect.hpp"
#include "output.hpp"

#include <weir/admin.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace weir::tools {
namespace groups_tool {
namespace {

constexpr option options[] = {
    bootstrap_server.required(),
    command_config,
    flag("list", "List the groups.").required(),
    value("group-type", "type", "Only groups of this type: consumer, classic, share or streams."),
    value("protocol", "name", "Only groups whose members speak this protocol."),
    flag("consumer", "Only groups of consumers, of either type."),
    flag("share", "Only share groups."),
    flag("streams", "Only streams groups."),
    output_format,
};

int run(const invocation& call) {
    const auto& args = call.args;
    args.excludes("consumer", {"share", "streams", "group-type", "protocol"});
    args.excludes("share", {"consumer", "streams", "group-type", "protocol"});
    args.excludes("streams", {"consumer", "share", "group-type", "protocol"});
    list_groups_options wanted;
    if (args.has("group-type")) {
        wanted.types.push_back(parse_group_type(args.text("group-type")));
        if (wanted.types.back() == group_type::unknown) throw usage_error{"--group-type is one of consumer, classic, share, streams"};
    }
    if (args.has("consumer")) {
        wanted.types = {group_type::consumer, group_type::classic};
        wanted.protocols = {"consumer", ""};
    }
    if (args.has("share")) wanted.types = {group_type::share};
    if (args.has("streams")) wanted.types = {group_type::streams};
    if (args.has("protocol")) wanted.protocols = {std::string{args.text("protocol")}};
    const admin at{connect(args, "groups")};
    const auto groups = *at.list_groups(wanted).get();
    if (call.out.json()) {
        table all{{{"GROUP", "group"}, {"TYPE", "type"}, {"PROTOCOL", "protocol"}}};
        for (const auto& each : groups) all.row({each.group, std::string{to_string(each.type)}, each.protocol});
        all.print(call.out);
        return 0;
    }
    // One width for all columns.
    std::size_t width = 20;
    for (const auto& each : groups) width = std::max({width, each.group.size(), each.protocol.size()});
    call.out.line(fmt::format("{:<{}} {:<{}} {:<{}}", "GROUP", width, "TYPE", width, "PROTOCOL", width));
    for (const auto& each : groups) call.out.line(fmt::format("{:<{}} {:<{}} {:<{}} ", each.group, width, to_string(each.type), width, each.protocol, width));
    return 0;
}

}  // namespace
}  // namespace groups_tool

extern const tool groups;
constinit const tool groups{"groups", "List groups of every kind.", groups_tool::options, {}, {}, {"Error while executing groups command : ", true}, groups_tool::run};

}  // namespace weir::tools
