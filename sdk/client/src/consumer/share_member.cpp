#include "share_member.hpp"

#include <weir/base/log.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace weir::detail {
namespace {
log::logger logs{"weir.client.share"};
constexpr std::int32_t join_epoch = 0;
constexpr std::int32_t leave_epoch = -1;
}  // namespace

share_member::share_member(std::string group_id, std::string member_id, std::string rack, milliseconds max_poll_interval, net::backoff retry, std::uint64_t seed)
    : group_id_(std::move(group_id)), member_id_(std::move(member_id)), rack_(std::move(rack)), max_poll_interval_(max_poll_interval), retry_(retry), random_(seed) {}

void share_member::subscribe(std::vector<std::string> topics) {
    std::sort(topics.begin(), topics.end());
    wish_changed_ = wish_changed_ || topics != topics_;
    topics_ = std::move(topics);
    subscribed_ = true;
    if (phase_ == phase::member && wish_changed_) beat_at_ = now_;
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

void share_member::send_heartbeat(std::int32_t epoch) {
    beating_ = ++last_ticket_;
    protocol::share_group_heartbeat_request request;
    request.group_id = group_id_;
    request.member_id = member_id_;
    request.member_epoch = epoch;
    if (epoch != leave_epoch && tell_all_ && !rack_.empty()) request.rack_id = rack_;
    if (epoch != leave_epoch && (tell_all_ || wish_changed_)) request.subscribed_topic_names = topics_;
    if (epoch != leave_epoch) tell_all_ = wish_changed_ = false;
    effects_.push_back(share_effect::heartbeat{beating_, std::move(request)});
}

void share_member::answered(std::uint64_t of, const protocol::share_group_heartbeat_response& answer, time_point now) {
    if (of != beating_) return;
    now_ = now;
    beating_ = 0;
    if (phase_ == phase::leaving) return ended();
    const auto code = errc_from_wire(answer.error_code);
    if (code == errc::fenced_member_epoch || code == errc::unknown_member_id) {
        logs.info(fmt::format("share group {}: joins again: {}", group_id_, describe(code).name));
        lose_all();
        phase_ = phase::out;
        beat_at_ = now;
        return;
    }
    if (code != errc::none) {
        auto why = explained(code, answer.error_message.value_or(""));
        if (code == errc::not_coordinator || code == errc::coordinator_not_available) effects_.push_back(share_effect::forget_coordinator{});
        else if (!describe(code).retriable) return fail(std::move(why));
        return retry_later(why);
    }
    failures_ = 0;
    phase_ = phase::member;
    epoch_ = answer.member_epoch;
    if (answer.heartbeat_interval_ms > 0) interval_ = milliseconds{answer.heartbeat_interval_ms};
    beat_at_ = wish_changed_ ? now : now + interval_;
    if (!answer.assignment) return;
    target_.clear();
    for (const auto& topic : answer.assignment->topic_partitions) {
        for (const auto partition : topic.partitions) target_.insert({topic.topic_id, partition});
    }
    if (auto ids = nameless(); !ids.empty()) effects_.push_back(share_effect::find_names{std::move(ids)});
    tell_assignment();
}

void share_member::request_failed(std::uint64_t of, const error& why, time_point now) {
    if (of != beating_) return;
    now_ = now;
    beating_ = 0;
    if (phase_ == phase::leaving) return ended();
    if (why.code() == errc::unsupported_version) return fail(explained(why.code(), std::string{why.what()}));
    if (why.permanent()) return fail(why);
    effects_.push_back(share_effect::forget_coordinator{});
    retry_later(why);
}

void share_member::tick(time_point now, time_point last_polled) {
    now_ = now;
    if (leaving_) {
        if (phase_ == phase::leaving) return;
        if (phase_ == phase::out) return ended();
        phase_ = phase::leaving;
        return send_heartbeat(leave_epoch);
    }
    const bool silent = last_polled + max_poll_interval_ <= now;
    if (phase_ == phase::member && silent) {
        logs.warn(fmt::format("share group {}: left, for the application did not ask for records within {} ms (max.poll.interval.ms)", group_id_, max_poll_interval_.count()));
        away_ = true;
        lose_all();
        phase_ = phase::leaving;
        return send_heartbeat(leave_epoch);
    }
    if (!silent) away_ = false;
    if (phase_ == phase::out && subscribed_ && !away_) {
        phase_ = phase::joining;
        tell_all_ = true;
        beat_at_ = beat_at_ == time_point::max() ? now : beat_at_;
    }
    if (beating_ == 0 && now >= beat_at_ && (phase_ == phase::joining || phase_ == phase::member)) {
        beat_at_ = time_point::max();
        send_heartbeat(phase_ == phase::joining ? join_epoch : epoch_);
    }
}

time_point share_member::deadline(time_point last_polled) const {
    auto next = time_point::max();
    if (beating_ == 0 && (phase_ == phase::joining || phase_ == phase::member)) next = beat_at_;
    if (phase_ == phase::out && subscribed_ && !away_) next = now_;
    if (phase_ == phase::member && !leaving_ && last_polled < time_point::max() - max_poll_interval_) next = std::min(next, last_polled + max_poll_interval_);
    return next;
}

void share_member::ended() {
    phase_ = phase::out;
    beat_at_ = time_point::max();
    if (std::exchange(leaving_, false)) effects_.push_back(share_effect::left{});
}

void share_member::retry_later(const error& why) {
    logs.info(fmt::format("share group {}: {}", group_id_, why.message()));
    tell_all_ = true;
    beat_at_ = now_ + retry_.after(++failures_, random_);
}

void share_member::fail(error why) {
    lose_all();
    phase_ = phase::out;
    subscribed_ = false;
    beat_at_ = time_point::max();
    effects_.push_back(share_effect::failed{std::move(why)});
}

error share_member::explained(errc code, const std::string& text) const {
    const auto advice = [&]() -> std::string {
        switch (code) {
            case errc::unsupported_version: return "the cluster does not offer share groups (Kafka 4.2 or newer does; its feature share.version must be 1)";
            case errc::group_authorization_failed: return "the principal may not read it; it needs READ on the group";
            case errc::topic_authorization_failed: return "the principal may not see all its topics; it needs DESCRIBE on them";
            case errc::group_max_size_reached: return "it has as many members as the broker allows (group.share.max.size)";
            default: return std::string{describe(code).condition};
        }
    }();
    return error{code, fmt::format("ShareGroupHeartbeat of group {}: {}{}{}", group_id_, advice, text.empty() ? "" : "; the coordinator says: ", text)};
}

}  // namespace weir::detail
