// A consumer as a member of its group: what the group decides reaches the application between two records.
#include "consumer_loop.hpp"

#include <weir/base/log.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace weir::detail {
namespace {

log::logger group_side_logs{"weir.client.consumer"};

membership_config member_of(const consumer_config& config, std::shared_ptr<consumer_counters> counters) {
    membership_config of;
    of.group_id = config.group_id;
    of.instance_id = config.group_instance_id;
    of.rack = config.rack;
    of.protocol = config.group_protocol;
    of.assignors = config.assignors;
    of.remote_assignor = config.remote_assignor;
    of.session_timeout = config.session_timeout;
    of.heartbeat_interval = config.heartbeat_interval;
    of.max_poll_interval = config.max_poll_interval;
    of.may_make_topics = config.allow_auto_create_topics;
    of.exclude_internal_topics = config.exclude_internal_topics;
    of.counters = std::move(counters);
    return of;
}

}  // namespace

void consumer_loop::subscribe(subscription to) {
    if (ended_) return;
    if (!postponed_.empty()) return postpone([to = std::move(to)](consumer_loop& self) mutable { self.subscribe(std::move(to)); });
    if (config_.group_id.empty()) return inbox_->put_error(error{errc::invalid_group_id, "subscribe() needs group.id; assign() does without"});
    if (!subscribed_ && !fetcher_->assigned().empty()) {
        return inbox_->put_error(error{errc::invalid_request, "subscribe(): partitions were given by assign(); unsubscribe() comes first"});
    }
    if (!member_) member_ = make_membership(view_, member_of(config_, counters_), *this);
    subscribed_ = true;
    leaving_ = false;
    ++subscriptions_;
    inbox_->begin(view_->loop().now());
    member_->subscribe(std::move(to));
}

void consumer_loop::unsubscribe() {
    if (ended_) return;
    if (!postponed_.empty()) return postpone([](consumer_loop& self) { self.unsubscribe(); });
    if (subscribed_) {
        // Who subscribes again before the group was left is a member anew when it has been.
        leaving_ = true;
        member_->leave(config_.close_timeout, farewell::standard, [self = shared_from_this(), of = subscriptions_] { self->has_left(of); });
        return;
    }
    commit_in_passing();
    drop(fetcher_->assigned());
    fetcher_->let_topics_go();
    tell_assignment();
}

void consumer_loop::has_left(std::uint64_t subscription) {
    if (subscriptions_ != subscription) return;
    subscribed_ = leaving_ = false;
    fetcher_->let_topics_go();
    for (auto steps = std::exchange(postponed_, {}); auto& each : steps) each(*this);
}

void consumer_loop::rejoin(std::string reason) {
    if (member_ && subscribed_) member_->rejoin(std::move(reason));
}

group_metadata consumer_loop::metadata() const {
    const auto who = identity();
    return {who.group_id, who.member_id, who.generation, who.instance_id};
}

void consumer_loop::drop(const std::vector<topic_partition>& which) {
    for (const auto& each : which) {
        if (letters_) letters_->forget(fetcher_->feed_of(each));
        commits_->forget(each);
    }
    fetcher_->remove(which);
}

// --- what the group decides ---

void consumer_loop::assigned(std::vector<topic_partition> added) {
    counters_->rebalances.add();
    decide({decision::kind::assigned, std::move(added), {}});
}

void consumer_loop::revoke(std::vector<topic_partition> going, function<void()> done) { decide({decision::kind::revoked, std::move(going), std::move(done)}); }

void consumer_loop::lost(std::vector<topic_partition> gone) {
    // Others may read them by now: nothing more of them is handed out, whatever else waits.
    drop(gone);
    tell_assignment();
    for (std::size_t i = 0; i < decisions_.size(); ++i) {
        auto& each = decisions_[i];
        each.done = {};
        const bool begun = i == 0 && deciding_ && !resting_;
        if (begun || each.what != decision::kind::assigned) continue;
        // Nobody has heard of these yet, and nobody will.
        std::erase_if(each.partitions, [&](const auto& one) {
            const auto at = std::find(gone.begin(), gone.end(), one);
            if (at == gone.end()) return false;
            gone.erase(at);
            return true;
        });
    }
    if (!gone.empty()) decide({decision::kind::lost, std::move(gone), {}});
}

time_point consumer_loop::last_polled() const { return inbox_->last_asked(view_->loop().now()); }

void consumer_loop::failed(error why) {
    subscribed_ = leaving_ = false;
    inbox_->stop(std::move(why));
}

void consumer_loop::decide(decision next) {
    decisions_.push_back(std::move(next));
    if (!deciding_) next_decision();
}

void consumer_loop::next_decision() {
    if (decisions_.empty() || ended_) return;
    deciding_ = true;
    const auto& next = decisions_.front();
    // Whoever is told of nothing need not rest: new partitions may come while a record is in hand.
    if (next.what != decision::kind::revoked && !listens_to(next)) spawn(carry_out(shared_from_this()));
    else rest();
}

void consumer_loop::rest() {
    resting_ = true;
    if (inbox_->hold() || closing()) at_rest();
}

void consumer_loop::at_rest() {
    if (std::exchange(resting_, false)) spawn(carry_out(shared_from_this()));
}

bool consumer_loop::listens_to(const decision& what) const {
    switch (what.what) {
        case decision::kind::assigned: return static_cast<bool>(listener_->assigned);
        case decision::kind::revoked: return static_cast<bool>(listener_->revoked);
        case decision::kind::lost: return listener_->lost || listener_->revoked;
    }
    return false;
}

task<void> consumer_loop::carry_out(std::shared_ptr<consumer_loop> self) {
    const auto what = self->decisions_.front().what;
    const auto partitions = self->decisions_.front().partitions;
    group_side_logs.debug(fmt::format("group '{}': {} partitions {}", self->config_.group_id, partitions.size(),
                           what == decision::kind::assigned ? "assigned" : what == decision::kind::revoked ? "revoked" : "lost"));
    if (what == decision::kind::assigned) {
        // Positions are looked for after the listener ran: it may seek.
        self->fetcher_->add(partitions, at::committed, false);
        self->tell_assignment();
    } else if (what == decision::kind::revoked) {
        auto committing = self->commit_finished();
        co_await committing;
    }
    if (!self->ended_ && !self->decisions_.empty() && self->listens_to(self->decisions_.front())) {
        auto telling = self->tell_listener();
        co_await telling;
    }
    if (self->ended_) co_return;
    if (what == decision::kind::assigned) self->fetcher_->start(partitions);
    if (what == decision::kind::revoked) {
        self->drop(partitions);
        self->tell_assignment();
    }
    auto done = std::move(self->decisions_.front().done);
    self->decisions_.pop_front();
    self->deciding_ = false;
    self->inbox_->release();
    if (done) done();
    if (!self->deciding_) self->next_decision();
}

/// On the callback strand; then whatever it committed is awaited.
task<void> consumer_loop::tell_listener() {
    const auto self = shared_from_this();
    auto& loop = view_->loop();
    auto telling = completion<bool>([&](function<void(bool)> done) {
        strand_->post([&loop, listener = listener_, what = decisions_.front().what, which = decisions_.front().partitions, done = std::move(done)]() mutable {
            if (what == decision::kind::assigned) listener->assigned(which);
            else if (what == decision::kind::lost && listener->lost) listener->lost(which);
            else listener->revoked(which);
            loop.post([done = std::move(done)]() mutable { done(true); });
        });
    });
    co_await telling;
    auto settling = commit_queue::settled(commits_);
    co_await settling;
}

}  // namespace weir::detail
