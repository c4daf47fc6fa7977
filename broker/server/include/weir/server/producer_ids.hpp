// Producer ids for idempotent producers, taken from the controller a block at a time.
#pragma once
#include <weir/base/task.hpp>
#include <weir/server/controller_gateway.hpp>

namespace weir::server {

class producer_ids {
public:
    /// `broker_epoch` is asked when a block is needed: it is known once the broker has registered.
    producer_ids(event_loop& home, controller_gateway& controller, std::int32_t broker_id, function<std::int64_t()> broker_epoch);
    /// An id nobody else was given. Called and completes on `here`.
    task<result<std::int64_t>> next(event_loop& here);

private:
    event_loop& home_;  // what follows belongs to it
    controller_gateway& controller_;
    std::int32_t broker_id_;
    function<std::int64_t()> broker_epoch_;
    std::int64_t next_ = 0;
    std::int64_t end_ = 0;
};

}  // namespace weir::server
