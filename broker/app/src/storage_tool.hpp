// Formats log directories and says what they are, as Kafka's storage tool does: the core of the program weir-storage.
#pragma once
#include <weir/base/files.hpp>
#include <weir/base/random.hpp>
#include <weir/base/time.hpp>
#include <weir/raft/types.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::broker {

/// What of a server.properties the storage tool looks at. Settings of Kafka's that this broker does not serve are no hindrance.
struct storage_settings {
    std::vector<std::string> directories;         ///< log.dirs and metadata.log.dir, sorted
    std::string metadata_directory;
    std::int32_t node_id = -1;
    bool controller = false;
    bool static_voters = false;                   ///< controller.quorum.voters is set
    raft::endpoint controller_endpoint;           ///< of the first of controller.listener.names
};
/// errc::invalid_setting names the setting that is missing or wrong; errc::malformed the line.
result<storage_settings> read_storage_settings(const std::string& file, std::string_view text);

struct format_request {
    std::string cluster_id;
    bool ignore_formatted = false;
    std::optional<std::string> release;           ///< "4.3-IV0"; the latest otherwise
    std::vector<std::pair<std::string, std::int16_t>> features{};  ///< levels other than the release's
    bool standalone = false;
    bool no_initial_controllers = false;
    std::string initial_controllers{};            ///< "id@host:port:directory,..."
    std::vector<std::string> scram{};             ///< users and their passwords: scram_option.hpp
};
/// Formats what is empty; the lines to print. Everything is checked before anything is written, and meta.properties comes
/// last: until it is there a directory does not count as formatted.
result<std::vector<std::string>> format_storage(file_system& files, const storage_settings& settings, const format_request& request, random_source random, timestamp_ms now);

/// What `info` prints: the directories, their metadata, and what is wrong with them.
struct storage_report {
    std::vector<std::string> directories;
    std::optional<std::string> metadata;          ///< "{cluster.id=..., directory.id=..., node.id=1, version=1}"
    std::vector<std::string> problems;
};
result<storage_report> inspect_storage(file_system& files, const storage_settings& settings);

}  // namespace weir::broker
