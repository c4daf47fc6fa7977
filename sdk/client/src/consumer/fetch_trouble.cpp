// What cannot be fetched: it is tried again, begins anew or waits for a seek; and who waits for records hears why there are none.
#include "fetcher.hpp"

#include <weir/base/log.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace weir::detail {
namespace {

log::logger fetch_trouble_logs{"weir.client.fetcher"};

}  // namespace

void fetcher::refused(const lane_ptr& from, slot& of, errc code) {
    const bool follower = of.replica >= 0 && of.replica == from->broker;
    of.replica = -1;
    auto why = error{code, fmt::format("{}: {} (offset {}, asked of {})", to_string(of.where), describe(code).condition, of.offset, view_->name_of(from->broker))}
                   .located(of.where.topic, of.where.partition, of.offset);
    if (code == errc::offset_out_of_range) {
        if (follower) return place(of);  // it may only lag behind
        return reset(of, why);
    }
    if (code == errc::not_leader_or_follower || code == errc::fenced_leader_epoch) {
        // The answer may have said who leads now (KIP-951).
        const auto* topic = view_->find(of.where.topic);
        const auto index = static_cast<std::size_t>(of.where.partition);
        if (follower || (topic && index < topic->partitions.size() && topic->partitions[index].leader_epoch > of.leader_epoch)) return place(of);
    }
    if (code == errc::corrupt_message || code == errc::unknown_server_error || describe(code).retriable) return fail(of, std::move(why), describe(code).refresh || follower);
    stick(of, std::move(why));
}

void fetcher::reset(slot& of, const error& why) {
    if (settings_.start == at::none) {
        stick(of, error{errc::no_offset, fmt::format("{}: offset {} is not in the log, and auto.offset.reset=none; seek() to one that is", to_string(of.where), of.offset), why}.located(of.where.topic, of.where.partition, of.offset));
        return;
    }
    fetch_trouble_logs.info(fmt::format("{}: offset {} is not in the log any more; starting anew as auto.offset.reset says", to_string(of.where), of.offset));
    leave(of);
    of.now = phase::seeking;
    of.target = settings_.start;
    of.epoch = -1;
    of.in->settled = -1;  // of offsets that are gone
    unsettled_.insert(number_of(of));
    wake();
}

/// A position in a topic that was deleted means nothing in the next one of that name, even where that has such an offset.
bool fetcher::is_another(slot& of, const uuid& topic_id) {
    if (topic_id.is_zero() || topic_id == of.topic_id) return false;
    if (std::exchange(of.topic_id, topic_id).is_zero()) return false;
    const auto gone = error{errc::unknown_topic_id, fmt::format("{}: the topic was deleted and made anew; starting anew where the group is, or as auto.offset.reset says", to_string(of.where))}
                          .located(of.where.topic, of.where.partition, of.offset);
    fetch_trouble_logs.warn(gone.message());
    if (trouble_) trouble_(gone);
    if (made_anew_) made_anew_(of.where);
    leave(of);
    inbox_->close(of.in);
    begin(of, at::committed, phase::seeking);
    of.leader_epoch = -1;
    wake();
    return true;
}

/// To be tried again.
void fetcher::fail(slot& of, error why, bool refresh) {
    const auto now = view_->loop().now();
    fetch_trouble_logs.debug(why.message());
    of.why = std::move(why);
    if (of.troubled == time_point::max()) of.troubled = now;
    of.not_before = now + view_->retry().after(++of.failures, view_->random());
    if (of.now == phase::reading) {
        leave(of);
        homeless_.insert(number_of(of));
    }
    if (refresh) view_->refresh();
    if (stall_ == timer_id::none) check_stalled();
    later(of.not_before);
}

/// Trying again would not help.
void fetcher::stick(slot& of, error why) {
    leave(of);
    of.now = phase::stuck;
    unsettled_.erase(number_of(of));
    inbox_->put_error(why.topic().empty() ? why.located(of.where.topic, of.where.partition, of.offset) : std::move(why));
}
/// Somebody who waits for records should hear why there are none.
void fetcher::check_stalled() {
    if (closed_) return;
    auto& loop = view_->loop();
    const auto now = loop.now();
    bool trouble = false;
    const auto report = [&](slot& of, time_point since, const error& why) {
        trouble = true;
        if (of.told || of.paused || now - since < settings_.stall_timeout) return;
        of.told = true;
        const auto text = fmt::format("{}: nothing was fetched for {} ms{}", to_string(of.where), std::chrono::duration_cast<milliseconds>(now - since).count(),
                                      of.end >= 0 ? fmt::format(", {} records wait", std::max<std::int64_t>(of.end - of.offset, 0)) : "");
        auto stalled = why ? error{errc::stalled, text, why} : error{errc::stalled, text};
        fetch_trouble_logs.warn(stalled.message());
        if (trouble_) trouble_(stalled.located(of.where.topic, of.where.partition, of.offset));
    };
    for (const auto& of : slots_) {
        if (of->now == phase::unassigned || of->now == phase::stuck || of->now == phase::held) continue;
        if (of->troubled != time_point::max()) {
            report(*of, of->troubled, of->why);
        } else if (of->broker >= 0) {
            const auto& on = lanes_[of->broker];
            if (on->failures == 0 && !on->starved) continue;
            if (of->end >= 0 && of->end <= of->offset) {
                trouble = true;
                continue;
            }
            const auto why = on->starved ? error{errc::buffer_full, fmt::format("{} bytes of buffer.memory={} are held by batches that are still in use", budget_->used(), settings_.buffer_memory)} : view_->last_failure();
            if (!on->starved || !inbox_->has_chunks(of->in)) report(*of, on->answered, why);
        }
    }
    loop.cancel(std::exchange(stall_, timer_id::none));
    if (trouble) {
        stall_ = loop.call_after(settings_.stall_timeout, [self = shared_from_this()] {
            self->stall_ = timer_id::none;
            self->check_stalled();
        });
    }
}

}  // namespace weir::detail
