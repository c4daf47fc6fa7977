// weir cluster: the cluster's id and brokers.
#include "common_options.hpp"
#include "connect.hpp"
#include "output.hpp"

#include <weir/admin.hpp>

#include <algorithm>
#include <limits>

namespace weir::tools {

namespace cluster_tool {
namespace {

constexpr option options[] = {
    bootstrap_server.letter('b'),
    bootstrap_controller.letter('C'),
    command_config.letter('c'),
    value("config", "file", "").instead("command-config"),
    output_format,
};
constexpr option unregister_options[] = {value("id", "number", "The broker to forget.").letter('i').required()};
constexpr option list_endpoints_options[] = {flag("include-fenced-brokers", "Show brokers that are registered but not serving, too.")};
constexpr command commands[] = {
    {"cluster-id", "Print the id of the cluster.", {}},
    {"unregister", "Make the cluster forget a broker that will not come back.", unregister_options},
    {"list-endpoints", "Show the brokers and where they are reached.", list_endpoints_options},
};

int print_id(const admin& at, output& out) {
    const auto found = *at.describe_cluster().get();
    if (!out.json()) {
        out.line(found.id.empty() ? "No cluster ID found. The Kafka version is probably too old." : "Cluster ID: " + found.id);
        return 0;
    }
    json_writer document;
    document.begin_object();
    document.key("clusterId");
    document.string(found.id);
    document.end_object();
    out.line(std::move(document));
    return 0;
}

int unregister(const admin& at, const invocation& call) {
    const auto id = static_cast<std::int32_t>(*call.args.number("id", 0, std::numeric_limits<std::int32_t>::max()));
    const auto done = at.unregister_broker(id).get();
    if (!done && done.code() == errc::unsupported_version) {
        call.out.line("The target cluster does not support the broker unregistration API.");
        return 0;
    }
    *done;
    call.out.line("Broker " + std::to_string(id) + " is no longer registered.");
    return 0;
}

int list_endpoints(const admin& at, const invocation& call) {
    describe_cluster_options how;
    how.fenced_brokers = call.args.has("include-fenced-brokers");
    const auto found = *at.describe_cluster(how).get();
    // As wide as the widest rack, 10 where there is none.
    const std::size_t of_rack = std::any_of(found.nodes.begin(), found.nodes.end(), [](const auto& each) { return each.rack.has_value(); }) ? 0 : 10;
    if (call.args.has("bootstrap-controller")) {
        if (how.fenced_brokers) throw usage_error{"The option --include-fenced-brokers is only supported with --bootstrap-server option"};
        table controllers{{{"ID", "id", true, 10}, {"HOST", "host"}, {"PORT", "port", true, 10}, {"RACK", "rack", false, of_rack}, {"ENDPOINT_TYPE", "endpointType", false, 15}}};
        for (const auto& each : found.nodes) controllers.row({std::to_string(each.id), each.host, std::to_string(each.port), each.rack.value_or("null"), "controller"});
        controllers.print(call.out, " ", table::last_column::padded);
        return 0;
    }
    table brokers{{{"ID", "id", true, 10}, {"HOST", "host"}, {"PORT", "port", true, 10}, {"RACK", "rack", false, of_rack}, {"STATE", "state", false, 10}, {"ENDPOINT_TYPE", "endpointType", false, 15}}};
    for (const auto& each : found.nodes)
        brokers.row({std::to_string(each.id), each.host, std::to_string(each.port), each.rack.value_or("null"), each.fenced ? "fenced" : "unfenced", "broker"});
    brokers.print(call.out, " ", table::last_column::padded);
    return 0;
}

int run(const invocation& call) {
    const admin at{connect(call.args)};
    if (call.args.command() == "cluster-id") return print_id(at, call.out);
    if (call.args.command() == "unregister") return unregister(at, call);
    return list_endpoints(at, call);
}

}  // namespace
}  // namespace cluster_tool

extern const tool cluster;
constinit const tool cluster{"cluster", "Show the id and the brokers of a cluster, or forget a broker.", cluster_tool::options, cluster_tool::commands, {}, {}, cluster_tool::run};

}  // namespace weir::tools
