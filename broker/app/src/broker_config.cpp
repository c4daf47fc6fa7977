#include <weir/broker/broker_config.hpp>

#include "other_settings.hpp"

#include <algorithm>
#include <charconv>

namespace weir::broker {
namespace {

bool is_host_and_port(std::string_view text) { return parse_host_and_port(text).has_value(); }

}  // namespace

std::optional<endpoint> parse_host_and_port(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    auto host = text.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    endpoint parsed{std::string{host}, 0};
    const auto* end = text.data() + text.size();
    const auto [rest, problem] = std::from_chars(text.data() + colon + 1, end, parsed.port);
    if (problem != std::errc{} || rest != end) return std::nullopt;
    return parsed;
}

const std::string* node_config::unknown_directory(const std::vector<std::string>& cordoned) const {
    if (cordoned.size() == 1 && cordoned.front() == "*") return nullptr;
    const auto known = directories();
    const auto at = std::find_if(cordoned.begin(), cordoned.end(), [&](const auto& each) { return std::find(known.begin(), known.end(), each) == known.end(); });
    return at == cordoned.end() ? nullptr : &*at;
}

std::vector<std::string> security_protocols(const broker_config& config) {
    auto protocols = config.server.security_protocol_map;
    if (config.given.contains("listener.security.protocol.map")) return protocols;
    const auto means_security = [](std::string_view name) { return name == "SSL" || name == "SASL_SSL" || name == "SASL_PLAINTEXT"; };
    const auto& controllers = config.node.controller_listener_names;
    const auto& listeners = config.server.listeners;
    if (std::any_of(controllers.begin(), controllers.end(), means_security)) return protocols;
    if (std::any_of(listeners.begin(), listeners.end(), [&](const auto& each) { return means_security(each.substr(0, each.find("://"))); })) return protocols;
    for (const auto& name : controllers)
        if (name != "PLAINTEXT") protocols.push_back(name + ":PLAINTEXT");
    return protocols;
}

std::span<const setting> node_config::settings() {
    using c = node_config;
    static const setting all[] = {
        make_setting<&c::process_roles>("process.roles", one_of("broker", "controller"), "What this process is; both roles are needed, as the quorum has one voter.", importance::high),
        make_setting<&c::node_id>("node.id", at_least(0), "The id of this node.", importance::high, synonym("broker.id")),
        make_setting<&c::rack>("broker.rack", any(), "Where the broker stands; replicas are spread over racks."),
        make_setting<&c::log_dir>("log.dir", not_empty(), "Where data is kept, when log.dirs does not say.", importance::high, setting_type::list),
        make_setting<&c::log_dirs>("log.dirs", any(), "Where data is kept; several directories, separated by commas.", importance::high),
        make_setting<&c::cordoned_log_dirs>("cordoned.log.dirs", any(), "Directories of log.dirs that take no new partitions, such as a disk that is to be emptied; *: all of them.", dynamic_mode::per_broker),
        make_setting<&c::move_bytes_per_second>("replica.alter.log.dirs.io.max.bytes.per.second", at_least(1), "Bytes that partitions on their way to another directory are copied in a second, all together.", dynamic_mode::cluster_wide),
        make_setting<&c::metadata_log_dir>("metadata.log.dir", any(), "Where the metadata log is kept; the first of log.dirs when not set.", importance::high),
        make_setting<&c::controller_listener_names>("controller.listener.names", any(), "Listeners that serve controllers' requests.", importance::high),
        make_setting<&c::controller_quorum_voters>("controller.quorum.voters", any(), "The voters, id@host:port; this node alone.", importance::high),
        make_setting<&c::metadata_max_bytes_between_snapshots>("metadata.log.max.record.bytes.between.snapshots", at_least(1), "Bytes of metadata records after which a snapshot is written.", importance::high),
        make_setting<&c::metadata_max_snapshot_interval>("metadata.log.max.snapshot.interval.ms", at_least(0), "The longest time between two snapshots of changed metadata; 0: by bytes alone.", importance::high),
        make_setting<&c::metadata_segment_bytes>("metadata.log.segment.bytes", at_least(8 << 20), "Bytes at which a segment of the metadata log is closed.", importance::high),
        make_setting<&c::metadata_segment_ms>("metadata.log.segment.ms", at_least(1), "Age at which a segment of the metadata log is closed.", importance::high),
        make_setting<&c::metadata_retention_bytes>("metadata.max.retention.bytes", any(), "Size of metadata log and snapshots above which the oldest go.", importance::high),
        make_setting<&c::metadata_retention>("metadata.max.retention.ms", any(), "Age at which snapshots and the log below them go.", importance::high),
        make_setting<&c::retention_check_interval>("log.retention.check.interval.ms", at_least(1), "How often logs are looked at for what may be deleted."),
        make_setting<&c::checkpoint_interval>("log.flush.offset.checkpoint.interval.ms", at_least(0), "How often recovery points are written down.", importance::high, setting_type::int32),
        make_setting<&c::producer_id_expiration>("producer.id.expiration.ms", at_least(1), "How long the sequence numbers of an idempotent producer are remembered after its last record.", dynamic_mode::cluster_wide, setting_type::int32),
        make_setting<&c::event_loops>("event.loops", between(0, 1024), "Threads that serve requests, each with its own partitions; 0: one per core."),
        make_setting<&c::http_listener>("http.listener", checked(is_host_and_port, "host:port"), "Where /metrics and /health are served; not set: nowhere."),
    };
    return all;
}

namespace {

constexpr const char* not_here = "this broker does not have it, and starting without it would not do what was asked for; remove the setting";

bool has_both_roles(const node_config& node) {
    const auto has = [&](std::string_view role) { return std::find(node.process_roles.begin(), node.process_roles.end(), role) != node.process_roles.end(); };
    return has("broker") && has("controller");
}

// What follows are combinations that no single row can refuse.
void check_node(settings_reader& reader, const node_config& node) {
    // Who asks for one half of a node names voters and listeners of the other half elsewhere: one line says it all.
    if (!has_both_roles(node))
        reader.report("process.roles", "this broker is its own controller: both roles are needed, process.roles=broker,controller");
    else if (node.controller_quorum_voters.size() > 1)
        reader.report("controller.quorum.voters", "the quorum of this broker has one voter, itself: " + std::to_string(node.controller_quorum_voters.size()) + " are named");
    else if (node.controller_quorum_voters.size() == 1 && node.controller_quorum_voters.front().substr(0, node.controller_quorum_voters.front().find('@')) != std::to_string(node.node_id))
        reader.report("controller.quorum.voters", "'" + node.controller_quorum_voters.front() + "' is not this node, whose node.id is " + std::to_string(node.node_id));
    const auto directories = node.directories();
    if (directories.empty() || std::any_of(directories.begin(), directories.end(), [](const auto& each) { return each.empty(); }))
        reader.report("log.dirs", "names no directory");
    if (const auto* unknown = node.unknown_directory(node.cordoned_log_dirs))
        reader.report("cordoned.log.dirs", "'" + *unknown + "' is not in log.dirs; allowed are its directories, or * alone for all");
}

void check_listeners(settings_reader& reader, const broker_config& config) {
    const auto& server = config.server;
    const auto protocols = security_protocols(config);
    const auto listeners = server::parse_listeners("listeners", server.listeners, protocols);
    if (!listeners) return reader.report("listeners", listeners.error().what());
    for (const auto& each : *listeners)
        if (each.protocol != "PLAINTEXT") reader.report("listeners", "listener " + each.name + " uses " + each.protocol + ": this broker serves PLAINTEXT listeners only");
    const auto names_one = [&](std::string_view setting, const std::string& name) {
        if (std::none_of(listeners->begin(), listeners->end(), [&](const auto& each) { return each.name == name; }))
            reader.report(setting, "listeners has no listener " + name);
    };
    if (has_both_roles(config.node))
        for (const auto& name : config.node.controller_listener_names) names_one("controller.listener.names", name);
    if (const auto* given = reader.find("inter.broker.listener.name")) names_one("inter.broker.listener.name", given->value);
    if (server.advertised_listeners) {
        const auto told = server::parse_listeners("advertised.listeners", *server.advertised_listeners, protocols);
        if (!told) return reader.report("advertised.listeners", told.error().what());
        for (const auto& each : *told) names_one("advertised.listeners", each.name);
    }
}

// A listener's own settings: listener.name.<listener>.<setting>, for SASL with a mechanism in between.
void read_listener_settings(settings_reader& reader, parsed_config& parsed) {
    auto& server = parsed.config.server;
    const auto listeners = server::parse_listeners("listeners", server.listeners, security_protocols(parsed.config));
    if (!listeners) return;  // which was told
    for (const auto& each : *listeners) server.limits_of_listeners[each.name];
    for (const auto& [name, given] : parsed.config.given) {
        if (!name.starts_with("listener.name.")) continue;
        reader.accept(name);
        const auto whose = std::find_if(server.limits_of_listeners.begin(), server.limits_of_listeners.end(),
                                        [&, &full = name](const auto& each) { return full.starts_with(server::listener_prefix(each.first)); });
        if (whose == server.limits_of_listeners.end()) {
            std::string prefixes;
            for (const auto& [known, limits] : server.limits_of_listeners) prefixes += (prefixes.empty() ? "" : ", ") + server::listener_prefix(known);
            reader.report(name, "listeners has no listener that it could be of; it may begin with " + prefixes);
            continue;
        }
        const auto own = std::string_view{name}.substr(server::listener_prefix(whose->first).size());
        const auto* row = find_setting(server::listener_limits::settings(), own);
        if (row) {
            if (!row->parse(&whose->second, given.value)) reader.report(name, "allowed is " + row->allowed());
        } else if (is_refused(own) || own.find(".sasl.") != std::string_view::npos) {
            if (!asks_for_nothing(own, given.value)) reader.report(name, not_here);
        } else if (!why_without_effect(own).empty()) {
            parsed.without_effect.push_back(given.where + ": " + name);
        } else {
            std::string known;
            for (const auto& each : server::listener_limits::settings()) known += (known.empty() ? "" : ", ") + std::string{each.name};
            reader.report(name, std::string{own} + " is no setting of a single listener; allowed are " + known);
        }
    }
}

void check_limits(settings_reader& reader, const broker_config& config) {
    const auto& groups = config.groups;
    if (groups.min_session_timeout > groups.max_session_timeout)
        reader.report("group.min.session.timeout.ms", "is above group.max.session.timeout.ms=" + std::to_string(groups.max_session_timeout.count()));
    const auto& logs = config.log_defaults;
    if (logs.min_compaction_lag_ms > logs.max_compaction_lag_ms)
        reader.report("log.cleaner.min.compaction.lag.ms", "is above log.cleaner.max.compaction.lag.ms=" + std::to_string(logs.max_compaction_lag_ms.count()));
    else if (const auto fine = logs.check(); !fine)
        reader.report("log.*", fine.error().what());
    if (const auto fine = config.server.check(); !fine) reader.report("max.connections.per.ip", fine.error().what());
}

}  // namespace

result<parsed_config> parse_config(const std::string& file, std::string_view text, const std::vector<std::string>& overrides,
                                   const std::string& overrides_from) {
    settings_reader reader;
    reader.add_text(file, text);
    for (const auto& each : overrides) {
        const auto equals = each.find('=');
        if (equals == std::string::npos || equals == 0) return error{errc::invalid_setting, overrides_from + " '" + each + "' is not name=value"};
        reader.add(each.substr(0, equals), each.substr(equals + 1), overrides_from);
    }
    parsed_config parsed;
    auto& config = parsed.config;
    reader.read(config.node);
    reader.read(config.server);
    reader.read(config.groups);
    reader.read(storage::log_config::server_settings(), &config.log_defaults, setting_names::synonyms_only);
    reader.read(config.cleaner);
    config.log_defaults.producer_id_expiration_ms = config.node.producer_id_expiration;
    for (const auto& [name, given] : reader.entries()) {
        if (!why_without_effect(name).empty()) {
            reader.accept(name);
            parsed.without_effect.push_back(given.where + ": " + name);
        }
        if (is_refused(name)) {
            reader.accept(name);
            if (!asks_for_nothing(name, given.value)) reader.report(name, not_here);
        }
    }
    config.given = reader.entries();
    check_node(reader, config.node);
    check_listeners(reader, config);
    read_listener_settings(reader, parsed);
    check_limits(reader, config);
    if (auto fine = reader.finish(); !fine) return fine.error();
    return parsed;
}

}  // namespace weir::broker
