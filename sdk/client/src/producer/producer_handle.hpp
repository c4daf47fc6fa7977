// What the copies of a producer and its transactions share.
#pragma once
#include "producer_core.hpp"

namespace weir::detail {

/// Held by producers and transactions only: the last one to go delivers what is under way.
class producer_handle : public std::enable_shared_from_this<producer_handle> {
public:
    producer_handle(const client& on, producer_config config) : client_(on), core_(std::make_shared<producer_core>(client_.core(), std::move(config))) {}
    producer_handle(const producer_handle&) = delete;
    producer_handle& operator=(const producer_handle&) = delete;
    // On the client's own threads nothing may wait for delivery; what is under way is given up. Callbacks on an executor of the
    // user's come when they come: this may be the thread that runs it.
    ~producer_handle() {
        if (!core_->would_deadlock()) (void)core_->close(core_->close_timeout(), !core_->callbacks_elsewhere()).get();
        else (void)core_->close(duration{0});
    }
    producer_core* operator->() const noexcept { return core_.get(); }
    op<transaction> begin() { return core_->begin(weak_from_this()); }

private:
    client client_;
    std::shared_ptr<producer_core> core_;
};

}  // namespace weir::detail
