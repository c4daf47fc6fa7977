#include "classic_membership.hpp"

#include "topic_lookup.hpp"

#include <weir/base/log.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace weir::detail {
namespace {

log::logger classic_membership_logs{"weir.client.group"};

error unknown_assignor(const std::vector<std::string>& names) {
    for (const auto& name : names) {
        if (find_assignor(name)) continue;
        return error{errc::invalid_setting, fmt::format("partition.assignment.strategy: '{}' is none of range, roundrobin, sticky, cooperative-sticky", name)};
    }
    if (names.empty()) return error{errc::invalid_setting, "partition.assignment.strategy is empty; it takes range, roundrobin, sticky, cooperative-sticky"};
    return {};
}

}  // namespace

classic_membership::classic_membership(std::shared_ptr<cluster> view, const membership_config& config, membership_events& events, std::uint64_t seed)
    : membership_driver(std::move(view), config, events), request_margin_(5'000), rebalance_timeout_(config.max_poll_interval),
      may_make_topics_(config.may_make_topics), exclude_internal_topics_(config.exclude_internal_topics), misconfigured_(unknown_assignor(config.assignors)), member_(config, this->view().retry(), seed), lane_(this->view().new_lane()) {
    this->view().watch(this, [this] { view_changed(); });
}

// --- the consumer's wishes

void classic_membership::subscribe(subscription to) {
    if (closed()) return;
    pattern_ = nullptr;
    were_there_.clear();
    auto problem = misconfigured_;
    if (!problem && !to.pattern.empty()) {
        auto compiled = compile_pattern(to.pattern);
        if (compiled) pattern_ = *std::move(compiled);
        else problem = compiled.error();
    }
    if (problem) {
        loop().post([self = self_as<classic_membership>(), problem] {
            if (!self->closed()) self->events()->failed(problem);
        });
        return;
    }
    if (pattern_) look_at(loop().now());  // joins once it is known what matches
    else member_.subscribe(std::move(to.topics));
    wake();
}

void classic_membership::polled() {
    member_.polled();
    wake();
}

void classic_membership::rejected(const group_identity& who, errc code) {
    member_.rejected(who, code);
    if (code == errc::not_coordinator || code == errc::coordinator_not_available) view().forget_coordinator(coordinator_kind::group, group());
    wake();
}

void classic_membership::rejoin(std::string reason) {
    member_.rejoin(reason);
    wake();
}

void classic_membership::begin_leave(farewell how) {
    pattern_ = nullptr;
    look_at_ = time_point::max();
    member_.leave(how);
}

void classic_membership::on_close() { view().drop_lane(lane_); }

// --- steps

void classic_membership::advance() {
    member_.tick(loop().now(), last_polled());
    for (auto effects = member_.take_effects(); !effects.empty(); effects = member_.take_effects()) {
        for (auto& each : effects) {
            if (closed()) return;
            std::visit([this](auto& next) { carry_out(next); }, each);
        }
    }
    if (closed()) return;
    if (!pattern_ && member_.watched_topics().empty()) look_at_ = time_point::max();
    else if (look_at_ == time_point::max()) look_at(loop().now() + view().metadata_max_age());
    if (look_at_ <= loop().now() && !std::exchange(looking_, true)) spawn(look(self_as<classic_membership>()));
}

time_point classic_membership::deadline() const {
    const auto next = member_.deadline(last_polled());
    return looking_ ? next : std::min(next, look_at_);
}

void classic_membership::carry_out(member_effect::join& next) { spawn(join(self_as<classic_membership>(), std::move(next))); }
void classic_membership::carry_out(member_effect::sync& next) { spawn(sync(self_as<classic_membership>(), std::move(next))); }
void classic_membership::carry_out(member_effect::heartbeat& next) { spawn(heartbeat(self_as<classic_membership>(), std::move(next))); }
void classic_membership::carry_out(member_effect::leave& next) { spawn(leave_group(self_as<classic_membership>(), std::move(next))); }
void classic_membership::carry_out(member_effect::describe_topics& next) { spawn(describe(self_as<classic_membership>(), std::move(next))); }
void classic_membership::carry_out(member_effect::drop_join&) { view().drop_lane(lane_); }
void classic_membership::carry_out(member_effect::forget_coordinator&) { view().forget_coordinator(coordinator_kind::group, group()); }
void classic_membership::carry_out(member_effect::assigned& next) { events()->assigned(std::move(next.added)); }
void classic_membership::carry_out(member_effect::revoke& next) {
    events()->revoke(std::move(next.going), [self = self_as<classic_membership>(), of = next.of] {
        self->member_.revoked(of);
        self->wake();
    });
}
void classic_membership::carry_out(member_effect::lost& next) { events()->lost(std::move(next.gone)); }
void classic_membership::carry_out(member_effect::failed& next) { events()->failed(std::move(next.why)); }
void classic_membership::carry_out(member_effect::left&) { has_left(); }

// --- requests

task<void> classic_membership::join(self_ptr self, member_effect::join next) {
    const auto patience = std::max(self->rebalance_timeout_ + self->request_margin_ - self->view().request_timeout(), milliseconds{0});
    auto asking = ask(self->shared_view(), self->group(), std::move(next.request), self->lane_, patience);
    auto answer = co_await asking;
    if (answer) self->member_.joined(next.of, *answer, self->loop().now());
    else self->member_.request_failed(next.of, answer.error(), self->loop().now());
    self->wake();
}

// Held back like a join, until the leader's assignment is there.
task<void> classic_membership::sync(self_ptr self, member_effect::sync next) {
    const auto patience = std::max(self->rebalance_timeout_ + self->request_margin_ - self->view().request_timeout(), milliseconds{0});
    auto asking = ask(self->shared_view(), self->group(), std::move(next.request), self->lane_, patience);
    auto answer = co_await asking;
    if (answer) self->member_.synced(next.of, *answer, self->loop().now());
    else self->member_.request_failed(next.of, answer.error(), self->loop().now());
    self->wake();
}

task<void> classic_membership::heartbeat(self_ptr self, member_effect::heartbeat next) {
    self->counters().heartbeats.add();
    auto asking = ask(self->shared_view(), self->group(), std::move(next.request), lane::shared);
    auto answer = co_await asking;
    const auto code = answer ? errc_from_wire(answer->error_code) : errc::none;
    // A rebalance because of a new topic: whoever knows of it too does not cause another one.
    if (code == errc::rebalance_in_progress && self->pattern_) {
        auto matching = match_pattern(self);
        auto matched = co_await matching;
        if (!matched) classic_membership_logs.debug(fmt::format("group {}: {}", self->group(), matched.error().message()));
    }
    if (answer) self->member_.heartbeat_answered(next.of, code, self->loop().now());
    else self->member_.request_failed(next.of, answer.error(), self->loop().now());
    self->wake();
}

// Before version 3 a request is about a single member, and has no list.
task<void> classic_membership::leave_group(self_ptr self, member_effect::leave next) {
    auto finding = cluster::coordinator(self->shared_view(), coordinator_kind::group, self->group());
    const auto link = co_await finding;
    if (link && (*link)->version_of(protocol::api_key::leave_group, 0, protocol::leave_group_request::max_version) < 3) {
        next.request.member_id = next.request.members.front().member_id;
        next.request.members.clear();
    }
    auto asking = ask(self->shared_view(), self->group(), std::move(next.request), lane::shared);
    auto answer = co_await asking;
    if (!answer) classic_membership_logs.info(fmt::format("group {}: {}", self->group(), answer.error().message()));
    self->member_.leave_ended(next.of);
    self->wake();
}

// --- topics

task<result<topic_map>> classic_membership::look_up(self_ptr self, std::vector<std::string> topics) {
    const bool may_make = self->may_make_topics_ && !self->pattern_;
    const auto missing = std::partition(topics.begin(), topics.end(), [&](const auto& name) { return !may_make || self->were_there_.contains(name); });
    std::vector<std::string> makeable{std::make_move_iterator(missing), std::make_move_iterator(topics.end())};
    topics.erase(missing, topics.end());
    topic_map all;
    for (int pass = 0; pass < 2; ++pass) {  // a request says of all its topics whether they may be made
        auto& names = pass == 0 ? topics : makeable;
        if (names.empty()) continue;
        auto asking = look_up_topics(self->shared_view(), std::move(names), pass == 1);
        auto found = co_await asking;
        if (!found) co_return found.error();
        for (const auto& [name, racks] : *found) self->were_there_.insert(name);
        all.merge(*found);
    }
    co_return all;
}

task<void> classic_membership::describe(self_ptr self, member_effect::describe_topics next) {
    auto asking = look_up(self, std::move(next.topics));
    auto found = co_await asking;
    if (found) {
        self->seen_.clear();
        for (const auto& [name, racks] : *found) self->seen_[name] = racks.size();
        const bool complete = found->size() == self->member_.watched_topics().size();
        self->misses_ = complete ? 0 : 1;
        self->look_at(self->loop().now() + (complete ? nanoseconds{self->view().metadata_max_age()} : self->view().retry().after(1, self->view().random())));
        self->member_.described(next.of, *std::move(found));
    } else {
        self->member_.request_failed(next.of, found.error(), self->loop().now());
    }
    self->wake();
}

task<result<void>> classic_membership::match_pattern(self_ptr self) {
    const auto pattern = self->pattern_;
    auto listing = list_topics(self->shared_view(), self->exclude_internal_topics_);
    auto names = co_await listing;
    if (!names) co_return names.error();
    if (self->closed() || self->pattern_ != pattern) co_return result<void>{};
    std::erase_if(*names, [&](const auto& name) { return !pattern->matches(name); });
    self->member_.subscribe(*std::move(names), pattern);
    co_return result<void>{};
}

task<void> classic_membership::look(self_ptr self) {
    self->look_at_ = time_point::max();
    bool missing = false;
    if (self->pattern_) {
        auto matching = match_pattern(self);
        auto matched = co_await matching;
        missing = !matched;
    }
    if (const auto& watched = self->member_.watched_topics(); !watched.empty() && !self->closed()) {
        const auto asked_for = watched.size();
        auto asking = look_up(self, {watched.begin(), watched.end()});
        auto found = co_await asking;
        missing |= !found || found->size() < asked_for;
        if (found) {
            for (const auto& [name, racks] : *found) self->seen_[name] = racks.size();
            self->member_.topics_are(*found);
        }
    }
    self->looking_ = false;
    self->misses_ = missing ? self->misses_ + 1 : 0;
    const auto pause = missing ? self->view().retry().after(self->misses_, self->view().random()) : nanoseconds{self->view().metadata_max_age()};
    self->look_at(self->loop().now() + pause);
    self->wake();
}

void classic_membership::look_at(time_point when) { look_at_ = std::min(look_at_, when); }

// The client's view sees some of the watched topics too, and maybe earlier.
void classic_membership::view_changed() {
    if (closed() || looking_ || member_.watched_topics().empty()) return;
    for (const auto& [name, partitions] : seen_) {
        const auto* known = view().find(name);
        if (!known || known->partitions.size() <= partitions) continue;
        look_at(loop().now());
        return wake();
    }
}

}  // namespace weir::detail
