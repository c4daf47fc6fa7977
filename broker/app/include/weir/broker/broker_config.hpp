// All settings of a broker process: each module's own struct, filled from one server.properties.
#pragma once
#include <weir/base/network.hpp>
#include <weir/base/setting.hpp>
#include <weir/base/settings_reader.hpp>
#include <weir/group/group_config.hpp>
#include <weir/replica/cleaner.hpp>
#include <weir/server/server_config.hpp>
#include <weir/storage/log_config.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace weir::broker {

/// What belongs to the process as a whole: identity, directories, quorum.
struct node_config {
    std::vector<std::string> process_roles{"broker", "controller"};
    std::int32_t node_id = 1;
    std::optional<std::string> rack;
    std::string log_dir = "weir-data";
    std::optional<std::vector<std::string>> log_dirs;
    std::vector<std::string> cordoned_log_dirs;
    std::int64_t move_bytes_per_second = INT64_MAX;
    std::optional<std::string> metadata_log_dir;
    std::vector<std::string> controller_listener_names;
    std::vector<std::string> controller_quorum_voters;
    std::int64_t metadata_max_bytes_between_snapshots = 20 * 1024 * 1024;
    milliseconds metadata_max_snapshot_interval{3'600'000};
    std::int32_t metadata_segment_bytes = 1 << 30;
    milliseconds metadata_segment_ms{604'800'000};
    std::int64_t metadata_retention_bytes = 100 << 20;
    milliseconds metadata_retention{604'800'000};
    milliseconds retention_check_interval{300'000};
    milliseconds checkpoint_interval{60'000};
    milliseconds producer_id_expiration{86'400'000};
    std::int32_t event_loops = 0;
    std::optional<std::string> http_listener;

    static std::span<const setting> settings();
    /// The first of `cordoned` that is no log directory; nullptr when all are, or "*" stands for all.
    const std::string* unknown_directory(const std::vector<std::string>& cordoned) const;
    std::vector<std::string> directories() const { return log_dirs ? *log_dirs : std::vector<std::string>{log_dir}; }
};

struct broker_config {
    node_config node;
    server::server_config server;
    storage::log_config log_defaults;  ///< for topics that do not say otherwise
    replica::cleaner_config cleaner;
    group::group_config groups;
    /// What was given, by name: DescribeConfigs shows it as the static value.
    std::map<std::string, settings_reader::given, std::less<>> given;
};

/// listener.security.protocol.map as it holds: when it is not given, listeners of controllers are PLAINTEXT, unless a
/// listener's name says that TLS or SASL is meant. As in Kafka, whose own server.properties may leave it out.
std::vector<std::string> security_protocols(const broker_config& config);

/// `text` is the content of `file` (both empty: defaults alone); `overrides` are name=value. One error tells everything
/// that is wrong, line by line, with `overrides_from` as the place of an override; settings that are known but have no
/// effect in this broker are returned for a warning.
struct parsed_config {
    broker_config config;
    std::vector<std::string> without_effect;  ///< "server.properties:12: num.io.threads"
};
result<parsed_config> parse_config(const std::string& file, std::string_view text, const std::vector<std::string>& overrides,
                                   const std::string& overrides_from = "--override");

/// "host:port", an IPv6 address in brackets; an empty host is every address. nullopt when it is something else.
std::optional<endpoint> parse_host_and_port(std::string_view text);

}  // namespace weir::broker
