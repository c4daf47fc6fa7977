// DeleteTopics (key 20), v1-v6. v4: flexible. v5: error text. v6: by name or id.
#include "../handlers.hpp"

#include <weir/protocol/messages/delete_topics.hpp>
#include <weir/server/controller_gateway.hpp>

namespace weir::server {
namespace {

// When nothing of it can be carried out, each item says so.
protocol::delete_topics_response refuse_all(const protocol::delete_topics_request& request, const error& why) {
    protocol::delete_topics_response response;
    for (const auto& name : request.topic_names) {
        auto& row = response.responses.emplace_back();
        row.name = name;
        row.error_code = wire_code(why.code());
        row.error_message = why.message();
    }
    for (const auto& topic : request.topics) {
        auto& row = response.responses.emplace_back();
        row.name = topic.name;
        row.topic_id = topic.topic_id;
        row.error_code = wire_code(why.code());
        row.error_message = why.message();
    }
    return response;
}

}  // namespace

task<protocol::delete_topics_response> handle_delete_topics(request_context& context, protocol::delete_topics_request request) {
    // Clients of the versions before 3 do not know the error that says it.
    if (!context.broker.config.delete_topic_enable)
        co_return refuse_all(request, error{context.version() < 3 ? errc::invalid_request : errc::topic_deletion_disabled,
                                            "topic deletion is disabled: delete.topic.enable=false"});
    auto asking = context.broker.controller.call(context.core.index, context.core.loop, &metadata::controller_runtime::delete_topics, request);
    auto answer = co_await asking;
    co_return answer ? *std::move(answer) : refuse_all(request, answer.error());
}

}  // namespace weir::server
