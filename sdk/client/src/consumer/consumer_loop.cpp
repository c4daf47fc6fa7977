#include "consumer_loop.hpp"

#include "../hook.hpp"
#include "group_offsets.hpp"
#include "offset_queries.hpp"

#include <weir/base/log.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace weir::detail {
namespace {

log::logger logs{"weir.client.consumer"};

fetch_settings settings_of(const consumer_config& config, std::shared_ptr<byte_budget> opened, std::shared_ptr<consumer_counters> counters) {
    fetch_settings of;
    of.start = config.start;
    of.level = config.isolation;
    of.max_bytes = config.fetch_max_bytes;
    of.max_partition_bytes = config.max_partition_fetch_bytes;
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

error no_group() { return error{errc::invalid_group_id, "offsets are committed in a group: set group.id"}; }
error not_assigned(const topic_partition& where) {
    return error{errc::unknown_topic_or_partition, fmt::format("{}-{}: not assigned to this consumer", where.topic, where.partition)}.located(where.topic, where.partition);
}

}  // namespace

consumer_loop::consumer_loop(std::shared_ptr<cluster> view, std::shared_ptr<callbacks> strand, consumer_config config)
    : view_(std::move(view)), strand_(std::move(strand)), config_(std::move(config)),
      on_error_(std::make_shared<function<void(const error&)>>(std::move(config_.on_error))),
      on_commit_(std::make_shared<function<void(const std::vector<partition_offset>&)>>(std::move(config_.on_commit))),
      budget_(std::make_shared<byte_budget>(config_.buffer_memory - config_.buffer_memory / 4)),
      opened_(std::make_shared<byte_budget>(config_.buffer_memory / 8)),
      fetcher_(std::make_shared<fetcher>(view_, budget_, settings_of(config_, opened_, counters_))) {}

void consumer_loop::open() {
    auto& loop = view_->loop();
    const auto weak = weak_from_this();
    inbox_ = std::make_shared<inbox>(config_.max_partition_fetch_bytes, opened_, [weak, &loop] {
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
    fetcher_->into(inbox_);
    fetcher_->on_identity([this] { return identity(); });
    fetcher_->on_data([this] { arm_auto_commit(); });
    fetcher_->on_trouble([this](const error& why) { complain(why); });
    fetcher_->on_made_anew([this](const topic_partition& where) { last_committed_.erase(where); });
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

void consumer_loop::attend() {
    const auto news = inbox_->attend();
    if (ended_) return;
    fetcher_->hungry(news.hungry);
    if (news.hands_empty) at_rest();
    if (news.asks_again && member_) member_->polled();
}

void consumer_loop::complain(const error& why) {
    if (*on_error_) strand_->post([tell = on_error_, why] { run_hook(logs, "on_error", *tell, why); });
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
    if (closed_) return;
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

void consumer_loop::seek(const topic_partition& where, at::position to) {
    if (!postponed_.empty()) return postpone([where, to](consumer_loop& self) { self.seek(where, to); });
    if (letters_) letters_->forget(fetcher_->feed_of(where));
    fetcher_->seek(where, to);
}

void consumer_loop::pause(const std::vector<topic_partition>& which) {
    if (!postponed_.empty()) return postpone([which](consumer_loop& self) { self.pause(which); });
    for (const auto& each : which) fetcher_->pause(each, inbox_->settle_pause(each));
}

// --- committing ---

std::vector<std::pair<feed_ptr, partition_offset>> consumer_loop::read_so_far(bool finished_only) const {
    std::vector<std::pair<feed_ptr, partition_offset>> all;
    for (const auto& each : inbox_->touched()) {
        const auto& far = each->how_far;
        const auto offset = (finished_only ? far.finished : far.handed).load(std::memory_order_acquire);
        if (offset < 0) continue;
        all.push_back({each, {{each->topic, each->partition}, offset, far.epoch.load(std::memory_order_relaxed), {}}});
    }
    return all;
}

std::vector<partition_offset> consumer_loop::uncommitted(const std::vector<std::pair<feed_ptr, partition_offset>>& read) {
    std::vector<partition_offset> all;
    for (auto [from, offset] : read) {
        if (const auto letter = from->undelivered.load(); letter >= 0) offset.offset = std::min(offset.offset, letter);
        const auto last = last_committed_.find(offset.where);
        const bool same = last != last_committed_.end() && last->second == offset.offset;
        if (!fetcher_->current(from)) inbox_->untouch(from);
        else if (!same) all.push_back(offset);
        else if (from->how_far.handed.load() == offset.offset) inbox_->untouch(from);
    }
    return all;
}

std::vector<partition_offset> consumer_loop::finished() {
    auto read = read_so_far(true);
    std::erase_if(read, [&](const auto& each) {
        const auto& [from, offset] = each;
        if (offset.offset >= from->settled) return false;
        if (from->how_far.handed.load() <= from->settled) inbox_->untouch(from);
        return true;
    });
    return uncommitted(read);
}

consumer_loop::commit_job consumer_loop::asked(std::vector<partition_offset> offsets, std::shared_ptr<op_state<void>> done) const {
    commit_job job{{}, {}, std::move(done), view_->loop().now() + config_.default_api_timeout};
    for (const auto& each : offsets) {
        if (auto from = fetcher_->feed_of(each.where)) job.settles.emplace_back(std::move(from), each.offset);
    }
    job.offsets = std::move(offsets);
    return job;
}

void consumer_loop::commit_read(const std::vector<std::pair<feed_ptr, partition_offset>>& read, std::shared_ptr<op_state<void>> done) {
    if (config_.group_id.empty()) return done->complete(no_group());
    if (!letters_) return enqueue(asked(uncommitted(read), std::move(done)));
    letters_->when_settled([self = shared_from_this(), read, done = std::move(done)]() mutable {
        for (const auto& [from, offset] : read) {
            if (auto lost = self->letters_->failure(from)) done->complete(std::move(lost));
        }
        self->enqueue(self->asked(self->uncommitted(read), std::move(done)));
    });
}

void consumer_loop::commit(std::vector<partition_offset> offsets, std::shared_ptr<op_state<void>> done) {
    if (config_.group_id.empty()) return done->complete(no_group());
    if (!letters_) return enqueue(asked(std::move(offsets), std::move(done)));
    letters_->when_settled([self = shared_from_this(), offsets = std::move(offsets), done = std::move(done)]() mutable {
        for (const auto& each : offsets) {
            if (auto lost = self->letters_->failure(self->fetcher_->feed_of(each.where))) return done->complete(std::move(lost));
        }
        self->enqueue(self->asked(std::move(offsets), std::move(done)));
    });
}

void consumer_loop::arm_auto_commit() {
    if (!config_.auto_commit || config_.group_id.empty() || auto_commit_ != timer_id::none || closed_) return;
    auto_commit_ = view_->loop().call_after(config_.auto_commit_interval, [self = shared_from_this()] {
        self->auto_commit_ = timer_id::none;
        self->auto_commit();
    });
}

void consumer_loop::commit_in_passing() {
    if (!config_.auto_commit || config_.group_id.empty()) return;
    auto offsets = finished();
    if (!offsets.empty()) enqueue({std::move(offsets), {}, nullptr, view_->loop().now() + config_.default_api_timeout});
}

void consumer_loop::auto_commit() {
    if (!committing_) commit_in_passing();
    // Nothing was read and nothing can be: the next records set the clock again.
    if (committing_ || !inbox_->touched().empty() || !inbox_->empty()) arm_auto_commit();
}

void consumer_loop::enqueue(commit_job job) {
    if (closed_) {
        if (job.done) job.done->complete(error{errc::closed, "the consumer is closed"});
        return;
    }
    commits_.push_back(std::move(job));
    if (std::exchange(committing_, true)) return;
    spawn(run_commits(shared_from_this()));
}

/// The group may have moved on: an epoch that is out of date is asked for anew (KIP-848), anything else of the kind ends it.
bool consumer_loop::may_retry(const group_identity& who, const error& why, int failures) {
    const auto code = why.code();
    if (!is_of_membership(code)) return transient(why);
    if (member_ && subscribed_) member_->rejected(who, code);
    constexpr int attempts = 10;
    return code == errc::stale_member_epoch && failures < attempts;
}

// One after the other: a later commit must not be overtaken by an earlier one that is tried again.
task<void> consumer_loop::run_commits(std::shared_ptr<consumer_loop> self) {
    auto& loop = self->view_->loop();
    while (!self->commits_.empty()) {
        auto job = std::move(self->commits_.front());
        self->commits_.pop_front();
        result<void> outcome;
        while (!job.offsets.empty()) {
            const auto who = self->identity();
            const auto began = loop.now();
            auto committing = commit_offsets(self->view_, who, job.offsets);
            outcome = co_await committing;
            self->counters_->commit_latency.record(static_cast<std::uint64_t>((loop.now() - began) / std::chrono::microseconds{1}));
            (outcome ? self->counters_->commits : self->counters_->commit_failures).add();
            if (outcome || self->ended_ || !self->may_retry(who, outcome.error(), job.failures)) break;
            if (loop.now() >= job.until) {
                outcome = error{errc::timed_out, fmt::format("group '{}': not committed within {} ms", who.group_id, self->config_.default_api_timeout.count()), outcome.error()};
                break;
            }
            pause_for pause{loop, self->view_->retry().after(++job.failures, self->view_->random())};
            co_await pause;
        }
        if (outcome) {
            for (const auto& each : job.offsets) self->last_committed_[each.where] = each.offset;
            for (const auto& [from, offset] : job.settles) from->settled = offset;
            if (*self->on_commit_ && !job.offsets.empty()) self->strand_->post([tell = self->on_commit_, offsets = job.offsets] { run_hook(logs, "on_commit", *tell, offsets); });
        } else {
            logs.debug("commit: " + outcome.error().message());
            if (!job.done) self->complain(outcome.error());
        }
        if (job.done) job.done->complete(std::move(outcome));
    }
    self->committing_ = false;
    for (auto waiting = std::exchange(self->settled_, {}); auto& each : waiting) each(true);
}

void consumer_loop::committed(std::vector<topic_partition> of, std::shared_ptr<op_state<std::vector<partition_offset>>> done) {
    if (config_.group_id.empty()) return done->complete(no_group());
    spawn(run_committed(shared_from_this(), std::move(of), std::move(done)));
}

task<void> consumer_loop::run_committed(std::shared_ptr<consumer_loop> self, std::vector<topic_partition> of, std::shared_ptr<op_state<std::vector<partition_offset>>> done) {
    auto& loop = self->view_->loop();
    const auto until = loop.now() + self->config_.default_api_timeout;
    for (int failures = 1;; ++failures) {
        auto asking = fetch_committed(self->view_, self->identity(), of, true);
        auto got = co_await asking;
        const bool again = !got && (transient(got.error()) || got.code() == errc::stale_member_epoch);
        if (!again || loop.now() >= until) {
            done->complete(std::move(got));
            co_return;
        }
        pause_for pause{loop, self->view_->retry().after(failures, self->view_->random())};
        co_await pause;
    }
}

// --- questions ---

task<bool> consumer_loop::wait_positions(std::shared_ptr<consumer_loop> self, std::vector<topic_partition> of) {
    auto& loop = self->view_->loop();
    const auto until = loop.now() + self->config_.default_api_timeout;
    for (int failures = 1;; ++failures) {
        bool all = true;
        for (const auto& each : of) {
            const auto at = self->fetcher_->position(each);
            if (!at) co_return false;
            all &= *at >= 0;
        }
        if (all) co_return true;
        if (loop.now() >= until || self->ended_ || self->view_->last_failure().fatal()) co_return false;
        pause_for pause{loop, self->view_->retry().after(failures, self->view_->random())};
        co_await pause;
    }
}

void consumer_loop::position(const topic_partition& where, std::shared_ptr<op_state<std::int64_t>> done) { spawn(run_position(shared_from_this(), where, std::move(done))); }

task<void> consumer_loop::run_position(std::shared_ptr<consumer_loop> self, topic_partition where, std::shared_ptr<op_state<std::int64_t>> done) {
    std::vector<topic_partition> one(1, where);
    auto waiting = wait_positions(self, std::move(one));
    const bool known = co_await waiting;
    const auto at = self->fetcher_->position(where);
    if (known) done->complete(*at);
    else if (!at) done->complete(not_assigned(where));
    else if (const auto why = self->view_->last_failure(); why.fatal()) done->complete(why);
    else done->complete(error{errc::timed_out, fmt::format("{}-{}: its position is not known yet", where.topic, where.partition)});
}

void consumer_loop::lag(std::optional<topic_partition> of, std::shared_ptr<op_state<std::int64_t>> done) {
    std::vector<topic_partition> which;
    if (!of) which = fetcher_->assigned();
    else if (!fetcher_->position(*of)) return done->complete(not_assigned(*of));
    else which.push_back(*std::move(of));
    spawn(run_lag(shared_from_this(), std::move(which), std::move(done)));
}

task<void> consumer_loop::run_lag(std::shared_ptr<consumer_loop> self, std::vector<topic_partition> of, std::shared_ptr<op_state<std::int64_t>> done) {
    auto waiting = wait_positions(self, of);
    if (!co_await waiting) {
        const auto why = self->view_->last_failure();
        done->complete(why.fatal() ? why : error{errc::timed_out, "the positions of some partitions are not known yet"});
        co_return;
    }
    std::vector<offset_query> asked;
    for (const auto& each : of) asked.push_back({each, latest_offset});
    auto finding = weir::detail::find_offsets(self->view_, std::move(asked), self->config_.isolation, self->config_.default_api_timeout);
    auto ends = co_await finding;
    if (!ends) {
        done->complete(ends.error());
        co_return;
    }
    std::int64_t total = 0;
    for (std::size_t i = 0; i < of.size(); ++i) {
        const auto at = self->fetcher_->position(of[i]);
        if (at && *at >= 0) total += std::max<std::int64_t>((*ends)[i].offset - *at, 0);
    }
    done->complete(total);
}

void consumer_loop::find_offsets(std::vector<std::pair<topic_partition, std::int64_t>> asked, std::shared_ptr<op_state<std::vector<offset_and_time>>> done) {
    spawn(run_find(shared_from_this(), std::move(asked), std::move(done)));
}

task<void> consumer_loop::run_find(std::shared_ptr<consumer_loop> self, std::vector<std::pair<topic_partition, std::int64_t>> asked, std::shared_ptr<op_state<std::vector<offset_and_time>>> done) {
    std::vector<offset_query> queries;
    for (const auto& [where, when] : asked) queries.push_back({where, when});
    auto finding = weir::detail::find_offsets(self->view_, std::move(queries), self->config_.isolation, self->config_.default_api_timeout);
    auto found = co_await finding;
    if (!found) {
        done->complete(found.error());
        co_return;
    }
    std::vector<offset_and_time> all;
    for (std::size_t i = 0; i < asked.size(); ++i) all.push_back({asked[i].first, (*found)[i].offset, timestamp{duration{std::max<std::int64_t>((*found)[i].time, 0)}}});
    done->complete(std::move(all));
}

void consumer_loop::partitions_for(std::string topic, std::shared_ptr<op_state<std::vector<partition_info>>> done) {
    spawn(run_partitions_for(shared_from_this(), std::move(topic), std::move(done)));
}

task<void> consumer_loop::run_partitions_for(std::shared_ptr<consumer_loop> self, std::string topic, std::shared_ptr<op_state<std::vector<partition_info>>> done) {
    auto& loop = self->view_->loop();
    const auto until = loop.now() + self->config_.default_api_timeout;
    self->view_->want(topic, self->config_.allow_auto_create_topics);
    for (int failures = 1;; ++failures) {
        const auto* known = self->view_->find(topic);
        if (known && known->code == errc::none) {
            std::vector<partition_info> all;
            for (std::size_t i = 0; i < known->partitions.size(); ++i) all.push_back({static_cast<std::int32_t>(i), known->partitions[i].leader, known->partitions[i].leader_epoch});
            done->complete(std::move(all));
            co_return;
        }
        if (self->view_->last_failure().fatal()) {
            done->complete(self->view_->last_failure());
            co_return;
        }
        const auto code = known ? known->code : errc::unknown_topic_or_partition;
        if (loop.now() >= until || self->ended_ || !describe(code).retriable) {
            done->complete(error{code, fmt::format("{}: {}", topic, describe(code).condition), self->view_->last_failure()});
            co_return;
        }
        self->view_->refresh();
        pause_for pause{loop, self->view_->retry().after(failures, self->view_->random())};
        co_await pause;
    }
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
    closed_ = true;
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
    for (auto left = std::exchange(commits_, {}); auto& each : left) if (each.done) each.done->complete(error{errc::closed, "the consumer is closed"});
    for (auto waiting = std::exchange(settled_, {}); auto& each : waiting) each(false);
    for (auto waiting = std::exchange(closing_, {}); auto& each : waiting) each->complete(why ? result<void>{why} : result<void>{});
}

}  // namespace weir::detail
