// InitProducerId (key 22), v0-v5. v2: flexible. v3: resume with a known id. Idempotent producers; transactional ids need a
// transaction coordinator, which this broker does not have: FindCoordinator says so, and who comes anyway gets the one code
// that ends the attempt in every client.
#include "../handlers.hpp"

#include <weir/protocol/messages/init_producer_id.hpp>
#include <weir/server/producer_ids.hpp>

namespace weir::server {

task<protocol::init_producer_id_response> handle_init_producer_id(request_context& context, protocol::init_producer_id_request request) {
    protocol::init_producer_id_response response;
    response.producer_epoch = -1;
    if (request.transactional_id) {
        response.error_code = wire_code(request.transactional_id->empty() ? errc::invalid_request : errc::transactional_id_authorization_failed);
        co_return response;
    }
    // Who resumes says both.
    if ((request.producer_id == -1) != (request.producer_epoch == -1)) {
        response.error_code = wire_code(errc::invalid_request);
        co_return response;
    }
    auto asking = context.broker.producer_ids.next(context.core.loop);
    const auto id = co_await asking;
    if (!id) {
        response.error_code = wire_code(id.code());
        co_return response;
    }
    response.producer_id = *id;
    response.producer_epoch = 0;
    co_return response;
}

}  // namespace weir::server
