// What of a consumer is committed, and when: asked for, in passing, and before partitions go.
#include "consumer_loop.hpp"
#include "group_offsets.hpp"
#include "offset_queries.hpp"

#include <fmt/format.h>

namespace weir::detail {
namespace {

error no_group() { return error{errc::invalid_group_id, "offsets are committed in a group: set group.id"}; }

}  // namespace

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
        const bool same = commits_->last(offset.where) == offset.offset;
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

commit_job consumer_loop::asked(std::vector<partition_offset> offsets, std::shared_ptr<op_state<void>> done) const {
    commit_job job{{}, {}, std::move(done), view_->loop().now() + config_.default_api_timeout};
    for (const auto& each : offsets) {
        if (auto from = fetcher_->feed_of(each.where)) job.settles.emplace_back(std::move(from), each.offset);
    }
    job.offsets = std::move(offsets);
    return job;
}

void consumer_loop::commit_read(const std::vector<std::pair<feed_ptr, partition_offset>>& read, std::shared_ptr<op_state<void>> done) {
    if (config_.group_id.empty()) return done->complete(no_group());
    if (!letters_) return commits_->add(asked(uncommitted(read), std::move(done)));
    letters_->when_settled([self = shared_from_this(), read, done = std::move(done)]() mutable {
        for (const auto& [from, offset] : read) {
            if (auto lost = self->letters_->failure(from)) done->complete(std::move(lost));
        }
        self->commits_->add(self->asked(self->uncommitted(read), std::move(done)));
    });
}

void consumer_loop::commit(std::vector<partition_offset> offsets, std::shared_ptr<op_state<void>> done) {
    if (config_.group_id.empty()) return done->complete(no_group());
    if (!letters_) return commits_->add(asked(std::move(offsets), std::move(done)));
    letters_->when_settled([self = shared_from_this(), offsets = std::move(offsets), done = std::move(done)]() mutable {
        for (const auto& each : offsets) {
            if (auto lost = self->letters_->failure(self->fetcher_->feed_of(each.where))) return done->complete(std::move(lost));
        }
        self->commits_->add(self->asked(std::move(offsets), std::move(done)));
    });
}

void consumer_loop::arm_auto_commit() {
    if (!config_.auto_commit || auto_commit_ != timer_id::none || ended_) return;
    auto_commit_ = view_->loop().call_after(std::max(config_.auto_commit_interval, duration{1}), [self = shared_from_this()] {
        self->auto_commit_ = timer_id::none;
        self->auto_commit();
    });
}

void consumer_loop::commit_in_passing() {
    if (!config_.auto_commit) return;
    auto offsets = finished();
    if (!offsets.empty()) commits_->add({std::move(offsets), {}, nullptr, view_->loop().now() + config_.default_api_timeout});
}

void consumer_loop::auto_commit() {
    if (!commits_->busy()) commit_in_passing();
    // Nothing was read and nothing can be: the next records set the clock again.
    if (commits_->busy() || !inbox_->touched().empty() || !inbox_->empty()) arm_auto_commit();
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
        if (!again) {
            done->complete(std::move(got));
            co_return;
        }
        if (loop.now() >= until) {
            const auto& group = self->config_.group_id;
            done->complete(out_of_time(fmt::format("group '{}': its offsets were not told", group), self->config_.default_api_timeout, coordinator_named(*self->view_, group), got.error()));
            co_return;
        }
        pause_for pause{loop, self->view_->retry().after(failures, self->view_->random())};
        co_await pause;
    }
}

task<void> consumer_loop::commit_finished() {
    const auto self = shared_from_this();
    if (letters_) {
        auto delivering = completion<bool>([&](function<void(bool)> tell) {
            letters_->when_settled([tell = std::move(tell)]() mutable { tell(true); });
        });
        co_await delivering;
    }
    auto settling = commit_queue::settled(commits_);
    co_await settling;
    if (config_.auto_commit && !ended_) {
        auto offsets = finished();
        if (!offsets.empty()) {
            auto done = std::make_shared<op_state<void>>(strand_);
            commits_->add({std::move(offsets), {}, done, view_->loop().now() + config_.default_api_timeout});
            op<> committed{done};
            auto waiting = completion<result<void>>([&](function<void(result<void>)> tell) {
                committed.when_ready([tell = std::move(tell)](op<> by) mutable { tell(by.take()); }, continue_on::any_thread);
            });
            const auto outcome = co_await waiting;
            last_commit_failure_ = outcome.error();
            if (!outcome) complain(outcome.error());
        }
    }
    auto settling_again = commit_queue::settled(commits_);
    co_await settling_again;
}

}  // namespace weir::detail
