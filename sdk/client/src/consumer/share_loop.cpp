#include "share_loop.hpp"

#include "topic_lookup.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace weir::detail {
namespace {

error share_consumer_stopped() { return error{errc::closed, "the share consumer was stopped"}; }
error closed_error() { return error{errc::closed, "the share consumer is closed"}; }

std::string made_up_id(std::uint64_t seed) {
    random_source random{seed};
    return to_string(random_uuid(random));
}

}  // namespace

share_loop::share_loop(std::shared_ptr<cluster> view, std::shared_ptr<callbacks> strand, share_consumer_config config, std::uint64_t seed)
    : view_(std::move(view)), strand_(std::move(strand)), group_id_(config.group_id), member_id_(made_up_id(seed)), check_crcs_(config.check_crcs), api_timeout_(config.default_api_timeout),
      max_wait_(config.max_wait), on_acknowledged_(std::make_shared<function<void(const std::vector<acknowledged>&)>>(std::move(config.on_acknowledged))),
      member_(group_id_, member_id_, config.rack, config.max_poll_interval, view_->retry(), seed), lane_(lane::shared) {
    limits_.max_wait_ms = static_cast<std::int32_t>(config.max_wait.count());
    limits_.min_bytes = static_cast<std::int32_t>(config.fetch_min_bytes);
    limits_.max_bytes = std::max(static_cast<std::int32_t>(config.fetch_max_bytes), 1);
    limits_.max_records = config.max_poll_records;
    limits_.strict = config.acquire == acquire_mode::record_limit;
    last_asked_ = view_->loop().now();
    counters_->group_id = group_id_;
}

void share_loop::open() {
    view_->counters().add(counters_);
    ledger_ = std::make_shared<share_ledger>(view_->loop(), counters_, [weak = weak_from_this(), &loop = view_->loop()] {
        loop.post([weak] {
            if (const auto self = weak.lock()) self->wake();
        });
    });
    view_->loop().post([self = shared_from_this()] {
        self->lane_ = self->view_->new_lane();
        self->view_->watch(self.get(), [weak = std::weak_ptr{self}] {
            if (const auto held = weak.lock()) held->wake();
        });
    });
}

// --- the application's wishes

void share_loop::subscribe(std::vector<std::string> topics) {
    member_.subscribe(std::move(topics));
    wake();
}

void share_loop::unsubscribe() {
    member_.leave();
    wake();
}

void share_loop::want(std::shared_ptr<share_poll> who) {
    if (ended_) return who->end({}, failure_ ? failure_ : share_consumer_stopped());
    last_asked_ = view_->loop().now();
    polls_.push_back(std::move(who));
    wake();
}

void share_loop::stop() {
    stopped_ = true;
    wake();
}

void share_loop::commit(std::shared_ptr<op_state<std::vector<acknowledged>>> done) {
    if (ended_) return done->complete(closed_error());
    committer next{std::move(done), {}, {}, view_->loop().now() + api_timeout_};
    const auto waiting = ledger_->waiting();
    for (auto& [broker, link] : links_) {
        if (waiting.contains({broker, link.session.number()})) next.until[broker] = link.asked + 1;
        else if (link.busy) next.until[broker] = link.asked;
    }
    committers_.push_back(std::move(next));
    tell_at_ = view_->loop().now();
    wake();
}

void share_loop::close(milliseconds most, std::shared_ptr<op_state<void>> done) {
    if (ended_) return done->complete(result<void>{});
    closing_.push_back(std::move(done));
    stopped_ = true;
    if (closing_.size() > 1) return;
    left_ = false;  // that it did before is of another time
    member_.leave();
    if (most != milliseconds::max()) {
        give_up_ = view_->loop().call_after(most, [self = shared_from_this()] {
            self->give_up_ = timer_id::none;
            self->end(error{errc::timed_out, fmt::format("share group {}: closed without the brokers' word", self->group_id_)});
        });
    }
    wake();
}

// --- steps

void share_loop::wake() {
    if (ended_ || std::exchange(awake_, true)) return;
    view_->loop().post([self = shared_from_this()] { self->step(); });
}

void share_loop::step() {
    awake_ = false;
    if (ended_) return;
    advance_member();
    if (ended_) return;
    drop_stale_verdicts();
    serve_polls();
    if (!polls_.empty()) fetch_more();
    tell_verdicts();
    settle_committers();
    if (!closing_.empty()) say_farewell();
    if (ended_) return;
    auto next = std::min(member_.deadline(polls_.empty() ? last_asked_ : view_->loop().now()), tell_at_);
    for (const auto& [broker, link] : links_) {
        if (!link.busy && !polls_.empty() && link.not_before > view_->loop().now()) next = std::min(next, link.not_before);
    }
    for (const auto& each : committers_) next = std::min(next, each.give_up);
    for (const auto& each : polls_) next = std::min(next, each->until);
    view_->loop().cancel(std::exchange(alarm_, timer_id::none));
    if (next == time_point::max()) return;
    alarm_ = view_->loop().call_at(next, [self = shared_from_this()] {
        self->alarm_ = timer_id::none;
        self->step();
    });
}

// --- the group

void share_loop::advance_member() {
    member_.tick(view_->loop().now(), polls_.empty() ? last_asked_ : view_->loop().now());
    for (auto effects = member_.take_effects(); !effects.empty() && !ended_; effects = member_.take_effects()) {
        for (auto& each : effects) std::visit([this](auto& next) { carry_out(next); }, each);
    }
}

void share_loop::carry_out(share_effect::heartbeat& next) { spawn(heartbeat(shared_from_this(), std::move(next))); }
void share_loop::carry_out(share_effect::find_names& next) {
    if (!std::exchange(finding_names_, true)) spawn(find_names(shared_from_this(), std::move(next.ids)));
}
void share_loop::carry_out(share_effect::forget_coordinator&) { view_->forget_coordinator(coordinator_kind::group, group_id_); }
void share_loop::carry_out(share_effect::assigned& next) {
    if (next.places != assigned_) counters_->rebalances.add();
    const auto before = std::exchange(assigned_, std::move(next.places));
    counters_->assigned.store(assigned_.size(), std::memory_order_relaxed);
    std::set<std::string_view> needed;
    for (const auto& [where, topic] : assigned_) {
        if (needed.insert(topic).second) view_->want(this, topic, false);
    }
    for (const auto& [where, topic] : before) {
        if (!needed.contains(topic)) view_->unwant(this, topic);
    }
}
void share_loop::carry_out(share_effect::failed& next) {
    failure_ = std::move(next.why);
    stopped_ = true;
}
void share_loop::carry_out(share_effect::left&) { left_ = true; }

task<void> share_loop::heartbeat(self_ptr self, share_effect::heartbeat next) {
    auto finding = cluster::coordinator(self->view_, coordinator_kind::group, self->group_id_);
    auto link = co_await finding;
    if (!link) {
        self->member_.request_failed(next.of, link.error(), self->view_->loop().now());
    } else {
        self->counters_->heartbeats.add();
        auto calling = (*link)->call(next.request);
        auto got = co_await calling;
        if (got) self->member_.answered(next.of, got->message, self->view_->loop().now());
        else self->member_.request_failed(next.of, got.error(), self->view_->loop().now());
    }
    self->wake();
}

task<void> share_loop::find_names(self_ptr self, std::vector<uuid> ids) {
    for (int failures = 0; !ids.empty() && !self->ended_; ids = self->member_.nameless()) {
        auto asking = look_up_names(self->view_, std::move(ids));
        auto names = co_await asking;
        if (names) self->member_.names_are(*names);
        self->wake();
        if (names && self->member_.nameless().empty()) break;
        pause_for pause{self->view_->loop(), self->view_->retry().after(++failures, self->view_->random())};
        co_await pause;
    }
    self->finding_names_ = false;
}

// --- records

void share_loop::serve_polls() {
    std::erase_if(polls_, [](const auto& each) { return each->ready(0); });
    while (!lent_.empty() && lent_.front()->ends() <= view_->loop().now()) {  // others may have it by now
        lent_.front()->forget_all();
        lent_.pop_front();
    }
    if (stopped_) {
        lent_.clear();  // goes back
        for (auto told = std::exchange(polls_, {}); auto& each : told) each->end({}, failure_ ? failure_ : share_consumer_stopped());
        return;
    }
    if (lent_.empty()) {
        std::erase_if(polls_, [this, now = view_->loop().now()](const auto& each) {
            if (each->until > now) return false;
            last_asked_ = now;
            each->end({}, {});
            return true;
        });
    }
    if (polls_.empty() || lent_.empty()) return;
    const auto first = std::move(polls_.front());
    polls_.pop_front();
    last_asked_ = view_->loop().now();
    first->end({std::make_move_iterator(lent_.begin()), std::make_move_iterator(lent_.end())}, {});
    lent_.clear();
}

std::map<std::int32_t, std::set<place>> share_loop::places_by_leader() {
    std::map<std::int32_t, std::set<place>> all;
    bool leaderless = false;
    for (const auto& [where, topic] : assigned_) {
        const auto* known = view_->find(topic);
        const auto index = static_cast<std::size_t>(where.second);
        const auto leader = known && index < known->partitions.size() ? known->partitions[index].leader : -1;
        if (leader >= 0) all[leader].insert(where);
        else leaderless = true;
    }
    if (leaderless) view_->refresh();
    return all;
}

share_loop::link_state& share_loop::link_to(std::int32_t broker) {
    return links_.try_emplace(broker, share_session{group_id_, member_id_}).first->second;
}

void share_loop::fetch_more() {
    const auto now = view_->loop().now();
    auto wanted = places_by_leader();
    if (limits_.strict) {  // one broker at a time, in turn: each may lend as much as is asked for
        if (std::any_of(links_.begin(), links_.end(), [](const auto& each) { return each.second.busy; }) || wanted.empty()) return;
        auto next = wanted.upper_bound(turn_);
        if (next == wanted.end()) next = wanted.begin();
        turn_ = next->first;
        wanted = {{next->first, std::move(next->second)}};
    }
    for (auto& [broker, places] : wanted) {
        if (const auto& link = link_to(broker); !link.busy && now >= link.not_before) begin(broker, errand::fetch, std::move(places));
    }
}

// --- the end

void share_loop::say_farewell() {
    bool quiet = true;
    for (auto& [broker, link] : links_) {
        if (!link.busy && link.session.open()) begin(broker, errand::farewell, {});
        quiet = quiet && !link.busy;
    }
    if (quiet && left_) end({});
}

void share_loop::end(const error& why) {
    if (std::exchange(ended_, true)) return;
    const auto self = shared_from_this();
    auto& loop = view_->loop();
    loop.cancel(std::exchange(alarm_, timer_id::none));
    loop.cancel(std::exchange(give_up_, timer_id::none));
    stopped_ = true;
    serve_polls();
    ledger_->close();
    view_->forget(this);
    view_->drop_lane(lane_);
    for (auto told = std::exchange(committers_, {}); auto& each : told) each.done->complete(closed_error());
    for (auto told = std::exchange(closing_, {}); auto& each : told) each->complete(why ? result<void>{why} : result<void>{});
}

}  // namespace weir::detail
