#include "fetcher.hpp"

#include "offset_queries.hpp"

#include <weir/base/log.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace weir::detail {
namespace {

log::logger logs{"weir.client.fetcher"};

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

std::string name_of(const topic_partition& where) { return fmt::format("{}-{}", where.topic, where.partition); }

}  // namespace

fetcher::fetcher(std::shared_ptr<cluster> view, std::shared_ptr<byte_budget> budget, fetch_settings settings)
    : view_(std::move(view)), budget_(std::move(budget)), settings_(std::move(settings)), connections_(view_->new_lane()) {}

// --- which partitions ---

fetcher::slot* fetcher::find(const topic_partition& where) {
    const auto topic = numbers_.find(where.topic);
    if (topic == numbers_.end()) return nullptr;
    const auto at = topic->second.find(where.partition);
    if (at == topic->second.end()) return nullptr;
    auto* found = slots_[at->second].get();
    return found->now == phase::unassigned ? nullptr : found;
}
const fetcher::slot* fetcher::find(const topic_partition& where) const { return const_cast<fetcher*>(this)->find(where); }

fetcher::slot& fetcher::make(const topic_partition& where) {
    const auto [at, fresh] = numbers_[where.topic].try_emplace(where.partition, static_cast<std::uint32_t>(slots_.size()));
    if (fresh) {
        slots_.push_back(std::make_unique<slot>());
        slots_.back()->where = where;
        slots_.back()->in = std::make_shared<feed>(where.topic, where.partition, at->second);
    }
    return *slots_[at->second];
}

void fetcher::add(const std::vector<topic_partition>& which, at::position from, bool start_now) {
    if (closed_) return;
    if (!watching_) {
        watching_ = true;
        view_->watch(this, [weak = weak_from_this()] {
            if (const auto self = weak.lock()) self->on_metadata();
        });
    }
    for (const auto& each : which) {
        auto& of = make(each);
        if (of.now != phase::unassigned) continue;
        of.paused = false;
        begin(of, from, start_now ? phase::seeking : phase::held);
        view_->want(each.topic);
    }
    wake();
}

void fetcher::start(const std::vector<topic_partition>& which) {
    for (const auto& each : which) {
        auto* of = find(each);
        if (!of || of->now != phase::held) continue;
        of->now = phase::seeking;
        unsettled_.insert(number_of(*of));
    }
    wake();
}

void fetcher::remove(const std::vector<topic_partition>& which) {
    for (const auto& each : which) {
        auto* of = find(each);
        if (!of) continue;
        leave(*of);
        inbox_->close(of->in);
        of->now = phase::unassigned;
        unsettled_.erase(number_of(*of));
        homeless_.erase(number_of(*of));
    }
}

void fetcher::seek(const topic_partition& where, at::position to) {
    auto* of = find(where);
    if (!of) return;
    const bool held = of->now == phase::held;
    leave(*of);
    inbox_->close(of->in);
    begin(*of, to, held ? phase::held : phase::seeking);
    wake();
}

void fetcher::pause(const topic_partition& where, bool yes) {
    auto* of = find(where);
    if (!of || std::exchange(of->paused, yes) == yes) return;
    inbox_->pause(of->in, yes);
    if (of->now != phase::reading) return;
    if (yes) leave(*of);
    else place(*of);
}

/// A new feed: whatever was fetched or asked before is about the old one.
void fetcher::begin(slot& of, at::position from, phase first) {
    const auto number = number_of(of);
    of.in = std::make_shared<feed>(of.where.topic, of.where.partition, number);
    of.in->paused = of.paused;
    inbox_->open(of.in);
    of.now = first;
    of.target = from;
    of.offset = of.epoch = -1;
    of.replica = -1;
    of.end = -1;
    of.busy = of.told = of.fresh = false;
    of.failures = 0;
    of.not_before = {};
    of.troubled = time_point::max();
    homeless_.erase(number);
    if (first == phase::seeking) unsettled_.insert(number);
}

/// Out of its broker's session.
void fetcher::leave(slot& of) {
    homeless_.erase(number_of(of));
    if (of.broker < 0) return;
    const auto& on = lanes_[of.broker];
    on->session.drop(number_of(of));
    if (std::exchange(of.full, false)) --on->full;
    of.broker = -1;
}

void fetcher::arrive(slot& of, std::int64_t offset, std::int32_t epoch) {
    of.offset = offset;
    of.epoch = epoch;
    of.failures = 0;
    of.troubled = time_point::max();
    of.told = false;
    of.now = phase::reading;
    unsettled_.erase(number_of(of));
    if (of.in->how_far.handed < 0) {
        of.in->how_far.epoch = epoch;
        of.in->how_far.finished = of.in->how_far.handed = offset;
    }
    // Where this group begins: what comes while nobody of it is there would be missed, if the next one looked for the end again.
    if (std::exchange(of.fresh, false)) {
        inbox_->touch(of.in);
        if (data_) data_();
    }
    place(of);
}

/// To whoever has it: the leader, or the replica it named.
void fetcher::place(slot& of) {
    if (of.now != phase::reading || of.paused || closed_) return;
    const auto number = number_of(of);
    const auto now = view_->loop().now();
    if (now < of.not_before) {
        leave(of);
        homeless_.insert(number);
        return later(of.not_before);
    }
    const auto* topic = view_->find(of.where.topic);
    const auto index = static_cast<std::size_t>(of.where.partition);
    const bool known = topic && index < topic->partitions.size() && topic->partitions[index].leader >= 0;
    if (!known) {
        leave(of);
        const auto code = topic && topic->code != errc::none ? topic->code : errc::leader_not_available;
        error why{code, fmt::format("{}: {}", name_of(of.where), describe(code).condition)};
        if (describe(code).retriable) fail(of, std::move(why), true);
        else stick(of, std::move(why));
        return;
    }
    const auto& leader = topic->partitions[index];
    if (leader.leader_epoch != of.leader_epoch) {
        const auto before = std::exchange(of.leader_epoch, leader.leader_epoch);
        // A new leader may lack what was read from the old one.
        if (before >= 0 || of.epoch >= 0) of.replica = -1;
        if (of.epoch >= 0 && leader.leader_epoch > of.epoch) {
            leave(of);
            of.now = phase::checking;
            unsettled_.insert(number);
            return wake();
        }
    }
    auto broker = leader.leader;
    if (of.replica >= 0 && now < of.replica_until && view_->brokers().contains(of.replica)) broker = of.replica;
    if (of.broker != broker) leave(of);
    homeless_.erase(number);
    auto& on = lanes_[broker];
    if (!on) {
        on = std::make_shared<lane_state>();
        on->broker = broker;
        on->answered = now;
    }
    of.broker = broker;
    want(of, on);
    pump(on);
}

void fetcher::want(slot& of, const lane_ptr& on) {
    const auto number = number_of(of);
    if (inbox_->full(of.in)) {
        if (!std::exchange(of.full, true)) ++on->full;
        on->session.drop(number);
        return;
    }
    if (std::exchange(of.full, false)) --on->full;
    const auto* topic = view_->find(of.where.topic);
    const fetch_want what{of.offset, of.leader_epoch, static_cast<std::int32_t>(settings_.max_partition_bytes)};
    on->session.want(number, of.where.topic, topic ? topic->id : uuid{}, of.where.partition, what);
}

void fetcher::hungry(const std::vector<feed_ptr>& which) {
    for (const auto& each : which) {
        auto& of = *slots_[each->number];
        if (of.in != each || of.broker < 0) continue;
        const auto on = lanes_[of.broker];
        want(of, on);
        pump(on);
    }
}

void fetcher::room() {
    for (const auto& [broker, on] : lanes_) {
        if (std::exchange(on->starved, false)) pump(on);
    }
}

void fetcher::close(function<void()> done) {
    if (std::exchange(closed_, true)) {
        if (done) done();
        return;
    }
    view_->forget(this);
    budget_->close();
    auto& loop = view_->loop();
    loop.cancel(alarm_);
    loop.cancel(stall_);
    for (const auto& [broker, on] : lanes_) loop.cancel(on->probe);
    unsettled_.clear();
    homeless_.clear();
    end_sessions(std::move(done));
}

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

std::vector<topic_partition> fetcher::assigned() const {
    std::vector<topic_partition> all;
    for (const auto& each : slots_) if (each->now != phase::unassigned) all.push_back(each->where);
    return all;
}
feed_ptr fetcher::feed_of(const topic_partition& where) const {
    const auto* of = find(where);
    return of ? of->in : nullptr;
}
bool fetcher::current(const feed_ptr& which) const {
    const auto& of = *slots_[which->number];
    return of.in == which && of.now != phase::unassigned;
}
std::optional<std::int64_t> fetcher::position(const topic_partition& where) const {
    const auto* of = find(where);
    if (!of) return std::nullopt;
    return of->in->how_far.handed.load();
}
std::int64_t fetcher::end_of(const topic_partition& where) const {
    const auto* of = find(where);
    return of ? of->end : -1;
}

// --- asking ---

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
    logs.debug(fmt::format("{}: fetch: {}", view->name_of(on->broker), why.message()));
    if (why.fatal() && on->failures == 0) self->inbox_->put_error(why);  // of certificates and logins the application hears at once
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
        logs.debug(fmt::format("{}: {}", view_->name_of(from->broker), describe(code).name));
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

void fetcher::refused(const lane_ptr& from, slot& of, errc code) {
    const bool follower = of.replica >= 0 && of.replica == from->broker;
    of.replica = -1;
    auto why = error{code, fmt::format("{}: {} (offset {}, asked of {})", name_of(of.where), describe(code).condition, of.offset, view_->name_of(from->broker))}
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
        stick(of, error{errc::no_offset, fmt::format("{}: offset {} is not in the log, and auto.offset.reset=none; seek() to one that is", name_of(of.where), of.offset), why}.located(of.where.topic, of.where.partition, of.offset));
        return;
    }
    logs.info(fmt::format("{}: offset {} is not in the log any more; starting anew as auto.offset.reset says", name_of(of.where), of.offset));
    leave(of);
    of.now = phase::seeking;
    of.target = settings_.start;
    of.epoch = -1;
    of.in->settled = -1;  // of offsets that are gone
    unsettled_.insert(number_of(of));
    wake();
}

/// To be tried again.
void fetcher::fail(slot& of, error why, bool refresh) {
    const auto now = view_->loop().now();
    logs.debug(why.message());
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

// --- time ---

void fetcher::later(time_point when) {
    if (closed_ || when >= alarm_at_) return;
    auto& loop = view_->loop();
    loop.cancel(alarm_);
    alarm_at_ = when;
    alarm_ = loop.call_at(when, [self = shared_from_this()] {
        self->alarm_ = timer_id::none;
        self->alarm_at_ = time_point::max();
        self->on_metadata();
    });
}

/// What waits for a leader, for time to pass or for the cluster to be known goes on; and who has a new leader moves.
void fetcher::on_metadata() {
    if (closed_) return;
    for (const auto& of : slots_) {
        if (of->now != phase::reading || of->paused) continue;
        if (of->broker < 0) {
            place(*of);
            continue;
        }
        const auto* topic = view_->find(of->where.topic);
        const auto index = static_cast<std::size_t>(of->where.partition);
        if (!topic || index >= topic->partitions.size()) continue;
        const auto& leader = topic->partitions[index];
        if (leader.leader_epoch != of->leader_epoch || (leader.leader != of->broker && of->replica != of->broker)) place(*of);
    }
    for (const auto& [broker, on] : lanes_) pump(on);
    wake();
}

void fetcher::wake() {
    if (closed_ || unsettled_.empty()) return;
    if (settling_) settle_again_ = true;
    else {
        settling_ = true;
        spawn(settle(shared_from_this()));
    }
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
        const auto text = fmt::format("{}: nothing was fetched for {} ms{}", name_of(of.where), std::chrono::duration_cast<milliseconds>(now - since).count(),
                                      of.end >= 0 ? fmt::format(", {} records wait", std::max<std::int64_t>(of.end - of.offset, 0)) : "");
        auto stalled = why ? error{errc::stalled, text, why} : error{errc::stalled, text};
        logs.warn(stalled.message());
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
