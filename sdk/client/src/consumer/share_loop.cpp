#include "share_loop.hpp"

#include "topic_lookup.hpp"

#include <weir/base/log.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace weir::detail {
namespace {

log::logger logs{"weir.client.share"};
constexpr milliseconds tell_within{1'000};  // verdicts that no fetch takes along

error stopped_error() { return error{errc::closed, "the share consumer was stopped"}; }
error closed_error() { return error{errc::closed, "the share consumer is closed"}; }

std::string made_up_id(std::uint64_t seed) {
    random_source random{seed};
    return to_string(random_uuid(random));
}

/// Gaps, which nobody decided about, apart.
std::uint64_t verdicts_in(const verdicts& all) {
    std::uint64_t found = 0;
    for (const auto& [where, by_offset] : all) {
        found += static_cast<std::uint64_t>(std::count_if(by_offset.begin(), by_offset.end(), [](const auto& each) { return each.second != verdict::gap; }));
    }
    return found;
}

/// Cannot get better by asking again.
bool hopeless(errc code) {
    switch (code) {
        case errc::group_authorization_failed:
        case errc::topic_authorization_failed:
        case errc::invalid_group_id:
        case errc::invalid_request:
        case errc::unsupported_version: return true;
        default: return false;
    }
}

}  // namespace

share_loop::share_loop(std::shared_ptr<cluster> view, std::shared_ptr<callbacks> strand, share_consumer_config config, std::uint64_t seed)
    : view_(std::move(view)), strand_(std::move(strand)), group_id_(config.group_id), member_id_(made_up_id(seed)), check_crcs_(config.check_crcs), api_timeout_(config.default_api_timeout),
      max_wait_(config.max_wait), on_acknowledged_(std::make_shared<function<void(const std::vector<acknowledged>&)>>(std::move(config.on_acknowledged))),
      member_(group_id_, member_id_, config.rack, config.max_poll_interval, view_->retry(), seed), lane_(lane::shared) {
    limits_.max_wait_ms = static_cast<std::int32_t>(config.max_wait.count());
    limits_.min_bytes = static_cast<std::int32_t>(config.fetch_min_bytes);
    limits_.max_bytes = static_cast<std::int32_t>(config.fetch_max_bytes);
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

void share_loop::want(std::shared_ptr<share_poll> who, duration most) {
    if (ended_) return who->end({}, failure_ ? failure_ : stopped_error());
    last_asked_ = view_->loop().now();
    if (most != duration::max()) who->until = last_asked_ + most;
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
    assigned_ = std::move(next.places);
    counters_->rebalances.add();
    counters_->assigned.store(assigned_.size(), std::memory_order_relaxed);
    for (const auto& [where, topic] : assigned_) {
        if (!view_->find(topic)) view_->want(topic);
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
        for (auto told = std::exchange(polls_, {}); auto& each : told) each->end({}, failure_ ? failure_ : stopped_error());
        return;
    }
    if (lent_.empty()) {
        std::erase_if(polls_, [now = view_->loop().now()](const auto& each) {
            if (each->until > now) return false;
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

// --- verdicts

void share_loop::tell_verdicts() {
    const auto now = view_->loop().now();
    const auto waiting = ledger_->waiting();
    if (waiting.empty()) tell_at_ = time_point::max();
    else if (tell_at_ == time_point::max()) tell_at_ = now + tell_within;
    const bool due = now >= tell_at_ || !committers_.empty();
    for (const auto& [from, urgent] : waiting) {
        auto& link = link_to(from.broker);
        if (link.busy || (!due && !urgent)) continue;
        if (due) tell_at_ = time_point::max();
        begin(from.broker, errand::tell, {});
    }
}

// The session ended in which these were lent: whoever lent them has taken them back, or will.
void share_loop::drop_stale_verdicts() {
    for (const auto& [from, urgent] : ledger_->waiting()) {
        if (const auto& link = link_to(from.broker); link.session.number() == from.session && link.session.open()) continue;
        if (link_to(from.broker).busy) continue;
        const auto gone = ledger_->take(from);
        const error why{errc::share_session_not_found, fmt::format("{} does not know of the loan any more", view_->name_of(from.broker))};
        for (const auto* which : {&gone.decided, &gone.renewals, &gone.late}) report(*which, gone.topics, {}, why);
    }
}

void share_loop::settle_committers() {
    const auto now = view_->loop().now();
    std::erase_if(committers_, [&](committer& each) {
        std::erase_if(each.until, [&](const auto& entry) { return link_to(entry.first).answered >= entry.second; });
        if (each.until.empty()) each.done->complete(std::move(each.results));
        else if (now >= each.give_up) each.done->complete(error{errc::timed_out, fmt::format("share group {}: commit: not all brokers answered within {} ms (default.api.timeout.ms)", group_id_, api_timeout_.count())});
        else return false;
        return true;
    });
}

void share_loop::report(const verdicts& which, const std::map<place, std::string>& topics, const std::map<place, error>& whys, const error& of_all) {
    std::vector<acknowledged> results;
    for (const auto& [where, by_offset] : which) {
        const auto single = whys.find(where);
        const auto& why = single == whys.end() ? of_all : single->second;
        const auto topic = topics.find(where);
        const topic_partition named{topic == topics.end() ? "" : topic->second, where.second};
        for (const auto& [offset, what] : by_offset) {
            if (what == verdict::gap) continue;
            const auto said = static_cast<acknowledgement>(what);
            count(said, !why);
            if (!results.empty() && results.back().where == named && results.back().last + 1 == offset && results.back().what == said) {
                results.back().last = offset;
                continue;
            }
            results.push_back({named, offset, offset, said, why ? why.located(named.topic, named.partition, offset) : error{}});
        }
    }
    if (results.empty()) return;
    for (auto& each : committers_) each.results.insert(each.results.end(), results.begin(), results.end());
    if (*on_acknowledged_) strand_->post([told = on_acknowledged_, results = std::move(results)] { (*told)(results); });
}

void share_loop::count(acknowledgement what, bool counts) {
    auto& all = *counters_;
    auto& one = !counts                            ? all.failed
                : what == acknowledgement::accept  ? all.accepted
                : what == acknowledgement::release ? all.released
                : what == acknowledgement::reject  ? all.rejected
                                                   : all.renewed;
    one.add();
}

// --- requests

void share_loop::begin(std::int32_t broker, errand what, std::set<place> wanted) {
    link_to(broker).busy = true;
    spawn(converse(shared_from_this(), broker, what, std::move(wanted)));
}

// By value: a coroutine outlives its caller's temporaries.
task<void> share_loop::converse(self_ptr self, std::int32_t broker, errand what, std::set<place> wanted) {  // NOLINT(performance-unnecessary-value-param)
    auto& state = self->link_to(broker);
    const auto turn = ++state.asked;
    auto reaching = cluster::broker(self->view_, broker, self->lane_);
    auto link = co_await reaching;
    share_news told;
    if (state.session.open()) told = self->ledger_->take({broker, state.session.number()});
    self->report(told.late, told.topics, {}, error{errc::invalid_record_state, "its time was up, others may have the record"});
    error why = link ? error{} : link.error();
    if (why) {
        self->report(told.renewals, told.topics, {}, why);
        self->report(told.decided, told.topics, {}, why);
    }
    if (!why && !told.renewals.empty()) {
        auto renewing = renew(self, *link, broker, told);
        why = co_await renewing;
        if (why) self->report(told.decided, told.topics, {}, why);
    }
    if (!why && what == errand::fetch) {
        auto fetching = fetch(self, *link, broker, wanted, told);
        why = co_await fetching;
    } else if (!why && state.session.open() && (what == errand::farewell || !told.decided.empty())) {
        auto telling = acknowledge(self, *link, broker, told, what == errand::farewell);
        why = co_await telling;
    }
    state.busy = false;
    state.answered = turn;
    if (why) {
        logs.info(fmt::format("share group {}: {}: {}", self->group_id_, self->view_->name_of(broker), why.message()));
        state.session.failed();
        state.not_before = self->view_->loop().now() + self->view_->retry().after(++state.failures, self->view_->random());
        self->view_->refresh();
        if (hopeless(why.code())) {
            self->failure_ = why;
            self->stopped_ = true;
        }
    } else if (state.not_before <= self->view_->loop().now()) {
        state.failures = 0;
    }
    self->wake();
}

task<error> share_loop::renew(self_ptr self, connection_ptr link, std::int32_t broker, const share_news& told) {  // NOLINT(performance-unnecessary-value-param)
    auto& session = self->link_to(broker).session;
    const auto request = session.acknowledge(told.renewals, true);
    self->counters_->verdicts.add(verdicts_in(told.renewals));
    auto calling = link->call(request);
    auto got = co_await calling;
    const auto code = got ? errc_from_wire(got->message.error_code) : got.code();
    const auto why = got ? (code == errc::none ? error{} : error{code, "ShareAcknowledge"}) : got.error();
    std::map<place, error> single;
    if (!why) {
        session.answered(errc::none);
        if (got->message.acquisition_lock_timeout_ms > 0) self->lock_timeout_ = milliseconds{got->message.acquisition_lock_timeout_ms};
        for (const auto& topic : got->message.responses) {
            for (const auto& part : topic.partitions) {
                if (part.error_code != 0) single[{topic.topic_id, part.partition_index}] = error{errc_from_wire(part.error_code), part.error_message.value_or("")};
            }
        }
        const auto until = self->view_->loop().now() + self->lock_timeout_;
        for (const auto& part : told.renewing) {
            const auto which = told.renewals.find(part->where());
            if (which != told.renewals.end() && !single.contains(part->where())) part->renewed(which->second, until);
        }
    }
    self->report(told.renewals, told.topics, single, why);
    co_return why;
}

task<error> share_loop::acknowledge(self_ptr self, connection_ptr link, std::int32_t broker, const share_news& told, bool farewell) {  // NOLINT(performance-unnecessary-value-param)
    auto& session = self->link_to(broker).session;
    const auto request = farewell ? session.farewell(told.decided) : session.acknowledge(told.decided, false);
    self->counters_->verdicts.add(verdicts_in(told.decided));
    auto calling = link->call(request);
    auto got = co_await calling;
    const auto code = got ? errc_from_wire(got->message.error_code) : got.code();
    auto why = got ? (code == errc::none ? error{} : error{code, "ShareAcknowledge"}) : got.error();
    std::map<place, error> single;
    if (!why) {
        if (!farewell) session.answered(errc::none);
        for (auto& node : got->message.node_endpoints) self->view_->learn_broker(node.node_id, {node.host, static_cast<std::uint16_t>(node.port)});
        for (const auto& topic : got->message.responses) {
            for (const auto& part : topic.partitions) {
                if (part.error_code == 0) continue;
                const place where{topic.topic_id, part.partition_index};
                const auto name = told.topics.find(where);
                single[where] = self->part_trouble(where, name == told.topics.end() ? "" : name->second, errc_from_wire(part.error_code), part.current_leader.leader_id,
                                                   part.current_leader.leader_epoch);
            }
        }
    }
    self->report(told.decided, told.topics, single, why);
    co_return farewell ? error{} : why;
}

task<error> share_loop::fetch(self_ptr self, connection_ptr link, std::int32_t broker, const std::set<place>& wanted, const share_news& told) {  // NOLINT(performance-unnecessary-value-param)
    auto& state = self->link_to(broker);
    auto& session = state.session;
    bool troubled = false, lent = false;
    const bool fresh = !session.open();
    const auto request = session.fetch(wanted, told.decided, self->limits_);
    self->counters_->fetches.add();
    self->counters_->verdicts.add(verdicts_in(told.decided));
    const auto began = self->view_->loop().now();
    auto calling = link->call(request, protocol::share_fetch_request::max_version, self->max_wait_);
    auto got = co_await calling;
    const auto code = got ? errc_from_wire(got->message.error_code) : got.code();
    auto why = got ? (code == errc::none ? error{} : error{code, fmt::format("ShareFetch: {}", got->message.error_message.value_or(std::string{describe(code).condition}))}) : got.error();
    std::map<place, error> single;
    if (!why) {
        session.answered(errc::none);
        auto& counted = *self->counters_;
        counted.fetch_latency.record(static_cast<std::uint64_t>((self->view_->loop().now() - began) / std::chrono::microseconds{1}));
        if (fresh) counted.sessions.add();
        std::size_t bytes = 0;
        const auto owner = std::make_shared<net::answer<protocol::share_fetch_response>>(*std::move(got));
        const auto& answer = owner->message;
        if (answer.acquisition_lock_timeout_ms > 0) self->lock_timeout_ = milliseconds{answer.acquisition_lock_timeout_ms};
        for (const auto& node : answer.node_endpoints) self->view_->learn_broker(node.node_id, {node.host, static_cast<std::uint16_t>(node.port)});
        for (const auto& topic : answer.responses) {
            for (const auto& part : topic.partitions) {
                const place where{topic.topic_id, part.partition_index};
                const auto named = self->assigned_.find(where);
                const auto said = told.topics.find(where);
                const auto name = named != self->assigned_.end() ? named->second : said != told.topics.end() ? said->second : "";
                if (part.acknowledge_error_code != 0) {
                    single[where] = self->part_trouble(where, name, errc_from_wire(part.acknowledge_error_code), part.current_leader.leader_id, part.current_leader.leader_epoch);
                }
                if (part.error_code != 0) {
                    const auto trouble = self->part_trouble(where, name, errc_from_wire(part.error_code), part.current_leader.leader_id, part.current_leader.leader_epoch);
                    if (hopeless(trouble.code())) why = trouble;
                    troubled = true;
                }
                bytes += part.records.memory().size();
                if (part.acquired_records.empty() || name.empty()) continue;
                self->lend({broker, session.number()}, where, name, part, owner);
                lent = true;
            }
        }
        counted.bytes.add(bytes);
        counted.fetch_bytes.record(bytes);
        // Such answers come at once: nobody waits for records of a partition that is not there.
        if (troubled && !lent) state.not_before = self->view_->loop().now() + self->view_->retry().after(++state.failures, self->view_->random());
    }
    self->report(told.decided, told.topics, single, why);
    co_return why;
}

void share_loop::lend(const lender& from, const place& where, const std::string& topic, const protocol::share_fetch_response::partition_data& part, std::shared_ptr<const void> owner) {
    std::vector<acquired_range> ranges;
    for (const auto& each : part.acquired_records) {
        ranges.push_back({each.first_offset, each.last_offset, each.delivery_count});
        counters_->records.add(static_cast<std::uint64_t>(each.last_offset - each.first_offset + 1));
    }
    std::sort(ranges.begin(), ranges.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    const auto first = ranges.front().first;
    chunk content{part.records.memory(), std::move(owner), first, {}, chunk_settings{check_crcs_, false}};
    lent_.push_back(std::make_shared<lease_part>(ledger_, from, where, topic, std::move(content), std::move(ranges), view_->loop().now() + lock_timeout_));
}

error share_loop::part_trouble(const place& where, const std::string& topic, errc code, std::int32_t leader, std::int32_t epoch) {
    if (leader >= 0 && epoch >= 0 && !topic.empty()) view_->learn_leader(topic, where.second, leader, epoch);
    if (describe(code).refresh || describe(code).retriable) view_->refresh();
    return error{code, std::string{describe(code).condition}}.located(topic, where.second);
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
