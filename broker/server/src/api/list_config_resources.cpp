// ListConfigResources (key 74), v0-v1. v0: client metrics only. v1: by type, none means all.
#include "../handlers.hpp"

#include <weir/protocol/messages/list_config_resources.hpp>

#include <algorithm>

namespace weir::server {

task<protocol::list_config_resources_response> handle_list_config_resources(request_context& context, protocol::list_config_resources_request request) {
    using metadata::config_type;
    protocol::list_config_resources_response response;
    const auto image = context.image();
    static constexpr config_type supported[] = {config_type::topic, config_type::broker, config_type::broker_logger, config_type::client_metrics, config_type::group};
    std::vector<config_type> wanted;
    if (context.version() == 0) {
        wanted = {config_type::client_metrics};
    } else if (request.resource_types.empty()) {
        wanted.assign(std::begin(supported), std::end(supported));
    } else {
        for (const auto type : request.resource_types) {
            if (std::find(std::begin(supported), std::end(supported), config_type{type}) == std::end(supported)) {
                response.error_code = wire_code(errc::unsupported_version);
                co_return response;
            }
            wanted.push_back(config_type{type});
        }
    }
    const auto add = [&](config_type type, const std::string& name) {
        auto& row = response.config_resources.emplace_back();
        row.resource_name = name;
        row.resource_type = static_cast<std::int8_t>(type);
    };
    for (const auto type : wanted) {
        if (type == config_type::topic) {
            for (const auto& [name, topic] : image->topics()) add(type, name);
        } else if (type == config_type::broker || type == config_type::broker_logger) {
            for (const auto& [id, broker] : image->brokers()) add(type, std::to_string(id));
        } else {
            for (const auto& [resource, entries] : image->configs())
                if (resource.type == type) add(type, resource.name);
        }
    }
    co_return response;
}

}  // namespace weir::server
