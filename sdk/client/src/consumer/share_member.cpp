#include "share_member.hpp"

#include <weir/base/log.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace weir::detail {
namespace {
log::logger share_member_logs{"weir.client.share"};
constexpr std::int32_t leave_epoch = -1;
}  // namespace

share_member::share_member(std::string group_id, std::string member_id, std::string rack, milliseconds max_poll_interval, net::backoff retry, std::uint64_t seed)
    : group_id_(std::move(group_id)), member_id_(std::move(member_id)), rack_(std::move(rack)), max_poll_interval_(max_poll_interval), heartbeats_(retry, seed) {}

void share_member::subscribe(std::vector<std::string> topics) {
    std::sort(topics.begin(), topics.end());
    wish_changed_ = wish_changed_ || topics != topics_;
    topics_ = std::move(topics);
    subscribed_ = true;
    if (wish_changed_) heartbeats_.hurry(now_);
}

void share_member::leave() {
    leaving_ = true;
    subscribed_ = false;
    lose_all();
}

std::vector<uuid> share_member::nameless() const {
    std::vector<uuid> ids;
    for (const auto& [id, partition] : target_) {
        if (!names_.contains(id) && (ids.empty() || ids.back() != id)) ids.push_back(id);
    }
    return ids;
}

void share_member::names_are(const std::map<uuid, std::string>& names) {
    names_.insert(names.begin(), names.end());
    if (told_ < target_.size()) tell_assignment();
}

void share_member::tell_assignment() {
    std::map<place, std::string> places;
    for (const auto& each : target_) {
        if (const auto name = names_.find(each.first); name != names_.end()) places.emplace(each, name->second);
    }
    told_ = places.size();
    effects_.push_back(share_effect::assigned{std::move(places)});
}

void share_member::lose_all() {
    if (std::exchange(target_, {}).empty()) return;
    tell_assignment();
}

void share_member::send_heartbeat(std::uint64_t number, std::int32_t epoch) {
    protocol::share_group_heartbeat_request request;
    request.group_id = group_id_;
    request.member_id = member_id_;
    request.member_epoch = epoch;
    if (epoch != leave_epoch && tell_all_ && !rack_.empty()) request.rack_id = rack_;
    if (epoch != leave_epoch && (tell_all_ || wish_changed_)) request.subscribed_topic_names = topics_;
    if (epoch != leave_epoch) tell_all_ = wish_changed_ = false;
    effects_.push_back(share_effect::heartbeat{number, std::move(request)});
}

void share_member::answered(std::uint64_t of, const protocol::share_group_heartbeat_response& answer, time_point now) {
    now_ = now;
    const auto code = errc_from_wire(answer.error_code);
    const auto outcome = heartbeats_.answered(of, code, answer.member_epoch, milliseconds{answer.heartbeat_interval_ms}, now);
    if (outcome != heartbeat_outcome::accepted) return not_accepted(outcome, explained(code, answer.error_message.value_or("")));
    if (wish_changed_) heartbeats_.hurry(now);
    if (!answer.assignment) return;
    target_.clear();
    for (const auto& topic : answer.assignment->topic_partitions) {
        for (const auto partition : topic.partitions) target_.insert({topic.topic_id, partition});
    }
    if (auto ids = nameless(); !ids.empty()) effects_.push_back(share_effect::find_names{std::move(ids)});
    tell_assignment();
}

void share_member::request_failed(std::uint64_t of, const error& why, time_point now) {
    now_ = now;
    not_accepted(heartbeats_.failed(of, why, now), why.code() == errc::unsupported_version ? explained(why.code(), std::string{why.what()}) : why);
}

void share_member::not_accepted(heartbeat_outcome outcome, const error& why) {
    switch (outcome) {
        case heartbeat_outcome::outdated:
        case heartbeat_outcome::accepted: return;
        case heartbeat_outcome::left: return has_left();
        case heartbeat_outcome::fenced:
            share_member_logs.info(fmt::format("share group {}: joins again: {}", group_id_, describe(why.code()).name));
            return lose_all();
        case heartbeat_outcome::refused: return fail(why);
        case heartbeat_outcome::retry_elsewhere: effects_.push_back(share_effect::forget_coordinator{}); break;
        case heartbeat_outcome::retry: break;
    }
    share_member_logs.info(fmt::format("share group {}: {}", group_id_, why.message()));
    tell_all_ = true;
}

void share_member::tick(time_point now, time_point last_polled) {
    now_ = now;
    if (leaving_) {
        if (heartbeats_.leaving()) return;
        if (heartbeats_.out()) return has_left();
        return send_heartbeat(heartbeats_.send_last(), leave_epoch);
    }
    const bool silent = last_polled + max_poll_interval_ <= now;
    if (heartbeats_.member() && silent) {
        share_member_logs.warn(fmt::format("share group {}: left, for the application did not ask for records within {} ms (max.poll.interval.ms)", group_id_, max_poll_interval_.count()));
        away_ = true;
        lose_all();
        return send_heartbeat(heartbeats_.send_last(), leave_epoch);
    }
    if (!silent) away_ = false;
    if (heartbeats_.out() && subscribed_ && !away_) {
        tell_all_ = true;
        heartbeats_.join(now);
    }
    if (heartbeats_.due(now)) send_heartbeat(heartbeats_.send(), heartbeats_.epoch());
}

time_point share_member::deadline(time_point last_polled) const {
    auto next = heartbeats_.deadline();
    if (heartbeats_.out() && subscribed_ && !away_) next = now_;
    if (heartbeats_.member() && !leaving_ && last_polled < time_point::max() - max_poll_interval_) next = std::min(next, last_polled + max_poll_interval_);
    return next;
}

void share_member::has_left() {
    if (std::exchange(leaving_, false)) effects_.push_back(share_effect::left{});
}

void share_member::fail(error why) {
    lose_all();
    subscribed_ = false;
    effects_.push_back(share_effect::failed{std::move(why)});
}

error share_member::explained(errc code, const std::string& text) const {
    const auto advice = [&]() -> std::string_view {
        switch (code) {
            case errc::unsupported_version: return "the cluster does not offer share groups (Kafka 4.2 or newer does; its feature share.version must be 1)";
            case errc::topic_authorization_failed: return "the principal may not see all its topics; it needs DESCRIBE on them";
            case errc::group_max_size_reached: return "it has as many members as the broker allows (group.share.max.size)";
            default: return "";
        }
    }();
    return heartbeat_error("ShareGroupHeartbeat", group_id_, code, advice, text);
}

}  // namespace weir::detail
