// CreatePartitions (key 37), v0-v3. v2: flexible.
#include "../handlers.hpp"

#include <weir/protocol/messages/create_partitions.hpp>
#include <weir/server/controller_gateway.hpp>

namespace weir::server {
namespace {

// When no controller could carry it out, each item says so: clients try again.
protocol::create_partitions_response refuse_all(const protocol::create_partitions_request& request, const error& why) {
    protocol::create_partitions_response response;
    for (const auto& topic : request.topics) {
        auto& row = response.results.emplace_back();
        row.name = topic.name;
        row.error_code = wire_code(why.code());
        row.error_message = why.message();
    }
    return response;
}

}  // namespace

task<protocol::create_partitions_response> handle_create_partitions(request_context& context, protocol::create_partitions_request request) {
    auto asking = context.broker.controller.call(context.core.index, context.core.loop, &metadata::controller_runtime::create_partitions, request);
    auto answer = co_await asking;
    co_return answer ? *std::move(answer) : refuse_all(request, answer.error());
}

}  // namespace weir::server
