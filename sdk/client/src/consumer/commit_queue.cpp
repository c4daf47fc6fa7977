#include "commit_queue.hpp"

#include "group_offsets.hpp"
#include "offset_queries.hpp"

#include <weir/base/log.hpp>

#include <fmt/format.h>

namespace weir::detail {
namespace {

log::logger commit_queue_logs{"weir.client.consumer"};

error closed_error() { return error{errc::closed, "the consumer is closed"}; }

}  // namespace

void commit_queue::add(commit_job next) {
    if (ended_) {
        if (next.done) next.done->complete(closed_error());
        return;
    }
    jobs_.push_back(std::move(next));
    if (!std::exchange(running_, true)) spawn(run(shared_from_this()));
}

std::optional<std::int64_t> commit_queue::last(const topic_partition& where) const {
    const auto at = last_.find(where);
    return at == last_.end() ? std::nullopt : std::optional{at->second};
}

/// The group may have moved on: an epoch that is out of date is asked for anew (KIP-848), anything else of the kind ends it.
bool commit_queue::may_retry(const group_identity& who, const error& why, int failures) {
    const auto code = why.code();
    if (!is_of_membership(code)) return transient(why);
    tell_.rejected(who, code);
    constexpr int attempts = 10;
    return code == errc::stale_member_epoch && failures < attempts;
}

task<result<void>> commit_queue::carry_out(std::shared_ptr<commit_queue> self, commit_job& job) {
    auto& loop = self->view_->loop();
    while (!job.offsets.empty()) {
        const auto who = self->tell_.identity();
        const auto began = loop.now();
        auto committing = commit_offsets(self->view_, who, job.offsets);
        auto outcome = co_await committing;
        self->counters_->commit_latency.record(static_cast<std::uint64_t>((loop.now() - began) / std::chrono::microseconds{1}));
        (outcome ? self->counters_->commits : self->counters_->commit_failures).add();
        if (outcome || self->ended_ || !self->may_retry(who, outcome.error(), job.failures)) co_return outcome;
        if (loop.now() >= job.until) {
            co_return out_of_time(fmt::format("group '{}': not committed", who.group_id), self->patience_, coordinator_named(*self->view_, who.group_id), outcome.error());
        }
        pause_for pause{loop, self->view_->retry().after(++job.failures, self->view_->random())};
        co_await pause;
    }
    co_return result<void>{};
}

void commit_queue::tell(const commit_job& job, const result<void>& outcome) {
    if (outcome) {
        for (const auto& each : job.offsets) last_[each.where] = each.offset;
        for (const auto& [from, offset] : job.settles) from->settled = offset;
        if (!job.offsets.empty()) tell_.committed(job.offsets);
    } else {
        commit_queue_logs.debug("commit: " + outcome.error().message());
        if (!job.done) tell_.failed(outcome.error());
    }
    if (job.done) job.done->complete(outcome);
}

task<void> commit_queue::run(std::shared_ptr<commit_queue> self) {
    while (!self->jobs_.empty()) {
        auto job = std::move(self->jobs_.front());
        self->jobs_.pop_front();
        auto committing = carry_out(self, job);
        const auto outcome = co_await committing;
        self->tell(job, outcome);
    }
    self->running_ = false;
    for (auto all = std::exchange(self->waiting_, {}); auto& each : all) each(true);
}

task<void> commit_queue::settled(std::shared_ptr<commit_queue> self) {
    if (!self->running_ || self->ended_) co_return;
    auto waiting = completion<bool>([&](function<void(bool)> done) { self->waiting_.push_back(std::move(done)); });
    co_await waiting;
}

void commit_queue::end() {
    ended_ = true;
    for (auto left = std::exchange(jobs_, {}); auto& each : left) {
        if (each.done) each.done->complete(closed_error());
    }
    for (auto all = std::exchange(waiting_, {}); auto& each : all) each(false);
}

}  // namespace weir::detail
