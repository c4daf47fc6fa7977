#include "fetcher.hpp"

#include "offset_queries.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace weir::detail {

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
        view_->want(this, each.topic, settings_.may_make_topics);
    }
    let_topics_go();
    wake();
}

void fetcher::let_topics_go() {
    for (const auto& [topic, partitions] : numbers_) {
        if (std::ranges::all_of(partitions, [this](const auto& each) { return slots_[each.second]->now == phase::unassigned; })) view_->unwant(this, topic);
    }
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

void fetcher::seek(const topic_partition& where, at::position to, std::int32_t epoch) {
    auto* of = find(where);
    if (!of) return;
    const bool held = of->now == phase::held;
    leave(*of);
    inbox_->close(of->in);
    begin(*of, to, held ? phase::held : phase::seeking);
    of->epoch = epoch;
    if (epoch >= 0) of->leader_epoch = -1;  // whoever leads has to say whether it has that
    wake();
}

void fetcher::pause(const topic_partition& where, bool yes) {
    auto* of = find(where);
    if (!of) return;
    inbox_->pause(of->in, yes);
    if (std::exchange(of->paused, yes) == yes || of->now != phase::reading) return;
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
    of.topic_id = {};
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
        auto why = no_leader(*view_, of.where);
        if (why.retriable()) fail(of, std::move(why), true);
        else stick(of, why.located(of.where.topic, of.where.partition, of.offset));
        return;
    }
    if (is_another(of, topic->id)) return;
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
        const bool anew = !of->topic_id.is_zero() && topic->id != of->topic_id;
        if (anew || leader.leader_epoch != of->leader_epoch || (leader.leader != of->broker && of->replica != of->broker)) place(*of);
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

}  // namespace weir::detail
