// weir metadata-quorum: the controllers' quorum.
#include "common_options.hpp"
#include "connect.hpp"
#include "numbers.hpp"
#include "output.hpp"

#include <weir/admin.hpp>
#include <weir/base/asio_runtime.hpp>
#include <weir/base/posix_files.hpp>
#include <weir/base/properties.hpp>
#include <weir/base/split_list.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>

namespace weir::tools {

namespace metadata_quorum_tool {
namespace {

constexpr option options[] = {bootstrap_server, bootstrap_controller, command_config, output_format};
constexpr option describe_options[] = {
    flag("status", "The leader, how far the others are behind, who votes and who listens."),
    flag("replication", "Each replica of the metadata log."),
    flag("human-readable", "With --replication: times as \"12 ms ago\"."),
};
constexpr option add_options[] = {flag("dry-run", "Show what would be done, and do nothing.")};
constexpr option remove_options[] = {
    value("controller-id", "id", "The controller.").letter('i').required(),
    value("controller-directory-id", "id", "The directory of its metadata log.").letter('d').required(),
    flag("dry-run", "Show what would be done, and do nothing."),
};
constexpr command commands[] = {
    {"describe", "Show the state of the quorum.", describe_options},
    {"add-controller", "Let a controller vote: the one whose own settings --command-config is.", add_options},
    {"remove-controller", "Take a controller's vote away.", remove_options},
};

[[noreturn]] void fail(std::string why) { throw exception{error{errc::invalid_request, std::move(why)}}; }

const quorum_replica& leader_of(const quorum_description& quorum) {
    const auto found = std::find_if(quorum.voters.begin(), quorum.voters.end(), [&](const quorum_replica& each) { return each.id == quorum.leader; });
    if (found == quorum.voters.end()) fail("The quorum has no leader now; try again in a moment");
    return *found;
}

std::int64_t millis(const std::optional<timestamp>& time) { return time ? static_cast<std::int64_t>(time->time_since_epoch().count()) : -1; }

int describe_replication(const admin& at, const invocation& call) {
    const auto quorum = *at.describe_metadata_quorum().get();
    const auto& leader = leader_of(quorum);
    runtime clock_of{1};
    const auto now = clock_of.loop(0).wall_now();
    const auto shown = [&](const std::optional<timestamp>& time) {
        return call.args.has("human-readable") && time ? fmt::format("{} ms ago", now - millis(time)) : std::to_string(millis(time));
    };
    table replicas{{{"NodeId", "nodeId", true}, {"DirectoryId", "directoryId"}, {"LogEndOffset", "logEndOffset", true}, {"Lag", "lag", true},
                    {"LastFetchTimestamp", "lastFetchTimestamp", !call.args.has("human-readable")},
                    {"LastCaughtUpTimestamp", "lastCaughtUpTimestamp", !call.args.has("human-readable")}, {"Status", "status"}}};
    const auto add = [&](const quorum_replica& each, std::string_view status) {
        replicas.row({std::to_string(each.id), to_string(each.directory), std::to_string(each.log_end_offset), std::to_string(leader.log_end_offset - each.log_end_offset),
                      shown(each.last_fetch), shown(each.last_caught_up), std::string{status}});
    };
    add(leader, "Leader");
    for (const auto& each : quorum.voters)
        if (each.id != leader.id) add(each, "Follower");
    for (const auto& each : quorum.observers) add(each, "Observer");
    replicas.print(call.out, "\t", table::last_column::padded_with_gap);
    return 0;
}

/// "CONTROLLER://host:9093"; addresses of IPv6 in brackets.
std::string endpoint_text(const quorum_endpoint& where) {
    const bool six = where.host.find(':') != std::string::npos;
    return fmt::format("{}://{}{}{}:{}", where.listener, six ? "[" : "", where.host, six ? "]" : "", where.port);
}

std::string replicas_text(const quorum_description& quorum, const std::vector<quorum_replica>& replicas) {
    std::vector<std::string> all;
    for (const auto& each : replicas) {
        auto text = fmt::format("{{\"id\": {}", each.id);
        if (!each.directory.is_zero()) text += fmt::format(", \"directoryId\": \"{}\"", to_string(each.directory));
        if (const auto node = quorum.nodes.find(each.id); node != quorum.nodes.end() && !node->second.empty()) {
            std::vector<std::string> endpoints;
            for (const auto& where : node->second)
                endpoints.push_back('"' + endpoint_text(where) + '"');
            text += fmt::format(", \"endpoints\": [{}]", fmt::join(endpoints, ", "));
        }
        all.push_back(text + "}");
    }
    return fmt::format("[{}]", fmt::join(all, ", "));
}

int describe_status(const admin& at, const invocation& call) {
    auto asking = at.describe_cluster();
    const auto quorum = *at.describe_metadata_quorum().get();
    const auto cluster_id = (*asking.get()).id;
    const auto& leader = leader_of(quorum);
    const auto& last = *std::min_element(quorum.voters.begin(), quorum.voters.end(), [](const auto& a, const auto& b) { return a.log_end_offset < b.log_end_offset; });
    const auto lag_time = last.id == leader.id                                  ? std::int64_t{0}
                          : leader.last_caught_up && last.last_caught_up ? millis(leader.last_caught_up) - millis(last.last_caught_up)
                                                                         : std::int64_t{-1};
    const auto lag = leader.log_end_offset - last.log_end_offset;
    const auto voters = replicas_text(quorum, quorum.voters), observers = replicas_text(quorum, quorum.observers);
    if (!call.out.json()) {
        call.out.line(fmt::format("ClusterId:              {}\nLeaderId:               {}\nLeaderEpoch:            {}\nHighWatermark:          {}\n"
                                  "MaxFollowerLag:         {}\nMaxFollowerLagTimeMs:   {}\nCurrentVoters:          {}\nCurrentObservers:       {}",
                                  cluster_id, quorum.leader, quorum.leader_epoch, quorum.high_watermark, lag, lag_time, voters, observers));
        return 0;
    }
    json_writer document;
    const auto number = [&](std::string_view name, std::int64_t value) {
        document.key(name);
        document.number(value);
    };
    document.begin_object();
    document.key("clusterId");
    document.string(cluster_id);
    number("leaderId", quorum.leader);
    number("leaderEpoch", quorum.leader_epoch);
    number("highWatermark", quorum.high_watermark);
    number("maxFollowerLag", lag);
    number("maxFollowerLagTimeMs", lag_time);
    document.key("currentVoters");
    document.raw(voters);
    document.key("currentObservers");
    document.raw(observers);
    document.end_object();
    call.out.line(std::move(document));
    return 0;
}

/// What the settings of a controller say about it.
struct controller_settings {
    std::int32_t id = -1;
    uuid directory;
    std::vector<quorum_endpoint> endpoints;
};

quorum_endpoint parse_listener(std::string_view text) {
    const auto scheme = text.find("://");
    const auto colon = text.rfind(':');
    const auto port = scheme == text.npos || colon < scheme + 3 ? std::nullopt : parse_number(text.substr(colon + 1));
    if (!port || *port < 0 || *port > 65'535) fail(fmt::format("'{}' in the controller's listeners is not of the form NAME://host:port", text));
    auto host = text.substr(scheme + 3, colon - scheme - 3);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    return {std::string{text.substr(0, scheme)}, host.empty() ? "localhost" : std::string{host}, static_cast<std::uint16_t>(*port)};
}

controller_settings read_controller(const arguments& args) {
    if (!args.has("command-config")) throw usage_error{"You must supply the configuration file of the controller you are adding when using add-controller. It goes to --command-config."};
    const auto files = make_posix_files();
    const auto read = [&](const std::string& path) {
        const auto content = *read_file(*files, path);
        std::map<std::string, std::string> found;
        for (auto& each : *parse_properties(as_text(content))) found[each.name] = each.value;
        return found;
    };
    const auto settings = read(std::string{args.text("command-config")});
    const auto setting = [&](const std::string& name) {
        const auto found = settings.find(name);
        return found == settings.end() ? std::string{} : found->second;
    };
    controller_settings made;
    const auto id = parse_id(setting("node.id"));
    if (!id) fail("node.id not found in configuration file. Is this a valid controller configuration file?");
    made.id = *id;
    if (setting("process.roles").find("controller") == std::string::npos)
        fail("process.roles did not contain 'controller' in configuration file. Is this a valid controller configuration file?");
    const auto names = split_list(setting("controller.listener.names"));
    if (names.empty()) fail("controller.listener.names was not found. Is this a valid controller configuration file?");
    std::map<std::string, quorum_endpoint> listeners;
    for (const auto* each : {"listeners", "advertised.listeners"})
        for (const auto& text : split_list(setting(each))) {
            auto where = parse_listener(text);
            listeners[where.listener] = where;
        }
    for (const auto& name : names) {
        if (!listeners.contains(name)) fail("Cannot find information about controller listener name: " + name);
        made.endpoints.push_back(listeners[name]);
    }
    auto directory = setting("metadata.log.dir");
    if (const auto all = split_list(setting("log.dirs")); directory.empty() && !all.empty()) directory = all.front();
    if (directory.empty()) fail("Neither metadata.log.dir nor log.dirs were found. Is this a valid controller configuration file?");
    const auto meta = read(directory + "/meta.properties");
    const auto found = meta.find("directory.id");
    if (found == meta.end()) fail("No directory id found in " + directory);
    made.directory = *parse_uuid(found->second);
    return made;
}

int add_controller(const invocation& call) {
    const auto controller = read_controller(call.args);
    const bool dry_run = call.args.has("dry-run");
    // The file is a server's: of its settings only those of a client would count here, and the listener's protocol is not among them.
    properties settings;
    set_bootstrap(call.args, settings);
    if (!dry_run) *admin{client{settings}}.add_raft_voter(controller.id, controller.directory, controller.endpoints).get();
    std::vector<std::string> endpoints;
    for (const auto& each : controller.endpoints) endpoints.push_back(endpoint_text(each));
    call.out.line(fmt::format("{} controller {} with directory id {} and endpoints: {}", dry_run ? "DRY RUN of adding" : "Added", controller.id,
                              to_string(controller.directory), fmt::join(endpoints, ", ")));
    return 0;
}

int remove_controller(const invocation& call) {
    const auto id = static_cast<std::int32_t>(*call.args.number("controller-id", 0, std::numeric_limits<std::int32_t>::max()));
    const auto directory = parse_uuid(call.args.text("controller-directory-id"));
    if (!directory) fail(fmt::format("Failed to parse --controller-directory-id: {}", directory.error().what()));
    if (!call.args.has("dry-run")) *admin{connect(call.args)}.remove_raft_voter(id, *directory).get();
    call.out.line(fmt::format("{} KRaft controller {} with directory id {}", call.args.has("dry-run") ? "DRY RUN of removing " : "Removed ", id, to_string(*directory)));
    return 0;
}

int run(const invocation& call) {
    if (call.args.command() == "add-controller") return add_controller(call);
    if (call.args.command() == "remove-controller") return remove_controller(call);
    const bool status = call.args.has("status"), replication = call.args.has("replication");
    if (status && replication) throw usage_error{"Only one of --status or --replication should be specified with describe sub-command"};
    if (!status && !replication) throw usage_error{"One of --status or --replication must be specified with describe sub-command"};
    if (status && call.args.has("human-readable")) throw usage_error{"The option --human-readable is only supported along with --replication"};
    const admin at{connect(call.args)};
    return status ? describe_status(at, call) : describe_replication(at, call);
}

}  // namespace
}  // namespace metadata_quorum_tool

extern const tool metadata_quorum;
constinit const tool metadata_quorum{"metadata-quorum", "Show and change the quorum that keeps the cluster's metadata.", metadata_quorum_tool::options, metadata_quorum_tool::commands, {}, {}, metadata_quorum_tool::run};

}  // namespace weir::tools
