// What the drivers of both group protocols share: steps on the loop, one alarm, requests to the coordinator, and the
// deadline of leaving.
#pragma once
#include "membership.hpp"

namespace weir::detail {

class membership_driver : public membership, public std::enable_shared_from_this<membership_driver> {
public:
    membership_driver(std::shared_ptr<cluster> view, const membership_config& config, membership_events& events);
    ~membership_driver() override;
    void leave(milliseconds most, farewell how, function<void()> done) final;
    void close() final;

protected:
    /// Lets the member see the time, and does what it says.
    virtual void advance() = 0;
    virtual time_point deadline() const = 0;
    virtual void begin_leave(farewell how) = 0;
    /// The time to leave is up.
    virtual void leave_at_once() = 0;
    virtual void on_close() {}

    /// advance() soon, in a step of its own: events are never told from within a call.
    void wake();
    /// The member has left: tells whoever asked for it.
    void has_left();
    bool closed() const noexcept { return events_ == nullptr; }
    /// When the application last asked; long ago never matters once closed.
    time_point last_polled() const { return events_ ? events_->last_polled() : time_point::max(); }
    membership_events* events() const noexcept { return events_; }
    cluster& view() const noexcept { return *view_; }
    const std::shared_ptr<cluster>& shared_view() const noexcept { return view_; }
    const std::string& group() const noexcept { return group_; }
    consumer_counters& counters() const noexcept { return *counters_; }
    event_loop& loop() const noexcept { return view_->loop(); }
    template <class Self>
    std::shared_ptr<Self> self_as() { return std::static_pointer_cast<Self>(shared_from_this()); }

    /// A request to the group's coordinator, once.
    template <class Request>
    static task<result<typename Request::response_type>> ask(std::shared_ptr<cluster> view, std::string group, Request request, lane on, milliseconds extra_time = {}) {
        auto finding = cluster::coordinator(view, coordinator_kind::group, std::move(group), on);
        auto link = co_await finding;
        if (!link) co_return link.error();
        auto calling = (*link)->call(request, Request::max_version, extra_time);
        auto got = co_await calling;
        if (!got) co_return got.error();
        co_return std::move(got->message);
    }

private:
    void step();
    std::shared_ptr<cluster> view_;
    std::string group_;
    std::shared_ptr<consumer_counters> counters_;
    membership_events* events_;
    timer_id alarm_ = timer_id::none;
    timer_id leave_alarm_ = timer_id::none;
    std::vector<function<void()>> leaving_;
    bool awake_ = false;
};

}  // namespace weir::detail
