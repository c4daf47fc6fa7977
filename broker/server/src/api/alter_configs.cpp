// AlterConfigs (key 33), v0-v2: replaces all settings of a resource. v2: flexible.
#include "../config_owner.hpp"

#include <weir/protocol/messages/alter_configs.hpp>
#include <weir/server/controller_gateway.hpp>

namespace weir::server {
namespace {

using protocol::alter_configs_request;
using protocol::alter_configs_response;

void refuse(const alter_configs_request::alter_configs_resource& resource, errc code, std::string why, alter_configs_response& response) {
    auto& row = response.responses.emplace_back();
    row.resource_type = resource.resource_type;
    row.resource_name = resource.resource_name;
    row.error_code = wire_code(code);
    row.error_message = std::move(why);
}

}  // namespace

task<alter_configs_response> handle_alter_configs(request_context& context, alter_configs_request request) {
    alter_configs_response response;
    std::erase_if(request.resources, [&](const auto& resource) {
        const auto why = of_another_broker(context, resource.resource_type, resource.resource_name);
        if (why) refuse(resource, why.code(), std::string{why.what()}, response);
        return static_cast<bool>(why);
    });
    if (request.resources.empty()) co_return response;
    auto asking = context.broker.controller.call(context.core.index, context.core.loop, &metadata::controller_runtime::alter_configs, request);
    const auto answer = co_await asking;
    if (answer) response.responses.insert(response.responses.end(), answer->responses.begin(), answer->responses.end());
    else
        for (const auto& resource : request.resources) refuse(resource, answer.code(), answer.error().message(), response);
    co_return response;
}

}  // namespace weir::server
