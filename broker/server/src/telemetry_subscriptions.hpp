// Which metrics a client is to send, by the client metrics resources that match it.
#pragma once
#include "api.hpp"

#include <weir/base/time.hpp>
#include <weir/base/uuid.hpp>
#include <weir/metadata/image.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace weir::server {

struct client_attributes {
    uuid instance;
    std::string client_id;
    std::string software_name;
    std::string software_version;
    std::string address;
    std::uint16_t port = 0;
};

client_attributes attributes_of(const request_context& context, const uuid& instance);

struct telemetry_subscription {
    std::int32_t id = 0;  ///< the same on every broker, and another one whenever what is asked for changes
    milliseconds interval{300000};
    std::vector<std::string> metrics;  ///< prefixes, sorted; "*" alone is every metric, nothing is none
};

/// All matching resources together: their metrics, and the shortest of their intervals.
telemetry_subscription subscription_of(const metadata::image& image, const client_attributes& client);

}  // namespace weir::server
