// Settings of listeners, connections and requests.
#pragma once
#include <weir/base/setting.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace weir::server {

/// What one listener may have of its own: listener.name.<listener>.<setting>, beside what holds for all of them.
struct listener_limits {
    std::int32_t max_connections = INT32_MAX;
    std::int32_t max_connection_creation_rate = INT32_MAX;  ///< a second

    static std::span<const setting> settings();
};

struct server_config {
    std::vector<std::string> listeners{"PLAINTEXT://localhost:9092"};
    std::optional<std::vector<std::string>> advertised_listeners;
    std::optional<std::string> inter_broker_listener_name;
    std::vector<std::string> security_protocol_map{"SASL_SSL:SASL_SSL", "PLAINTEXT:PLAINTEXT", "SSL:SSL", "SASL_PLAINTEXT:SASL_PLAINTEXT"};
    std::int32_t socket_send_buffer_bytes = -1;
    std::int32_t socket_receive_buffer_bytes = -1;
    std::int32_t socket_request_max_bytes = 104857600;
    std::int32_t socket_listen_backlog_size = 50;
    std::int32_t max_connections_per_ip = INT32_MAX;
    std::vector<std::string> max_connections_per_ip_overrides;
    std::int32_t max_connections = INT32_MAX;
    std::int32_t max_connection_creation_rate = INT32_MAX;  ///< a second
    milliseconds connections_max_idle{600000};
    std::int64_t queued_max_request_bytes = -1;
    std::int32_t max_incremental_fetch_session_cache_slots = 1000;
    std::int32_t fetch_max_bytes = 57671680;
    std::int32_t max_request_partition_size_limit = 2000;
    bool auto_create_topics_enable = true;
    bool delete_topic_enable = true;
    std::int32_t num_partitions = 1;
    std::int32_t default_replication_factor = 1;
    milliseconds request_timeout{30000};
    std::optional<std::string> telemetry_directory;
    std::int32_t telemetry_max_bytes = 1048576;
    std::map<std::string, listener_limits> limits_of_listeners;  ///< of every listener, by name

    static std::span<const setting> settings();
    /// What no single row can say: errc::invalid_setting names the settings that do not go together.
    result<void> check() const;
};

/// One parsed entry of `listeners` or `advertised.listeners`.
struct listener_address {
    std::string name;      ///< as written: PLAINTEXT, EXTERNAL ...
    std::string protocol;  ///< PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL by listener.security.protocol.map
    std::string host;      ///< empty: every address
    std::uint16_t port = 0;
};
/// errc::invalid_setting names the entry and the rule it breaks.
result<std::vector<listener_address>> parse_listeners(std::string_view setting_name, const std::vector<std::string>& entries,
                                                      const std::vector<std::string>& security_protocol_map);
/// What a listener's own settings begin with: "listener.name.external.".
std::string listener_prefix(std::string_view listener);
/// max.connections.per.ip.overrides by address.
std::map<std::string, std::int32_t> ip_overrides(const server_config& config);

}  // namespace weir::server
