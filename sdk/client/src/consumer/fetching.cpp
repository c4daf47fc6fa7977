// Asks the brokers for records, one request at a time of each, and takes what they answer.
#include "fetcher.hpp"

#include <weir/base/log.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace weir::detail {
namespace {

log::logger fetching_logs{"weir.client.fetcher"};

// Fetches by topic id from this version on.
constexpr std::int16_t newest_by_name = 12;
// How long a partition with enough to read may keep the others of its broker from being asked.
constexpr milliseconds probe_after{100};
// How long a hint to another replica holds without being repeated (metadata.max.age.ms in Java).
constexpr milliseconds replica_hint_holds{300'000};
// A request for less than this is not worth its cost, unless the budget is smaller.
constexpr std::size_t least_request = 64 << 10;
// What the end of a consumer may wait for brokers to forget it.
constexpr milliseconds sessions_end_within{1000};

}  // namespace

void fetcher::pump(const lane_ptr& on, bool probing) {
    if (closed_ || on->in_flight || on->session.empty()) return;
    auto& loop = view_->loop();
    const auto now = loop.now();
    if (now < on->not_before) return later(on->not_before);
    if (on->full > 0 && !probing) {
        // They are first in turn as soon as there is room for them. The others do not wait behind them for ever.
        if (on->probe == timer_id::none) {
            on->probe = loop.call_after(probe_after, [self = shared_from_this(), on] {
                on->probe = timer_id::none;
                if (on->full > 0) self->pump(on, true);
            });
        }
        return;
    }
    loop.cancel(std::exchange(on->probe, timer_id::none));
    std::size_t brokers = 0;
    for (const auto& [broker, each] : lanes_) brokers += !each->session.empty();
    const auto fair = std::max(budget_->limit() / (2 * std::max<std::size_t>(brokers, 1)), std::size_t{1});
    const auto reserved = budget_->reserve(std::min(settings_.max_bytes, fair), std::min({settings_.max_bytes, fair, least_request}));
    if (reserved == 0) {
        on->starved = true;
        if (stall_ == timer_id::none) check_stalled();
        return;
    }
    on->in_flight = true;
    spawn(fetch(shared_from_this(), on, reserved, probing));
}

task<void> fetcher::fetch(std::shared_ptr<fetcher> self, lane_ptr on, std::size_t reserved, bool probing) {
    const auto view = self->view_;
    auto reaching = cluster::broker(view, on->broker, self->connections_);
    auto link = co_await reaching;
    error why = link.error();
    if (link && !self->closed_) {
        protocol::fetch_request request;
        request.max_wait_ms = probing ? 0 : static_cast<std::int32_t>(self->settings_.max_wait.count());
        request.min_bytes = static_cast<std::int32_t>(self->settings_.min_bytes);
        request.max_bytes = static_cast<std::int32_t>(reserved);
        request.isolation_level = static_cast<std::int8_t>(self->settings_.level);
        request.rack_id = self->settings_.rack;
        const auto newest = on->session.all_ids() ? protocol::fetch_request::max_version : newest_by_name;
        const auto version = (*link)->version_of(protocol::api_key::fetch, protocol::fetch_request::min_version, newest);
        on->session.ask(request, version > newest_by_name);
        const auto began = view->loop().now();
        auto asking = (*link)->call(request, newest, self->settings_.max_wait);
        auto got = co_await asking;
        why = got.error();
        if (got) {
            auto& counters = *self->settings_.counters;
            counters.fetches.add();
            counters.fetch_latency.record(static_cast<std::uint64_t>((view->loop().now() - began) / std::chrono::microseconds{1}));
            if (self->closed_) self->budget_->release(reserved);
            else self->take(on, *std::move(got), reserved);
            on->in_flight = false;
            self->pump(on);
            co_return;
        }
        on->session.failed();
    }
    self->budget_->release(reserved);
    on->in_flight = false;
    if (self->closed_) co_return;
    fetching_logs.debug(fmt::format("{}: fetch: {}", view->name_of(on->broker), why.message()));
    if (why.permanent() && on->failures == 0) self->inbox_->put_error(why);  // of certificates and logins the application hears at once
    on->not_before = view->loop().now() + view->retry().after(++on->failures, view->random());
    view->refresh();
    if (self->stall_ == timer_id::none) self->check_stalled();
    self->pump(on);
}

// --- what comes back ---

void fetcher::take(const lane_ptr& from, answer got, std::size_t reserved) {
    auto& message = got.message;
    const auto code = errc_from_wire(message.error_code);
    const auto size = got.source.size;
    bool any = false;
    for (const auto& topic : message.responses) for (const auto& part : topic.partitions) any |= part.records.size() > 0;
    budget_->settle(reserved, any ? size : 0);
    std::shared_ptr<const void> owner;
    if (any) owner = std::make_shared<held_bytes>(budget_, size, got.source.data);
    for (const auto& node : message.node_endpoints) view_->learn_broker(node.node_id, {node.host, static_cast<std::uint16_t>(node.port)});
    if (code != errc::none) {
        fetching_logs.debug(fmt::format("{}: {}", view_->name_of(from->broker), describe(code).name));
        const bool session = code == errc::fetch_session_id_not_found || code == errc::invalid_fetch_session_epoch;
        from->session.failed(code == errc::fetch_session_id_not_found);
        if (describe(code).refresh) view_->refresh();
        if (session) return;
        from->not_before = view_->loop().now() + view_->retry().after(++from->failures, view_->random());
        if (stall_ == timer_id::none) check_stalled();
        return;
    }
    from->session.answered(message.session_id);
    from->failures = 0;
    from->answered = view_->loop().now();
    std::size_t fetched = 0;
    for (auto& topic : message.responses) {
        for (auto& part : topic.partitions) {
            fetched += part.records.size();
            const auto number = from->session.find(topic.topic, topic.topic_id, part.partition_index);
            if (number >= 0) take_part(from, *slots_[static_cast<std::size_t>(number)], part, owner);
        }
    }
    if (fetched == 0) return;
    settings_.counters->bytes.add(fetched);
    settings_.counters->fetch_bytes.record(fetched);
}

void fetcher::take_part(const lane_ptr& from, slot& of, protocol::fetch_response::partition_data& part, const std::shared_ptr<const void>& owner) {
    const auto code = errc_from_wire(part.error_code);
    if (part.current_leader.leader_id >= 0) view_->learn_leader(of.where.topic, of.where.partition, part.current_leader.leader_id, part.current_leader.leader_epoch);
    if (code != errc::none) return refused(from, of, code);
    of.failures = 0;
    of.troubled = time_point::max();
    of.told = false;
    of.end = settings_.level == isolation::read_committed && part.last_stable_offset >= 0 ? part.last_stable_offset : part.high_watermark;
    of.in->end.store(of.end, std::memory_order_relaxed);
    if (part.diverging_epoch.end_offset >= 0) {
        of.now = phase::checking;
        leave(of);
        unsettled_.insert(number_of(of));
        return wake();
    }
    if (part.records.size() > 0) {
        std::vector<aborted_transaction> aborted;
        if (settings_.level == isolation::read_committed && part.aborted_transactions) {
            for (const auto& each : *part.aborted_transactions) aborted.push_back({each.producer_id, each.first_offset});
        }
        chunk found{part.records.memory(), owner, of.offset, std::move(aborted), {settings_.check_crcs, settings_.level == isolation::read_committed, settings_.opened}};
        if (!found.empty()) {
            of.offset = found.end_offset();
            if (found.end_epoch() >= 0) of.epoch = found.end_epoch();
            settings_.counters->records.add(found.record_count());
            inbox_->put(of.in, std::move(found));
            if (data_) data_();
        }
    }
    if (part.preferred_read_replica >= 0 && part.preferred_read_replica != from->broker) {
        of.replica = part.preferred_read_replica;
        of.replica_until = view_->loop().now() + replica_hint_holds;
    }
    // It may have learned of another leader or a nearer replica.
    place(of);
}
// --- the end ---

// Otherwise a broker keeps them, in place of somebody else's, until they are stale (KIP-227).
void fetcher::end_sessions(function<void()> done) {
    struct farewell {
        std::size_t open = 0;
        function<void()> over;
    };
    const auto last = std::make_shared<farewell>();
    auto& loop = view_->loop();
    const auto timer = loop.call_after(sessions_end_within, [last] {
        if (last->over) std::exchange(last->over, {})();
    });
    last->over = [self = shared_from_this(), timer, done = std::move(done)]() mutable {
        self->view_->loop().cancel(timer);
        self->view_->drop_lane(self->connections_);
        if (done) done();
    };
    const auto one_less = [last] {
        if (--last->open == 0 && last->over) std::exchange(last->over, {})();
    };
    last->open = 1;
    for (const auto& [broker, on] : lanes_) {
        protocol::fetch_request request;
        if (on->failures > 0 || !on->session.end(request)) continue;
        ++last->open;
        spawn(end_session(shared_from_this(), on, std::move(request), one_less));
    }
    one_less();
}

// Not behind a fetch that the broker has parked.
task<void> fetcher::end_session(std::shared_ptr<fetcher> self, lane_ptr of, protocol::fetch_request last, function<void()> done) {
    auto reaching = cluster::broker(self->view_, of->broker, of->in_flight ? lane::shared : self->connections_);
    auto link = co_await reaching;
    if (link) {
        last.max_wait_ms = 0;
        auto asking = (*link)->call(last);
        (void)co_await asking;
    }
    done();
}
}  // namespace weir::detail
