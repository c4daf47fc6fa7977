// Settings of one resource: each value alone, and what topic settings must be together.
#pragma once
#include "cluster_view.hpp"

namespace weir::metadata {

/// Every value of `entries` is of a known setting and within its range. The codes are Kafka's per kind of resource:
/// topics and groups errc::invalid_config, brokers errc::invalid_request.
result<void> validate_values(const config_schema& schema, const config_resource& resource,
                             const config_entries& entries);
/// A topic that would have exactly `entries` set: errc::invalid_config when settings contradict each other.
result<void> validate_topic_together(const cluster_view& view, const std::string& topic, const config_entries& before,
                                     const config_entries& entries);

}  // namespace weir::metadata
