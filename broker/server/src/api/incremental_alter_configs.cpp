// IncrementalAlterConfigs (key 44), v0-v1. v1: flexible. Levels of loggers change here; everything else is the controller's.
#include "../config_owner.hpp"
#include "../log_levels.hpp"

#include <weir/protocol/messages/incremental_alter_configs.hpp>
#include <weir/server/controller_gateway.hpp>

namespace weir::server {
namespace {

using protocol::incremental_alter_configs_request;
using protocol::incremental_alter_configs_response;
using resource_row = incremental_alter_configs_response::alter_configs_resource_response;
using resource_request = incremental_alter_configs_request::alter_configs_resource;

resource_row answer_row(const resource_request& resource, const error& why) {
    resource_row row;
    row.resource_type = resource.resource_type;
    row.resource_name = resource.resource_name;
    if (why) {
        row.error_code = wire_code(why.code());
        row.error_message = std::string{why.what()};
    }
    return row;
}

// All changes of a resource, or none.
error change_loggers(const request_context& context, const resource_request& resource, bool validate_only) {
    const auto node = std::to_string(context.broker.identity.node_id);
    if (resource.resource_name != node) return error{errc::invalid_request, "this is broker " + node + ", not " + resource.resource_name + ": ask that broker"};
    for (const auto& change : resource.configs)
        if (auto fine = change_log_level(change.name, change.config_operation, change.value, true); !fine) return fine.error();
    for (const auto& change : resource.configs)
        if (auto done = change_log_level(change.name, change.config_operation, change.value, validate_only); !done) return done.error();
    return {};
}

}  // namespace

task<incremental_alter_configs_response> handle_incremental_alter_configs(request_context& context, incremental_alter_configs_request request) {
    incremental_alter_configs_response response;
    auto for_controller = request;
    for_controller.resources.clear();
    for (auto& resource : request.resources) {
        if (metadata::config_type{resource.resource_type} == metadata::config_type::broker_logger)
            response.responses.push_back(answer_row(resource, change_loggers(context, resource, request.validate_only)));
        else if (auto why = of_another_broker(context, resource.resource_type, resource.resource_name))
            response.responses.push_back(answer_row(resource, why));
        else
            for_controller.resources.push_back(std::move(resource));
    }
    if (for_controller.resources.empty()) co_return response;
    auto asking = context.broker.controller.call(context.core.index, context.core.loop, &metadata::controller_runtime::incremental_alter_configs, for_controller);
    const auto answer = co_await asking;
    if (answer) response.responses.insert(response.responses.end(), answer->responses.begin(), answer->responses.end());
    else
        for (const auto& resource : for_controller.resources) response.responses.push_back(answer_row(resource, answer.error()));
    co_return response;
}

}  // namespace weir::server
