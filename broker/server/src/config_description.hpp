// The value of each setting, where it comes from, and what it would fall back to.
#pragma once
#include "handlers.hpp"

#include <optional>
#include <string>
#include <vector>

namespace weir::server {

struct config_layer {
    std::string key;
    std::optional<std::string> value;
    metadata::config_source source;
};

struct described_config {
    const metadata::config_key* key;   ///< null for the level of a logger, and for what the broker does not know
    std::string name;
    std::optional<std::string> value;  ///< in force
    metadata::config_source source;
    /// Where that comes from, as it was given there, and below it what would hold otherwise.
    std::vector<config_layer> layers;
    /// A name of a broker's that was set and means nothing here. Nobody can tell whether its value is a secret.
    bool unknown = false;
};

/// All settings of a resource that exists; errc::unknown_topic_or_partition, errc::invalid_request otherwise.
result<std::vector<described_config>> describe_config(const request_context& context, metadata::config_type type, const std::string& name);

}  // namespace weir::server
