#include "consumer_loop.hpp"

#include "../hook.hpp"

#include <weir/base/log.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace weir::detail {
namespace {

log::logger consumer_loop_logs{"weir.client.consumer"};

fetch_settings settings_of(const consumer_config& config, std::shared_ptr<byte_budget> opened, std::shared_ptr<consumer_counters> counters) {
    fetch_settings of;
    of.start = config.start;
    of.level = config.isolation;
    of.max_bytes = std::max<std::size_t>(config.fetch_max_bytes, 1);
    of.max_partition_bytes = std::max<std::size_t>(config.max_partition_fetch_bytes, 1);
    of.min_bytes = config.fetch_min_bytes;
    of.max_wait = config.fetch_max_wait;
    of.check_crcs = config.check_crcs;
    of.may_make_topics = config.allow_auto_create_topics;
    of.rack = config.rack;
    of.group_id = config.group_id;
    of.stall_timeout = config.stall_timeout;
    of.buffer_memory = config.buffer_memory;
    of.opened = std::move(opened);
    of.counters = std::move(counters);
    return of;
}

}  // namespace

consumer_loop::consumer_loop(std::shared_ptr<cluster> view, std::shared_ptr<callbacks> strand, consumer_config config)
    : view_(std::move(view)), strand_(std::move(strand)), config_(std::move(config)),
      on_error_(std::make_shared<function<void(const error&)>>(std::move(config_.on_error))),
      on_commit_(std::make_shared<function<void(const std::vector<partition_offset>&)>>(std::move(config_.on_commit))),
      budget_(std::make_shared<byte_budget>(config_.buffer_memory - config_.buffer_memory / 4)),
      opened_(std::make_shared<byte_budget>(config_.buffer_memory / 8)),
      fetcher_(std::make_shared<fetcher>(view_, budget_, settings_of(config_, opened_, counters_))),
      questions_(std::make_shared<partition_questions>(view_, fetcher_, config_)) {}

void consumer_loop::open() {
    auto& loop = view_->loop();
    const auto weak = weak_from_this();
    inbox_ = std::make_shared<inbox>(std::max<std::size_t>(config_.max_partition_fetch_bytes, 1), opened_, [weak, &loop] {
        loop.post([weak] {
            if (const auto self = weak.lock()) self->attend();
        });
    });
    budget_->on_room([weak, &loop] {
        loop.post([weak] {
            if (const auto self = weak.lock()) self->fetcher_->room();
        });
    });
    opened_->on_room([weak, &loop] {
        loop.post([weak] {
            if (const auto self = weak.lock()) self->inbox_->room();
        });
    });
    if (config_.on_bad_record == on_bad_record::dead_letter) letters_ = std::make_shared<letters_under_way>(loop, inbox_);
    commits_ = std::make_shared<commit_queue>(view_, counters_, config_.default_api_timeout, commit_hooks());
    fetcher_->into(inbox_);
    fetcher_->on_identity([this] { return identity(); });
    fetcher_->on_data([this] { arm_auto_commit(); });
    fetcher_->on_trouble([this](const error& why) { complain(why); });
    fetcher_->on_made_anew([this](const topic_partition& where) { commits_->forget(where); });
    counters_->group_id = config_.group_id;
    counters_->group_instance_id = config_.group_instance_id;
    counters_->buffer_bytes = config_.buffer_memory;
    counters_->buffered_bytes = [fetched = std::weak_ptr{budget_}, opened = std::weak_ptr{opened_}] {
        std::size_t all = 0;
        for (const auto& each : {fetched.lock(), opened.lock()}) all += each ? each->used() : 0;
        return all;
    };
    counters_->assigned = [held = std::weak_ptr{inbox_}] {
        const auto in = held.lock();
        const auto all = in ? in->measure() : inbox::extent{};
        return std::pair{all.partitions, static_cast<std::uint64_t>(all.lag_max)};
    };
    view_->counters().add(counters_);
}

commit_queue::hooks consumer_loop::commit_hooks() {
    const auto weak = weak_from_this();
    commit_queue::hooks tell;
    tell.identity = [weak] {
        const auto self = weak.lock();
        return self ? self->identity() : group_identity{};
    };
    tell.rejected = [weak](const group_identity& who, errc why) {
        if (const auto self = weak.lock(); self && self->member_ && self->subscribed_) self->member_->rejected(who, why);
    };
    tell.committed = [weak](const std::vector<partition_offset>& offsets) {
        const auto self = weak.lock();
        if (self && *self->on_commit_) self->strand_->post([tell = self->on_commit_, offsets] { run_hook(consumer_loop_logs, "on_commit", *tell, offsets); });
    };
    tell.failed = [weak](const error& why) {
        if (const auto self = weak.lock()) self->complain(why);
    };
    return tell;
}

void consumer_loop::attend() {
    const auto news = inbox_->attend();
    if (ended_) return;
    fetcher_->hungry(news.hungry);
    if (news.hands_empty) at_rest();
    if (news.asks_again && member_) member_->polled();
}

void consumer_loop::complain(const error& why) {
    if (*on_error_) strand_->post([tell = on_error_, why] { run_hook(consumer_loop_logs, "on_error", *tell, why); });
}

void consumer_loop::mute() {
    listener_ = std::make_shared<rebalance_listener>();
    on_error_ = std::make_shared<function<void(const error&)>>();
    on_commit_ = std::make_shared<function<void(const std::vector<partition_offset>&)>>();
}

group_identity consumer_loop::identity() const {
    if (member_ && subscribed_) return member_->identity();
    group_identity who;
    who.group_id = config_.group_id;
    return who;
}

// --- what is assigned ---

void consumer_loop::assign(std::vector<topic_partition> to, at::position from) {
    if (ended_) return;
    if (leaving_) return postpone([to = std::move(to), from](consumer_loop& self) mutable { self.assign(std::move(to), from); });
    if (subscribed_) return inbox_->put_error(error{errc::invalid_request, "assign(): the group assigns, since subscribe(); unsubscribe() comes first"});
    const auto before = fetcher_->assigned();
    std::vector<topic_partition> gone;
    for (const auto& each : before) if (std::find(to.begin(), to.end(), each) == to.end()) gone.push_back(each);
    if (!gone.empty()) commit_in_passing();
    drop(gone);
    fetcher_->add(to, from);
    tell_assignment();
}

void consumer_loop::tell_assignment() {
    auto now = fetcher_->assigned();
    const std::lock_guard held{assignment_mutex_};
    assignment_ = std::move(now);
}

std::vector<topic_partition> consumer_loop::assignment() const {
    const std::lock_guard held{assignment_mutex_};
    return assignment_;
}

void consumer_loop::seek(const topic_partition& where, at::position to, std::int32_t epoch) {
    if (!postponed_.empty()) return postpone([where, to, epoch](consumer_loop& self) { self.seek(where, to, epoch); });
    if (letters_) letters_->forget(fetcher_->feed_of(where));
    fetcher_->seek(where, to, epoch);
}

void consumer_loop::seek(const partition_offset& to) {
    if (to.offset < 0) seek(to.where, config_.start);
    else seek(to.where, at::offset(to.offset), to.leader_epoch);
}

void consumer_loop::pause(const std::vector<topic_partition>& which) {
    if (!postponed_.empty()) return postpone([which](consumer_loop& self) { self.pause(which); });
    for (const auto& each : which) fetcher_->pause(each, inbox_->settle_pause(each));
}

// --- the end ---

void consumer_loop::close(milliseconds most, farewell how, std::shared_ptr<op_state<void>> done) {
    if (ended_) return done->complete({});
    closing_.push_back(std::move(done));
    if (most != milliseconds::max()) {
        view_->loop().cancel(give_up_);
        give_up_ = view_->loop().call_after(std::max(most, milliseconds{0}), [self = shared_from_this(), most] {
            self->give_up_ = timer_id::none;
            self->end(error{errc::timed_out, fmt::format("the consumer was closed, and {} ms were not enough to commit and to leave the group", most.count())});
        });
    }
    if (closing_.size() > 1) return;
    leave_within_ = std::min(most, milliseconds{config_.close_timeout});
    farewell_ = how;
    inbox_->stop(error{errc::closed, "the consumer is closed"});
    spawn(run_close(shared_from_this()));
}

task<void> consumer_loop::run_close(std::shared_ptr<consumer_loop> self) {
    // What is being decided comes to its end: nobody waits for the application any more.
    self->at_rest();
    auto committing = self->commit_finished();
    co_await committing;
    if (self->member_ && !self->ended_) {
        auto leaving = completion<bool>([&](function<void(bool)> tell) {
            self->member_->leave(self->leave_within_, self->farewell_, [tell = std::move(tell)]() mutable { tell(true); });
        });
        co_await leaving;
    }
    auto ending = completion<bool>([&](function<void(bool)> tell) {
        self->fetcher_->close([tell = std::move(tell)]() mutable { tell(true); });
    });
    co_await ending;
    self->end(self->last_commit_failure_);
}

void consumer_loop::end(const error& why) {
    if (std::exchange(ended_, true)) return;
    auto& loop = view_->loop();
    loop.cancel(auto_commit_);
    loop.cancel(give_up_);
    if (member_) member_->close();
    decisions_.clear();
    fetcher_->close();
    opened_->close();
    {
        const std::lock_guard held{assignment_mutex_};
        assignment_.clear();
    }
    questions_->end();
    commits_->end();
    for (auto waiting = std::exchange(closing_, {}); auto& each : waiting) each->complete(why ? result<void>{why} : result<void>{});
}

}  // namespace weir::detail
