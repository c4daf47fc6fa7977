#include "consumer_member.hpp"

#include <weir/base/log.hpp>
#include <weir/base/uuid.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace weir::detail {
namespace {

log::logger consumer_member_logs{"weir.client.group"};

template <class List, class Places>
void put(const Places& places, List& into) {
    for (const auto& [id, partition] : places) {
        if (into.empty() || into.back().topic_id != id) into.emplace_back().topic_id = id;
        into.back().partitions.push_back(partition);
    }
}

}  // namespace

consumer_member::consumer_member(membership_config config, net::backoff retry, std::uint64_t seed) : config_(std::move(config)), random_(seed), heartbeats_(retry, random_()) {
    identity_.group_id = config_.group_id;
    identity_.instance_id = config_.instance_id;
}

// --- wishes

void consumer_member::subscribe(subscription to) {
    std::sort(to.topics.begin(), to.topics.end());
    wish_changed_ = wish_changed_ || to.topics != wish_.topics || to.pattern != wish_.pattern;
    wish_ = std::move(to);
    subscribed_ = true;
    if (wish_changed_) heartbeats_.hurry(now_);
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
    heartbeats_.drop();
    has_left();
}

void consumer_member::rejected(const group_identity& who, errc code) {
    if (who.member_id != identity_.member_id || !in_group()) return;
    if (code == errc::unknown_member_id) return fenced("a commit was answered with UNKNOWN_MEMBER_ID");
    // An epoch behind the coordinator's is brought up to date by the next answer, or fenced by it.
    if (code == errc::stale_member_epoch || code == errc::fenced_member_epoch || code == errc::illegal_generation) heartbeats_.hurry(now_);
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
    consumer_member_logs.info(fmt::format("group {}: epoch {}, {} partitions", config_.group_id, identity_.generation, target.size()));
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
    heartbeats_.hurry(now_);
    if (complete) target_.reset();
}

void consumer_member::begin_revoke(std::set<place> going) {
    going_ = std::move(going);
    ++revocation_;
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
    heartbeats_.hurry(now_);
    reconcile();
}

// --- heartbeats

void consumer_member::send_heartbeat(std::uint64_t number, std::int32_t epoch) {
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
    effects_.push_back(consumer_effect::heartbeat{number, std::move(request)});
}

void consumer_member::answered(std::uint64_t of, const protocol::consumer_group_heartbeat_response& answer, time_point now) {
    now_ = now;
    const auto code = errc_from_wire(answer.error_code);
    const auto outcome = heartbeats_.answered(of, code, answer.member_epoch, milliseconds{answer.heartbeat_interval_ms}, now);
    if (outcome != heartbeat_outcome::accepted) return not_accepted(outcome, explained(code, answer.error_message.value_or("")));
    if (answer.member_id && !answer.member_id->empty()) identity_.member_id = *answer.member_id;
    identity_.generation = heartbeats_.epoch();
    if (owned_changed_ || wish_changed_) heartbeats_.hurry(now);
    if (answer.assignment) take_target(*answer.assignment);
}

void consumer_member::request_failed(std::uint64_t of, const error& why, time_point now) {
    now_ = now;
    not_accepted(heartbeats_.failed(of, why, now), why.code() == errc::unsupported_version ? explained(why.code(), std::string{why.what()}) : why);
}

void consumer_member::not_accepted(heartbeat_outcome outcome, const error& why) {
    switch (outcome) {
        case heartbeat_outcome::outdated:
        case heartbeat_outcome::accepted: return;
        case heartbeat_outcome::left: return has_left();
        case heartbeat_outcome::fenced: return fenced(fmt::format("the heartbeat was answered with {}", describe(why.code()).name));
        case heartbeat_outcome::refused: return fail(why);
        case heartbeat_outcome::retry_elsewhere: effects_.push_back(consumer_effect::forget_coordinator{}); break;
        case heartbeat_outcome::retry: break;
    }
    consumer_member_logs.info(fmt::format("group {}: {}", config_.group_id, why.message()));
    tell_all_ = true;
}

void consumer_member::tick(time_point now, time_point last_polled) {
    now_ = now;
    if (now >= give_up_at_) {
        effects_.push_back(consumer_effect::lost{named(going_)});
        after_revoke();
    }
    if (leaving_) {
        if (!revoking() && !heartbeats_.leaving()) {
            if (owned_.empty()) return send_leave();
            begin_revoke(owned_);
        }
    } else if (in_group() && last_polled + config_.max_poll_interval <= now) {
        consumer_member_logs.warn(fmt::format("group {}: left, for the application did not ask for records within {} ms (max.poll.interval.ms); make batches smaller (max.poll.records), or the interval longer",
                              config_.group_id, config_.max_poll_interval.count()));
        away_ = true;
        lose_all();
        return send_leave();
    }
    if (heartbeats_.out() && subscribed_ && !away_) {
        if (identity_.member_id.empty()) identity_.member_id = to_string(random_uuid(random_));  // the member's own choice (KIP-1082)
        tell_all_ = true;
        heartbeats_.join(now);
    }
    if (heartbeats_.due(now)) send_heartbeat(heartbeats_.send(), heartbeats_.epoch());
}

time_point consumer_member::deadline(time_point last_polled) const {
    auto next = std::min(give_up_at_, heartbeats_.deadline());
    if (heartbeats_.out() && subscribed_ && !away_) next = std::min(next, now_);
    if (in_group() && !leaving_ && last_polled < time_point::max() - config_.max_poll_interval) next = std::min(next, last_polled + config_.max_poll_interval);
    return next;
}

// --- leaving

// A static member says that it will be back: its partitions wait for it, until its session times out.
void consumer_member::send_leave() {
    const auto how = std::exchange(farewell_, farewell::standard);
    const bool is_static = !config_.instance_id.empty();
    const bool silent = how == farewell::remain_in_group && !is_static;
    target_.reset();
    identity_.generation = -1;
    if (silent || heartbeats_.out()) {
        heartbeats_.drop();
        return has_left();
    }
    send_heartbeat(heartbeats_.send_last(), is_static && how != farewell::leave_group ? -2 : -1);
}

void consumer_member::has_left() {
    identity_.generation = -1;
    if (std::exchange(leaving_, false)) effects_.push_back(consumer_effect::left{});
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
    consumer_member_logs.info(fmt::format("group {}: no member any more: {}", config_.group_id, reason));
    lose_all();
    identity_.generation = -1;
    heartbeats_.drop();
}

void consumer_member::fail(error why) {
    lose_all();
    identity_.generation = -1;
    heartbeats_.drop();
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
            default: return "";
        }
    }();
    return heartbeat_error("ConsumerGroupHeartbeat", config_.group_id, code, advice, text);
}

}  // namespace weir::detail
