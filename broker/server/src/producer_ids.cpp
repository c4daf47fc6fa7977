#include <weir/server/producer_ids.hpp>

namespace weir::server {

producer_ids::producer_ids(event_loop& home, controller_gateway& controller, std::int32_t broker_id, function<std::int64_t()> broker_epoch)
    : home_(home), controller_(controller), broker_id_(broker_id), broker_epoch_(std::move(broker_epoch)) {}

task<result<std::int64_t>> producer_ids::next(event_loop& here) {
    co_await switch_to{home_};
    result<std::int64_t> answer{errc::unknown_server_error};
    if (next_ == end_) {
        protocol::allocate_producer_ids_request request;
        request.broker_id = broker_id_;
        request.broker_epoch = broker_epoch_();
        auto asking = controller_.call(0, home_, &metadata::controller_runtime::allocate_producer_ids, std::move(request));
        const auto block = co_await asking;
        // Two that asked at the same time both got a block; the rest of the earlier one is left unused.
        if (!block) answer = block.error();
        else if (block->error_code != 0) answer = error{errc_from_wire(block->error_code), "no block of producer ids"};
        else {
            next_ = block->producer_id_start;
            end_ = next_ + block->producer_id_len;
        }
    }
    if (next_ < end_) answer = next_++;
    co_await switch_to{here};
    co_return answer;
}

}  // namespace weir::server
