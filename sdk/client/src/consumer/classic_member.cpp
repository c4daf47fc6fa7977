#include "classic_member.hpp"

#include <weir/base/log.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace weir::detail {
namespace {

log::logger classic_member_logs{"weir.client.group"};

}  // namespace

classic_member::classic_member(membership_config config, net::backoff retry, std::uint64_t seed) : config_(std::move(config)), retry_(retry), random_(seed) {
    for (const auto& name : config_.assignors) {
        if (const auto* how = find_assignor(name)) strategies_.push_back({how, std::nullopt});
    }
    cooperative_ = std::all_of(strategies_.begin(), strategies_.end(), [](const auto& each) { return each.how->cooperative; });
    identity_.group_id = config_.group_id;
    identity_.instance_id = config_.instance_id;
}

// --- wishes

void classic_member::subscribe(std::vector<std::string> topics, std::shared_ptr<const topic_pattern> pattern) {
    topics_ = {topics.begin(), topics.end()};
    pattern_ = std::move(pattern);
    if (!std::exchange(subscribed_, true)) ask_to_rejoin("first join");
    else if (topics_ != joined_topics_) ask_to_rejoin("subscription has changed");
}

void classic_member::polled() {
    if (std::exchange(away_, false)) ask_to_rejoin("the application polls again");
}

void classic_member::rejoin(std::string_view reason) { ask_to_rejoin(reason); }

void classic_member::leave(farewell how) {
    leaving_ = true;
    farewell_ = how;
    subscribed_ = false;
    away_ = false;
}

void classic_member::leave_at_once() {
    if (!leaving_) return;
    lose_all();
    send_leave("");
    std::erase_if(effects_, [](const auto& each) { return std::holds_alternative<member_effect::leave>(each); });
    leave_ended(asked_);
}

void classic_member::rejected(const group_identity& who, errc code) {
    if (who.member_id != identity_.member_id || who.generation != identity_.generation || identity_.generation < 0) return;
    switch (code) {
        case errc::unknown_member_id: return reset("a commit was answered with UNKNOWN_MEMBER_ID", false);
        case errc::illegal_generation: return reset("a commit was answered with ILLEGAL_GENERATION", true);
        case errc::fenced_instance_id: return fail(explained(code, "OffsetCommit", ""));
        case errc::rebalance_in_progress:
            if (phase_ == phase::stable) ask_to_rejoin("the group is rebalancing");
            return;
        default: return;
    }
}

void classic_member::ask_to_rejoin(std::string_view reason) {
    if (!rejoin_needed_) rejoin_reason_ = reason;
    rejoin_needed_ = true;
}

// --- revoking: the consumer takes its time, within limits

void classic_member::begin_revoke(std::vector<topic_partition> going, phase next) {
    phase_ = next;
    asked_ = ++last_ticket_;
    going_ = std::move(going);
    give_up_at_ = now_ + config_.max_poll_interval;
    effects_.push_back(member_effect::revoke{asked_, going_});
}

void classic_member::revoked(ticket of) {
    if (of == asked_ && !going_.empty()) after_revoke();
}

void classic_member::after_revoke() {
    for (const auto& each : std::exchange(going_, {})) owned_.erase(each);
    asked_ = 0;
    give_up_at_ = time_point::max();
    if (leaving_) return go_on();
    if (phase_ == phase::giving_up) return send_join();
    // Others wait for what was given up: only a further rebalance can hand it on.
    ask_to_rejoin("need to revoke partitions and re-join");
    owned_.insert(coming_.begin(), coming_.end());
    effects_.push_back(member_effect::assigned{std::exchange(coming_, {})});
    phase_ = phase::stable;
    go_on();
}

// --- staying

// The coordinator began to count before its answer came. A heartbeat at once, where there is something to lose: counted
// from when it was sent, the session ends here no later than there.
void classic_member::begin_session() {
    session_ends_ = now_ + config_.session_timeout;
    beat_at_ = phase_ == phase::syncing || !owned_.empty() ? now_ : now_ + config_.heartbeat_interval;
}

void classic_member::heartbeat_answered(ticket of, errc code, time_point now) {
    if (of != beating_) return;
    now_ = now;
    beating_ = 0;
    // The group has gone on to the generation that this member is joining: the join's answer tells.
    if (phase_ == phase::joining && code == errc::illegal_generation) return;
    if (code == errc::none || code == errc::rebalance_in_progress) {
        failures_ = 0;
        session_ends_ = beat_sent_ + config_.session_timeout;
        if (code == errc::rebalance_in_progress && phase_ == phase::stable) ask_to_rejoin("group is already rebalancing");
        return go_on();
    }
    trouble(code, "Heartbeat");
}

void classic_member::tick(time_point now, time_point last_polled) {
    now_ = now;
    if (now >= give_up_at_) {
        effects_.push_back(member_effect::lost{going_});
        after_revoke();
    }
    if (in_group() && !leaving_ && last_polled + config_.max_poll_interval <= now) {
        classic_member_logs.warn(fmt::format("group {}: left, for the application did not ask for records within {} ms (max.poll.interval.ms); make batches smaller (max.poll.records), or the interval longer",
                              config_.group_id, config_.max_poll_interval.count()));
        away_ = true;
        lose_all();
        send_leave("consumer poll timeout has expired.");
        return;
    }
    if (in_group() && now >= session_ends_) {
        effects_.push_back(member_effect::forget_coordinator{});
        reset(fmt::format("the coordinator did not answer within {} ms (session.timeout.ms)", config_.session_timeout.count()), true);
    }
    if (in_group() && beating_ == 0 && now >= beat_at_) {
        beating_ = ++last_ticket_;
        beat_sent_ = now;
        beat_at_ = now + config_.heartbeat_interval;
        protocol::heartbeat_request request;
        request.group_id = config_.group_id;
        request.generation_id = identity_.generation;
        request.member_id = identity_.member_id;
        if (!config_.instance_id.empty()) request.group_instance_id = config_.instance_id;
        effects_.push_back(member_effect::heartbeat{beating_, std::move(request)});
    }
    go_on();
}

time_point classic_member::deadline(time_point last_polled) const {
    auto next = give_up_at_;
    if (in_group()) {
        next = std::min(next, session_ends_);
        if (beating_ == 0) next = std::min(next, beat_at_);
        if (!leaving_ && last_polled < time_point::max() - config_.max_poll_interval) next = std::min(next, last_polled + config_.max_poll_interval);
    }
    if (may_join() && rejoin_needed_ && (phase_ == phase::out || phase_ == phase::stable)) next = std::min(next, retry_at_);
    return next;
}

// --- leaving

void classic_member::send_leave(std::string_view reason) {
    // A static member's place is kept, unless it is told otherwise.
    const auto how = std::exchange(farewell_, farewell::standard);
    const bool gives_up = how == farewell::leave_group || (how == farewell::standard && config_.instance_id.empty());
    const bool leave_word = gives_up && !identity_.member_id.empty();
    protocol::leave_group_request request;
    request.group_id = config_.group_id;
    auto& leaving = request.members.emplace_back();
    leaving.member_id = identity_.member_id;
    if (!config_.instance_id.empty()) leaving.group_instance_id = config_.instance_id;
    leaving.reason = std::string{reason};
    identity_.member_id.clear();
    identity_.generation = -1;
    watched_.clear();
    beating_ = 0;
    drop_join();
    phase_ = phase::leaving;
    asked_ = ++last_ticket_;
    const auto answered = asked_;
    if (leave_word) effects_.push_back(member_effect::leave{answered, std::move(request)});
    else leave_ended(answered);
}

void classic_member::leave_ended(ticket of) {
    if (of != asked_ || phase_ != phase::leaving) return;
    asked_ = 0;
    phase_ = phase::out;
    if (std::exchange(leaving_, false)) effects_.push_back(member_effect::left{});
    go_on();
}

// --- trouble

void classic_member::lose_all() {
    going_.clear();
    coming_.clear();
    give_up_at_ = time_point::max();
    if (!owned_.empty()) effects_.push_back(member_effect::lost{{owned_.begin(), owned_.end()}});
    owned_.clear();
}

void classic_member::drop_join() {
    if (std::exchange(join_out_, 0) != 0) effects_.push_back(member_effect::drop_join{});
}

void classic_member::reset(std::string_view reason, bool keep_id) {
    classic_member_logs.info(fmt::format("group {}: no member any more: {}", config_.group_id, reason));
    lose_all();
    drop_join();
    if (!keep_id) identity_.member_id.clear();
    identity_.generation = -1;
    asked_ = 0;
    beating_ = 0;
    watched_.clear();
    phase_ = phase::out;
    rejoin_needed_ = false;
    ask_to_rejoin(reason);
    go_on();
}

void classic_member::retry_later(const error& why, bool beat) {
    classic_member_logs.info(fmt::format("group {}: {}", config_.group_id, why.message()));
    const auto again_at = now_ + retry_.after(++failures_, random_);
    if (beat) {
        beat_at_ = std::min(beat_at_, again_at);
        return;
    }
    retry_at_ = again_at;
    asked_ = 0;
    phase_ = identity_.generation >= 0 ? phase::stable : phase::out;
    if (phase_ == phase::stable && owned_.empty()) session_ends_ = now_ + config_.session_timeout;
    ask_to_rejoin(fmt::format("rebalance failed due to {}", describe(why.code()).name));
}

void classic_member::request_failed(ticket of, const error& why, time_point now) {
    now_ = now;
    if (of == join_out_) join_out_ = 0;
    const bool beat = of == beating_;
    if (of == 0 || (!beat && of != asked_)) return;
    if (beat) beating_ = 0;
    if (phase_ == phase::leaving) return leave_ended(of);
    if (why.code() == errc::unsupported_version || why.permanent()) return fail(why);
    effects_.push_back(member_effect::forget_coordinator{});
    retry_later(why, beat);
    go_on();
}

void classic_member::trouble(errc code, std::string_view api) {
    const bool beat = api == "Heartbeat";
    switch (code) {
        case errc::unknown_member_id: return reset(fmt::format("{} was answered with UNKNOWN_MEMBER_ID", api), false);
        case errc::illegal_generation: return reset(fmt::format("{} was answered with ILLEGAL_GENERATION", api), true);
        case errc::not_coordinator:
        case errc::coordinator_not_available: effects_.push_back(member_effect::forget_coordinator{}); break;
        case errc::rebalance_in_progress: break;
        default:
            if (!describe(code).retriable) return fail(explained(code, api, ""));
    }
    retry_later(explained(code, api, ""), beat);
    go_on();
}

void classic_member::fail(error why) {
    lose_all();
    drop_join();
    identity_.member_id.clear();
    identity_.generation = -1;
    watched_.clear();
    asked_ = 0;
    beating_ = 0;
    phase_ = phase::out;
    subscribed_ = false;
    if (std::exchange(leaving_, false)) effects_.push_back(member_effect::left{});
    else effects_.push_back(member_effect::failed{std::move(why)});
}

error classic_member::explained(errc code, std::string_view api, const std::string& detail) const {
    const auto advice = [&]() -> std::string {
        switch (code) {
            case errc::inconsistent_group_protocol:
                return "its members share no assignor with this one, or are no consumers; give all of them one in common (partition.assignment.strategy), or use another group.id";
            case errc::fenced_instance_id:
                return fmt::format("another member runs with group.instance.id={}; give each its own", config_.instance_id);
            case errc::invalid_session_timeout:
                return fmt::format("session.timeout.ms={} is outside what the broker allows (group.min.session.timeout.ms, group.max.session.timeout.ms)", config_.session_timeout.count());
            case errc::group_max_size_reached: return "it has as many members as the broker allows (group.max.size)";
            case errc::group_authorization_failed: return "the principal may not read it; it needs READ on the group";
            case errc::invalid_group_id: return "no group may have this id";
            default: return std::string{describe(code).condition};
        }
    }();
    return error{code, fmt::format("{} of group {}: {}{}{}", api, config_.group_id, advice, detail.empty() ? "" : "; ", detail)};
}

}  // namespace weir::detail
