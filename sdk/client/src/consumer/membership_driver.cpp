#include "membership_driver.hpp"

namespace weir::detail {

membership_driver::membership_driver(std::shared_ptr<cluster> view, const membership_config& config, membership_events& events)
    : view_(std::move(view)), group_(config.group_id), counters_(config.counters), events_(&events) {}

// A machine that dies runs no close(), and the cluster's view of it may still be closed.
membership_driver::~membership_driver() {
    if (!closed()) view_->forget(this);
}

void membership_driver::wake() {
    if (closed() || std::exchange(awake_, true)) return;
    loop().post([self = shared_from_this()] { self->step(); });
}

void membership_driver::step() {
    awake_ = false;
    if (closed()) return;
    advance();
    if (closed()) return;
    loop().cancel(std::exchange(alarm_, timer_id::none));
    if (const auto next = deadline(); next != time_point::max()) {
        alarm_ = loop().call_at(next, [self = shared_from_this()] {
            self->alarm_ = timer_id::none;
            self->step();
        });
    }
}

void membership_driver::leave(milliseconds most, farewell how, function<void()> done) {
    if (closed()) return done();
    leaving_.push_back(std::move(done));
    if (leaving_.size() > 1) return;
    begin_leave(how);
    leave_alarm_ = loop().call_after(most, [self = shared_from_this()] {
        self->leave_alarm_ = timer_id::none;
        if (self->closed()) return;
        self->leave_at_once();
        self->wake();
    });
    wake();
}

void membership_driver::has_left() {
    loop().cancel(std::exchange(leave_alarm_, timer_id::none));
    for (auto told = std::exchange(leaving_, {}); auto& done : told) done();
}

void membership_driver::close() {
    if (closed()) return;
    events_ = nullptr;
    loop().cancel(std::exchange(alarm_, timer_id::none));
    loop().cancel(std::exchange(leave_alarm_, timer_id::none));
    view_->forget(this);
    on_close();
    for (auto told = std::exchange(leaving_, {}); auto& done : told) done();
}

}  // namespace weir::detail
