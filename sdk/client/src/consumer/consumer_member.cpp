#include "consumer_member.hpp"

#include <weir/base/log.hpp>
#include <weir/base/uuid.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace weir::detail {
namespace {

log::logger logs{"weir.client.group"};

template <class List, class Places>
void put(const Places& places, List& into) {
    for (const auto& [id, partition] : places) {
        if (into.empty() || into.back().topic_id != id) into.emplace_back().topic_id = id;
        into.back().partitions.push_back(partition);
    }
}

}  // namespace

consumer_member::consumer_member(membership_config config, net::backoff retry, std::uint64_t seed) : config_(std::move(config)), retry_(retry), random_(seed) {
    identity_.group_id = config_.group_id;
    identity_.instance_id = config_.instance_id;
}

// --- wishes

void consumer_member::subscribe(subscription to) {
    std::sort(to.topics.begin(), to.topics.end());
    wish_changed_ = wish_changed_ || to.topics != wish_.topics || to.pattern != wish_.pattern;
    wish_ = std::move(to);
    subscribed_ = true;
    if (phase_ == phase::member && wish_changed_) beat_at_ = now_;
}

void consumer_member::polled() { away_ = false; }

void consumer_member::leave(farewell how) {
    leaving_ = true;
    farewell_ = how;
    subscribed_ = false;
    away_ = false;
}

void consumer_member::leave_at_once() {
    if (!leaving_) return;
    lose_all();
    identity_.generation = -1;
    beating_ = 0;
    phase_ = phase::out;
    leaving_ = false;
    effects_.push_back(consumer_effect::left{});
}

void consumer_member::rejected(const group_identity& who, errc code) {
    if (who.member_id != identity_.member_id || !in_group()) return;
    if (code == errc::unknown_member_id) return fenced("a commit was answered with UNKNOWN_MEMBER_ID");
    // An epoch behind the coordinator's is brought up to date by the next answer, or fenced by it.
    if (code == errc::stale_member_epoch || code == errc::fenced_member_epoch || code == errc::illegal_generation) beat_at_ = now_;
    if (code == errc::fenced_instance_id) fail(explained(code, ""));
}

// --- reconciliation: give up first, then take, then say so

std::vector<topic_partition> consumer_member::named(const std::set<place>& places) const {
    std::vector<topic_partition> list;
    for (const auto& [id, partition] : places) list.push_back({names_.at(id), partition});
    std::sort(list.begin(), list.end());
    return list;
}

std::vector<uuid> consumer_member::nameless() const {
    std::vector<uuid> ids;
    if (!target_) return ids;
    for (const auto& [id, partition] : *target_) {
        if (!names_.contains(id) && (ids.empty() || ids.back() != id)) ids.push_back(id);
    }
    return ids;
}

void consumer_member::names_are(const std::map<uuid, std::string>& names) {
    names_.insert(names.begin(), names.end());
    reconcile();
}

void consumer_member::take_target(const protocol::consumer_group_heartbeat_response::assignment_data& assignment) {
    std::set<place> target;
    for (const auto& topic : assignment.topic_partitions) {
        for (const auto partition : topic.partitions) target.insert({topic.topic_id, partition});
    }
    logs.info(fmt::format("group {}: epoch {}, {} partitions", config_.group_id, identity_.generation, target.size()));
    target_ = std::move(target);
    if (auto ids = nameless(); !ids.empty()) effects_.push_back(consumer_effect::find_names{std::move(ids)});
    reconcile();
}

void consumer_member::reconcile() {
    if (!target_ || revoking() || leaving_ || !in_group()) return;
    std::set<place> going, coming;
    std::set_difference(owned_.begin(), owned_.end(), target_->begin(), target_->end(), std::inserter(going, going.end()));
    if (!going.empty()) return begin_revoke(std::move(going));
    for (const auto& each : *target_) {
        if (!owned_.contains(each) && names_.contains(each.first)) coming.insert(each);
    }
    owned_.insert(coming.begin(), coming.end());
    const bool complete = owned_.size() == target_->size();
    if (!complete && coming.empty()) return;  // names come later
    effects_.push_back(consumer_effect::assigned{named(coming)});
    owned_changed_ = true;
    beat_at_ = now_;
    if (complete) target_.reset();
}

void consumer_member::begin_revoke(std::set<place> going) {
    going_ = std::move(going);
    revocation_ = ++last_ticket_;
    give_up_at_ = now_ + config_.max_poll_interval;
    effects_.push_back(consumer_effect::revoke{revocation_, named(going_)});
}

void consumer_member::revoked(std::uint64_t of) {
    if (of == revocation_ && revoking()) after_revoke();
}

void consumer_member::after_revoke() {
    for (const auto& each : std::exchange(going_, {})) owned_.erase(each);
    give_up_at_ = time_point::max();
    owned_changed_ = true;  // others wait for it
    beat_at_ = now_;
    reconcile();
}

// --- heartbeats

void consumer_member::send_heartbeat(std::int32_t epoch) {
    beating_ = ++last_ticket_;
    protocol::consumer_group_heartbeat_request request;
    request.group_id = config_.group_id;
    request.member_id = identity_.member_id;
    request.member_epoch = epoch;
    if (!config_.instance_id.empty()) request.instance_id = config_.instance_id;
    const bool all = tell_all_ && epoch >= 0;
    if (all) {
        if (!config_.rack.empty()) request.rack_id = config_.rack;
        request.rebalance_timeout_ms = static_cast<std::int32_t>(config_.max_poll_interval.count());
        if (!config_.remote_assignor.empty()) request.server_assignor = config_.remote_assignor;
    }
    if ((all || wish_changed_) && epoch >= 0) {
        request.subscribed_topic_names = wish_.topics;
        if (!wish_.pattern.empty() || pattern_told_) request.subscribed_topic_regex = wish_.pattern;
        pattern_told_ = !wish_.pattern.empty();
        wish_changed_ = false;
    }
    if ((all || owned_changed_) && epoch >= 0) {
        put(owned_, request.topic_partitions.emplace());
        owned_changed_ = false;
    }
    if (all) tell_all_ = false;
    effects_.push_back(consumer_effect::heartbeat{beating_, std::move(request)});
}

void consumer_member::answered(std::uint64_t of, const protocol::consumer_group_heartbeat_response& answer, time_point now) {
    if (of != beating_) return;
    now_ = now;
    beating_ = 0;
    if (phase_ == phase::leaving) {
        phase_ = phase::out;
        if (std::exchange(leaving_, false)) effects_.push_back(consumer_effect::left{});
        return;
    }
    if (const auto code = errc_from_wire(answer.error_code); code != errc::none) return trouble(code, answer.error_message.value_or(""));
    failures_ = 0;
    if (answer.member_id && !answer.member_id->empty()) identity_.member_id = *answer.member_id;
    identity_.generation = answer.member_epoch;
    phase_ = phase::member;
    if (answer.heartbeat_interval_ms > 0) interval_ = milliseconds{answer.heartbeat_interval_ms};
    beat_at_ = owned_changed_ || wish_changed_ ? now : now + interval_;
    if (answer.assignment) take_target(*answer.assignment);
}

void consumer_member::tick(time_point now, time_point last_polled) {
    now_ = now;
    if (now >= give_up_at_) {
        effects_.push_back(consumer_effect::lost{named(going_)});
        after_revoke();
    }
    if (leaving_) {
        if (!revoking() && phase_ != phase::leaving) {
            if (owned_.empty()) return send_leave();
            begin_revoke(owned_);
        }
    } else if (in_group() && last_polled + config_.max_poll_interval <= now) {
        logs.warn(fmt::format("group {}: left, for the application did not ask for records within {} ms (max.poll.interval.ms); make batches smaller (max.poll.records), or the interval longer",
                              config_.group_id, config_.max_poll_interval.count()));
        away_ = true;
        lose_all();
        return send_leave();
    }
    if (phase_ == phase::out && subscribed_ && !away_) {
        if (identity_.member_id.empty()) identity_.member_id = to_string(random_uuid(random_));  // the member's own choice (KIP-1082)
        phase_ = phase::joining;
        tell_all_ = true;
        beat_at_ = std::max(now, beat_at_ == time_point::max() ? now : beat_at_);
    }
    if (beating_ == 0 && now >= beat_at_ && (phase_ == phase::joining || phase_ == phase::member)) {
        beat_at_ = time_point::max();
        send_heartbeat(phase_ == phase::joining ? 0 : identity_.generation);
    }
}

time_point consumer_member::deadline(time_point last_polled) const {
    auto next = give_up_at_;
    if (beating_ == 0 && (phase_ == phase::joining || phase_ == phase::member)) next = std::min(next, beat_at_);
    if (phase_ == phase::out && subscribed_ && !away_) next = std::min(next, now_);
    if (in_group() && !leaving_ && last_polled < time_point::max() - config_.max_poll_interval) next = std::min(next, last_polled + config_.max_poll_interval);
    return next;
}

// --- leaving

// A static member says that it will be back: its partitions wait for it, until its session times out.
void consumer_member::send_leave() {
    const auto how = std::exchange(farewell_, farewell::standard);
    const bool is_static = !config_.instance_id.empty();
    target_.reset();
    beat_at_ = time_point::max();
    const bool silent = how == farewell::remain_in_group && !is_static;
    if (silent || (!in_group() && phase_ != phase::joining)) {
        if (silent) beating_ = 0;
        identity_.generation = -1;
        phase_ = phase::out;
        if (std::exchange(leaving_, false)) effects_.push_back(consumer_effect::left{});
        return;
    }
    phase_ = phase::leaving;
    send_heartbeat(is_static && how != farewell::leave_group ? -2 : -1);
    identity_.generation = -1;
}

// --- trouble

void consumer_member::lose_all() {
    going_.clear();
    target_.reset();
    give_up_at_ = time_point::max();
    if (!owned_.empty()) effects_.push_back(consumer_effect::lost{named(owned_)});
    owned_.clear();
}

void consumer_member::fenced(std::string_view reason) {
    logs.info(fmt::format("group {}: no member any more: {}", config_.group_id, reason));
    lose_all();
    identity_.generation = -1;
    beating_ = 0;
    phase_ = phase::out;
    beat_at_ = now_;
}

void consumer_member::retry_later(const error& why) {
    logs.info(fmt::format("group {}: {}", config_.group_id, why.message()));
    tell_all_ = true;
    beat_at_ = now_ + retry_.after(++failures_, random_);
}

void consumer_member::request_failed(std::uint64_t of, const error& why, time_point now) {
    if (of != beating_) return;
    now_ = now;
    beating_ = 0;
    if (phase_ == phase::leaving) {
        phase_ = phase::out;
        if (std::exchange(leaving_, false)) effects_.push_back(consumer_effect::left{});
        return;
    }
    if (why.code() == errc::unsupported_version) return fail(explained(why.code(), std::string{why.what()}));
    if (why.permanent()) return fail(why);
    effects_.push_back(consumer_effect::forget_coordinator{});
    retry_later(why);
}

void consumer_member::trouble(errc code, const std::string& text) {
    switch (code) {
        case errc::fenced_member_epoch: return fenced("the heartbeat was answered with FENCED_MEMBER_EPOCH");
        case errc::unknown_member_id: return fenced("the heartbeat was answered with UNKNOWN_MEMBER_ID");
        case errc::not_coordinator:
        case errc::coordinator_not_available: effects_.push_back(consumer_effect::forget_coordinator{}); break;
        case errc::unreleased_instance_id: return fail(explained(code, text));
        default:
            if (!describe(code).retriable) return fail(explained(code, text));
    }
    retry_later(explained(code, text));
}

void consumer_member::fail(error why) {
    lose_all();
    identity_.generation = -1;
    beating_ = 0;
    beat_at_ = time_point::max();
    phase_ = phase::out;
    subscribed_ = false;
    if (std::exchange(leaving_, false)) effects_.push_back(consumer_effect::left{});
    else effects_.push_back(consumer_effect::failed{std::move(why)});
}

error consumer_member::explained(errc code, const std::string& text) const {
    const auto advice = [&]() -> std::string {
        switch (code) {
            case errc::unsupported_version:
                return wish_.pattern.empty() ? "the cluster does not offer the consumer protocol (Kafka 4.0 or newer does, or its feature group.version is 0); use group.protocol=classic"
                                             : "the cluster does not match topic patterns for consumers; use group.protocol=classic, or name the topics";
            case errc::unreleased_instance_id:
            case errc::fenced_instance_id: return fmt::format("another member runs with group.instance.id={}; give each its own", config_.instance_id);
            case errc::unsupported_assignor: return fmt::format("the cluster has no assignor '{}' (group.remote.assignor; group.consumer.assignors of the brokers)", config_.remote_assignor);
            case errc::invalid_regular_expression: return fmt::format("the cluster does not understand the topic pattern '{}'; its syntax is RE2's", wish_.pattern);
            case errc::group_max_size_reached: return "it has as many members as the broker allows (group.consumer.max.size)";
            case errc::group_authorization_failed: return "the principal may not read it; it needs READ on the group";
            default: return std::string{describe(code).condition};
        }
    }();
    return error{code, fmt::format("ConsumerGroupHeartbeat of group {}: {}{}{}", config_.group_id, advice, text.empty() ? "" : "; the coordinator says: ", text)};
}

}  // namespace weir::detail
