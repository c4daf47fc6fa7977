// CreateTopics (key 19), v2-v7. v4: -1 takes the defaults. v5: flexible, configs returned. v7: topic ids.
#include "../handlers.hpp"

#include <weir/protocol/messages/create_topics.hpp>
#include <weir/server/controller_gateway.hpp>

namespace weir::server {
namespace {

// When no controller could carry it out, each item says so: clients try again.
protocol::create_topics_response refuse_all(const protocol::create_topics_request& request, const error& why) {
    protocol::create_topics_response response;
    for (const auto& topic : request.topics) {
        auto& row = response.topics.emplace_back();
        row.name = topic.name;
        row.error_code = wire_code(why.code());
        row.error_message = why.message();
    }
    return response;
}

}  // namespace

task<protocol::create_topics_response> handle_create_topics(request_context& context, protocol::create_topics_request request) {
    auto asking = context.broker.controller.call(context.core.index, context.core.loop, &metadata::controller_runtime::create_topics, request, std::string{"User:ANONYMOUS"});
    auto answer = co_await asking;
    co_return answer ? *std::move(answer) : refuse_all(request, answer.error());
}

}  // namespace weir::server
