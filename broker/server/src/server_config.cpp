#include <weir/server/server_config.hpp>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <set>
#include <utility>

namespace weir::server {

namespace {

std::optional<std::pair<std::string, std::int32_t>> parse_ip_limit(std::string_view entry) {
    const auto colon = entry.rfind(':');
    std::int32_t limit = 0;
    const auto* end = entry.data() + entry.size();
    if (colon == std::string_view::npos || std::from_chars(entry.data() + colon + 1, end, limit).ptr != end || limit < 0) return std::nullopt;
    return std::pair{std::string{entry.substr(0, colon)}, limit};
}
bool is_ip_limit(std::string_view entry) { return parse_ip_limit(entry).has_value(); }

}  // namespace

std::span<const setting> server_config::settings() {
    using c = server_config;
    constexpr auto changes = dynamic_mode::cluster_wide;
    static const setting all[] = {
        make_setting<&c::listeners>("listeners", any(), "Where to listen: NAME://host:port, separated by commas. An empty host is every address.", importance::high),
        make_setting<&c::advertised_listeners>("advertised.listeners", any(), "The addresses clients are told, by listener name; those of `listeners` when not set.", importance::high),
        make_setting<&c::inter_broker_listener_name>("inter.broker.listener.name", any(), "Beside other listeners, the one whose connections need not wait for max.connections; PLAINTEXT when not set."),
        make_setting<&c::security_protocol_map>("listener.security.protocol.map", any(), "The security protocol of each listener name.", importance::low),
        make_setting<&c::socket_send_buffer_bytes>("socket.send.buffer.bytes", at_least(-1), "SO_SNDBUF of client connections; -1: the system sizes it by what the connection moves.", importance::high),
        make_setting<&c::socket_receive_buffer_bytes>("socket.receive.buffer.bytes", at_least(-1), "SO_RCVBUF of client connections; -1: the system sizes it by what the connection moves.", importance::high),
        make_setting<&c::socket_request_max_bytes>("socket.request.max.bytes", at_least(1), "The largest request; a larger one ends its connection.", importance::high),
        make_setting<&c::socket_listen_backlog_size>("socket.listen.backlog.size", at_least(1), "Connections the system keeps waiting for us, and those that we let wait on a listener for max.connections."),
        make_setting<&c::max_connections_per_ip>("max.connections.per.ip", at_least(0), "Connections from one address; those beyond are closed.", changes),
        make_setting<&c::max_connections_per_ip_overrides>("max.connections.per.ip.overrides", checked(is_ip_limit, "a list of address:limit"), "Other limits for single addresses.", changes, setting_type::string),
        make_setting<&c::max_connections>("max.connections", at_least(0), "Connections in all; those beyond wait until others leave.", changes),
        make_setting<&c::max_connection_creation_rate>("max.connection.creation.rate", at_least(0), "New connections in a second; those beyond wait until it is their turn. 0: one after the other, each for a second.", changes),
        make_setting<&c::connections_max_idle>("connections.max.idle.ms", any(), "A connection without requests for this long is closed; 0 or less: never."),
        make_setting<&c::queued_max_request_bytes>("queued.max.request.bytes", any(), "Bytes of requests in memory; beyond it connections are not read from. -1: 512 MiB."),
        make_setting<&c::max_incremental_fetch_session_cache_slots>("max.incremental.fetch.session.cache.slots", at_least(0), "Fetch sessions the broker keeps, spread over its cores."),
        make_setting<&c::fetch_max_bytes>("fetch.max.bytes", at_least(1024), "The most a fetch answer holds, whatever the client allows."),
        make_setting<&c::max_request_partition_size_limit>("max.request.partition.size.limit", at_least(1), "Partitions in one DescribeTopicPartitions answer."),
        make_setting<&c::auto_create_topics_enable>("auto.create.topics.enable", any(), "Whether asking for a missing topic's metadata creates it.", importance::high),
        make_setting<&c::delete_topic_enable>("delete.topic.enable", any(), "Whether topics can be deleted.", importance::high),
        make_setting<&c::num_partitions>("num.partitions", at_least(1), "Partitions of a topic created without saying how many."),
        make_setting<&c::default_replication_factor>("default.replication.factor", at_least(1), "Replicas of a topic created without saying how many.", setting_type::int32),
        make_setting<&c::request_timeout>("request.timeout.ms", at_least(1), "How long the broker waits on behalf of a request without a time of its own.", importance::high, setting_type::int32),
        make_setting<&c::telemetry_directory>("telemetry.directory", any(), "Where metrics that clients push are kept, a file per client; not set: clients are not asked for metrics.", importance::low),
        make_setting<&c::telemetry_max_bytes>("telemetry.max.bytes", at_least(1), "The largest push of metrics of a client, as it arrives.", importance::low),
    };
    return all;
}

result<void> server_config::check() const {
    if (max_connections_per_ip == 0 && max_connections_per_ip_overrides.empty())
        return error{
            errc::invalid_setting,
            "max.connections.per.ip can be 0 only beside max.connections.per.ip.overrides: nobody could connect"};
    return {};
}

std::span<const setting> listener_limits::settings() {
    using c = listener_limits;
    static const setting all[] = {
        make_setting<&c::max_connections>("max.connections", at_least(0), "Connections of this listener; those beyond wait. Those of all count too.", dynamic_mode::cluster_wide),
        make_setting<&c::max_connection_creation_rate>("max.connection.creation.rate", at_least(0), "New connections of this listener in a second; those beyond wait until it is their turn. 0: one after the other, each for a second.", dynamic_mode::cluster_wide),
    };
    return all;
}

std::string listener_prefix(std::string_view listener) {
    std::string name{listener};
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return "listener.name." + name + ".";
}

namespace {

error bad(const std::string& entry, const std::string& why) { return error{errc::invalid_setting, "'" + entry + "' " + why}; }

}  // namespace

result<std::vector<listener_address>> parse_listeners(std::string_view setting_name, const std::vector<std::string>& entries,
                                                      const std::vector<std::string>& security_protocol_map) {
    std::map<std::string, std::string> protocols;
    for (const auto& entry : security_protocol_map) {
        const auto colon = entry.find(':');
        if (colon == std::string::npos) return error{errc::invalid_setting, "listener.security.protocol.map: '" + entry + "' is not NAME:PROTOCOL"};
        protocols[entry.substr(0, colon)] = entry.substr(colon + 1);
    }
    std::vector<listener_address> parsed;
    std::set<std::string> names;
    std::set<std::pair<std::uint16_t, bool>> ports;  // with: whether the address is IPv6
    for (const auto& entry : entries) {
        const auto scheme = entry.find("://");
        const auto colon = entry.rfind(':');
        if (scheme == std::string::npos || colon == scheme) return bad(entry, "is not NAME://host:port");
        listener_address address;
        address.name = entry.substr(0, scheme);
        std::transform(address.name.begin(), address.name.end(), address.name.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
        address.host = entry.substr(scheme + 3, colon - scheme - 3);
        const bool ipv6 = address.host.size() > 2 && address.host.front() == '[' && address.host.back() == ']';
        if (ipv6) address.host = address.host.substr(1, address.host.size() - 2);
        const auto* digits = entry.data() + colon + 1;
        const auto [end, problem] = std::from_chars(digits, entry.data() + entry.size(), address.port);
        if (problem != std::errc{} || end != entry.data() + entry.size()) return bad(entry, "has no port between 0 and 65535");
        const auto protocol = protocols.find(address.name);
        if (protocol == protocols.end()) return bad(entry, "names a listener that listener.security.protocol.map does not have");
        address.protocol = protocol->second;
        if (!names.insert(address.name).second) return bad(entry, "names a listener twice");
        if (address.port != 0 && setting_name == "listeners" && !ports.emplace(address.port, ipv6).second)
            return bad(entry, "uses a port twice");
        if (setting_name == "advertised.listeners" && (address.host == "0.0.0.0" || address.host == "::"))
            return bad(entry, "is no address a client can reach");
        parsed.push_back(std::move(address));
    }
    if (parsed.empty()) return error{errc::invalid_setting, "names no listener"};
    return parsed;
}

std::map<std::string, std::int32_t> ip_overrides(const server_config& config) {
    std::map<std::string, std::int32_t> parsed;
    for (const auto& entry : config.max_connections_per_ip_overrides)
        if (auto limit = parse_ip_limit(entry)) parsed.insert_or_assign(std::move(limit->first), limit->second);
    return parsed;
}

}  // namespace weir::server
