// DescribeConfigs (key 32), v1-v4. v3: types and documentation. v4: flexible.
#include "../config_description.hpp"

#include <weir/protocol/messages/describe_configs.hpp>

#include <algorithm>

namespace weir::server {
namespace {

using protocol::describe_configs_request;
using protocol::describe_configs_response;
using config_row = describe_configs_response::describe_configs_resource_result;

std::int8_t type_of(const described_config& config) {
    using type = metadata::config_value_type;
    return static_cast<std::int8_t>(config.key ? config.key->type : type::unknown);
}

config_row to_row(const described_config& config, const describe_configs_request& request) {
    config_row row;
    const bool hidden = config.unknown || (config.key && config.key->sensitive);
    row.name = config.name;
    row.value = hidden ? std::nullopt : config.value;
    row.read_only = config.unknown || (config.key && config.key->read_only);  // which Kafka says, though they can be set
    row.config_source = static_cast<std::int8_t>(config.source);
    row.is_sensitive = hidden;
    row.config_type = type_of(config);
    row.documentation.reset();
    if (request.include_documentation && config.key) row.documentation = config.key->documentation;
    if (request.include_synonyms)
        for (const auto& layer : config.layers) {
            if (layer.source == metadata::config_source::unknown) continue;
            auto& synonym = row.synonyms.emplace_back();
            synonym.name = layer.key;
            synonym.value = hidden ? std::nullopt : layer.value;
            synonym.source = static_cast<std::int8_t>(layer.source);
        }
    return row;
}

}  // namespace

task<describe_configs_response> handle_describe_configs(request_context& context, describe_configs_request request) {
    describe_configs_response response;
    for (const auto& resource : request.resources) {
        auto& answered = response.results.emplace_back();
        answered.resource_type = resource.resource_type;
        answered.resource_name = resource.resource_name;
        const auto described = describe_config(context, metadata::config_type{resource.resource_type}, resource.resource_name);
        if (!described) {
            answered.error_code = wire_code(described.code());
            answered.error_message = std::string{described.error().what()};
            continue;
        }
        for (const auto& config : *described) {
            const auto& wanted = resource.configuration_keys;
            if (wanted && !wanted->empty() && std::find(wanted->begin(), wanted->end(), config.name) == wanted->end()) continue;
            answered.configs.push_back(to_row(config, request));
        }
    }
    co_return response;
}

}  // namespace weir::server
