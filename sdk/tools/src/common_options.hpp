// Options that many tools share, so that they read the same everywhere.
#pragma once
#include "tool.hpp"

namespace weir::tools {

inline constexpr option built_in_options[] = {
    flag("help", "Show this text and end."),
    flag("version", "Show the version and end."),
};

inline constexpr option bootstrap_server = value("bootstrap-server", "host:port,...", "Brokers of the cluster to connect to first.");
inline constexpr option bootstrap_controller =
    value("bootstrap-controller", "host:port,...", "Controllers of the cluster to connect to, instead of brokers.");
inline constexpr option command_config = value("command-config", "file", "A properties file with settings of the client, such as security.protocol.");
inline constexpr option output_format =
    value("output", "format", "'text' is what Kafka's tool prints, 'json' is for programs.").one_of("text|json");

}  // namespace weir::tools
