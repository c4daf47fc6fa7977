// AlterConfigs (key 33), v0-v2: replaces all settings of a resource. v2: flexible.
#include "../handlers.hpp"

#include <weir/protocol/messages/alter_configs.hpp>
#include <weir/server/controller_gateway.hpp>

namespace weir::server {

task<protocol::alter_configs_response> handle_alter_configs(request_context& context, protocol::alter_configs_request request) {
    auto asking = context.broker.controller.call(context.core.index, context.core.loop, &metadata::controller_runtime::alter_configs, request);
    auto answer = co_await asking;
    if (answer) co_return *std::move(answer);
    protocol::alter_configs_response response;
    for (const auto& resource : request.resources) {
        auto& row = response.responses.emplace_back();
        row.resource_type = resource.resource_type;
        row.resource_name = resource.resource_name;
        row.error_code = wire_code(answer.code());
        row.error_message = answer.error().message();
    }
    co_return response;
}

}  // namespace weir::server
