// Where a fetch begins: committed offsets, the log's ends, times; and whether a new leader still has what was read (KIP-320).
#include "fetcher.hpp"
#include "group_offsets.hpp"
#include "offset_queries.hpp"

#include <weir/base/log.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace weir::detail {
namespace {
log::logger positions_logs{"weir.client.positions"};
}  // namespace

task<void> fetcher::settle(std::shared_ptr<fetcher> self) {
    do {
        self->settle_again_ = false;
        const auto now = self->view_->loop().now();
        std::vector<slot*> committed, offsets, checks;
        for (const auto number : std::set<std::uint32_t>{self->unsettled_}) {
            auto& of = *self->slots_[number];
            if (of.busy) continue;
            if (now < of.not_before) {
                self->later(of.not_before);
                continue;
            }
            if (of.now == phase::checking) {
                checks.push_back(&of);
                continue;
            }
            if (of.target.what == at::position::kind::committed && self->settings_.group_id.empty()) of.target = self->settings_.start;
            if (of.target.what == at::position::kind::committed) committed.push_back(&of);
            else if (of.target.what == at::position::kind::offset) self->arrive(of, of.target.value, of.epoch);
            else if (of.target.what == at::position::kind::none) self->stick(of, error{errc::no_offset, fmt::format("{}: nothing is committed in group '{}', and auto.offset.reset=none; seek() says where to start", to_string(of.where), self->settings_.group_id)});
            else offsets.push_back(&of);
        }
        for (auto* each : committed) each->busy = true;
        for (auto* each : offsets) each->busy = true;
        for (auto* each : checks) each->busy = true;
        std::vector<task<void>> parts;
        if (!committed.empty()) parts.push_back(self->look_up_committed(std::move(committed)));
        if (!offsets.empty()) parts.push_back(self->look_up_offsets(std::move(offsets)));
        if (!checks.empty()) parts.push_back(self->check_epochs(std::move(checks)));
        if (!parts.empty()) self->settle_again_ = true;  // one answer may be the next question
        auto all = when_all(std::move(parts));
        co_await all;
    } while (self->settle_again_ && !self->closed_);
    self->settling_ = false;
}

task<void> fetcher::look_up_committed(std::vector<slot*> which) {
    std::vector<topic_partition> names;
    std::vector<feed_ptr> asked;
    for (const auto* each : which) {
        names.push_back(each->where);
        asked.push_back(each->in);
    }
    group_identity who;
    if (identity_) who = identity_();
    who.group_id = settings_.group_id;
    auto asking = fetch_committed(view_, std::move(who), std::move(names), true);
    auto got = co_await asking;
    for (std::size_t i = 0; i < which.size(); ++i) {
        auto& of = *which[i];
        if (of.in != asked[i] || closed_) continue;  // moved meanwhile
        of.busy = false;
        if (of.now != phase::seeking) continue;
        if (!got) {
            if (transient(got.error()) || is_of_membership(got.code())) fail(of, got.error(), false);
            else stick(of, got.error());
            continue;
        }
        const auto found = std::find_if(got->begin(), got->end(), [&](const partition_offset& each) { return each.where == of.where; });
        if (found != got->end() && found->offset >= 0) arrive(of, found->offset, found->leader_epoch);
        else {
            of.target = settings_.start;
            of.fresh = true;
        }
    }
}

task<void> fetcher::look_up_offsets(std::vector<slot*> which) {
    std::vector<offset_query> asked;
    std::vector<feed_ptr> feeds;
    for (const auto* each : which) {
        const auto& target = each->target;
        std::int64_t when = latest_offset;
        if (target.what == at::position::kind::earliest) when = earliest_offset;
        else if (target.what == at::position::kind::time) when = std::max<std::int64_t>(target.value, 0);
        else if (target.what == at::position::kind::ago) when = std::max<std::int64_t>(view_->loop().wall_now() - target.value, 0);
        asked.push_back({each->where, when});
        feeds.push_back(each->in);
    }
    // Before the end, but not before the beginning; and at the end, where no record is as late as that.
    auto second = asked;
    for (std::size_t i = 0; i < which.size(); ++i) second[i].timestamp = which[i]->target.what == at::position::kind::before_end ? earliest_offset : latest_offset;
    auto asking = list_offsets(view_, std::move(asked), settings_.level);
    auto got = co_await asking;
    const bool twice = std::any_of(which.begin(), which.end(), [](const slot* each) { return each->target.what == at::position::kind::before_end || each->target.what == at::position::kind::time || each->target.what == at::position::kind::ago; });
    std::vector<result<found_offset>> others;
    if (twice) {
        auto asking_others = list_offsets(view_, std::move(second), settings_.level);
        others = co_await asking_others;
    }
    for (std::size_t i = 0; i < which.size(); ++i) {
        auto& of = *which[i];
        if (of.in != feeds[i] || closed_) continue;
        of.busy = false;
        if (of.now != phase::seeking) continue;
        auto& found = got[i];
        const auto& why = !found ? found.error() : twice && !others[i] ? others[i].error() : error{};
        if (why) {
            if (transient(why)) fail(of, why, false);
            else stick(of, why);
            continue;
        }
        if (of.target.what == at::position::kind::before_end) arrive(of, std::max(found->offset - of.target.value, others[i]->offset), -1);
        else if (found->offset < 0 && twice) arrive(of, others[i]->offset, -1);
        else arrive(of, found->offset, -1);
    }
}

task<void> fetcher::check_epochs(std::vector<slot*> which) {
    std::vector<epoch_query> asked;
    std::vector<feed_ptr> feeds;
    for (const auto* each : which) {
        asked.push_back({each->where, each->epoch});
        feeds.push_back(each->in);
    }
    auto asking = epoch_ends(view_, std::move(asked));
    auto got = co_await asking;
    for (std::size_t i = 0; i < which.size(); ++i) {
        auto& of = *which[i];
        if (of.in != feeds[i] || closed_) continue;
        of.busy = false;
        if (of.now != phase::checking) continue;
        if (!got[i]) {
            const auto& why = got[i].error();
            if (why.code() == errc::unsupported_version) arrive(of, of.offset, -1);  // an old broker cannot say
            else if (transient(why)) fail(of, why, false);
            else stick(of, why);
            continue;
        }
        const auto& end = *got[i];
        const bool unknown = end.end < 0 || end.epoch < 0;
        if (!unknown && end.end >= of.offset) {
            of.now = phase::reading;
            arrive(of, of.offset, of.epoch);
            continue;
        }
        const auto lost = error{errc::log_truncated, fmt::format("{}: what was read up to offset {} (leader epoch {}) is not in the log any more{}", to_string(of.where), of.offset, of.epoch,
                                                                 unknown ? "" : fmt::format("; it ends at offset {} there", end.end))}
                              .located(of.where.topic, of.where.partition, unknown ? of.offset : end.end);
        if (settings_.start == at::none) {
            stick(of, lost);
            continue;
        }
        positions_logs.warn(lost.message());
        if (trouble_) trouble_(lost);
        // What waits here was read from the log that is gone.
        const auto handed = of.in->how_far.handed.load();
        inbox_->close(of.in);
        begin(of, unknown ? settings_.start : at::offset(handed >= 0 ? std::min(handed, end.end) : end.end), phase::seeking);
        of.epoch = end.epoch;
    }
}

}  // namespace weir::detail
