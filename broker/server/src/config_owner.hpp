// Whose settings can be changed here.
#pragma once
#include "handlers.hpp"

#include <string>

namespace weir::server {

/// A broker takes changes of itself and of what holds for all, as in Kafka; clients ask the one they mean.
inline error of_another_broker(const request_context& context, std::int8_t resource_type, const std::string& resource_name) {
    const auto node = std::to_string(context.broker.identity.node_id);
    const bool other = metadata::config_type{resource_type} == metadata::config_type::broker && !resource_name.empty() && resource_name != node;
    return other ? error{errc::invalid_request, "this is broker " + node + ", not " + resource_name + ": ask that broker"} : error{};
}

}  // namespace weir::server
