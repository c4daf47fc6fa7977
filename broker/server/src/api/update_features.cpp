// UpdateFeatures (key 57), v0-v2. v1: kinds of downgrade, validate only. v2: no result per feature.
#include "../handlers.hpp"

#include <weir/protocol/messages/update_features.hpp>
#include <weir/server/controller_gateway.hpp>

namespace weir::server {
namespace {

// No controller could carry it out: clients try again. What failed as a whole has no results, as in Kafka.
protocol::update_features_response refuse_all(const error& why) {
    protocol::update_features_response response;
    response.error_code = wire_code(why.code());
    response.error_message = why.message();
    return response;
}

}  // namespace

task<protocol::update_features_response> handle_update_features(request_context& context, protocol::update_features_request request) {
    auto asking = context.broker.controller.call(context.core.index, context.core.loop, &metadata::controller_runtime::update_features, request, context.version());
    auto answer = co_await asking;
    co_return answer ? *std::move(answer) : refuse_all(answer.error());
}

}  // namespace weir::server
