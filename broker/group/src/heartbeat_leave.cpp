// Heartbeat (key 12), v0-v4. v3: static members (KIP-345).
// LeaveGroup (key 13), v0-v5. v3: several members at once, by instance id too (KIP-345). v5: a reason (KIP-800).
#include "classic_requests.hpp"

#include <weir/base/log.hpp>

#include <fmt/format.h>

namespace weir::group {

namespace {

log::logger heartbeat_leave_logs{"weir.group.classic"};

constexpr std::int16_t leave_has_members = 3;

errc beat(shard_state& shard, const protocol::heartbeat_request& request, instant now) {
    if (request.group_id.empty()) return errc::invalid_group_id;
    auto* group = shard.find(request.group_id);
    if (!group) return errc::unknown_member_id;
    if (const auto wrong = group->check_member(request.member_id, request.group_instance_id); wrong != errc::none)
        return wrong;
    if (request.generation_id != group->generation) return errc::illegal_generation;
    if (group->state == group_state::empty) return errc::unknown_member_id;
    std::vector<record> none;
    rebalancer{shard, none, now}.reset_session(*group, *group->find(request.member_id));
    return group->state == group_state::preparing_rebalance ? errc::rebalance_in_progress : errc::none;
}

errc leave(rebalancer& rebalance, classic_group& group, const std::string& member_id,
           const std::optional<std::string>& instance_id, const std::optional<std::string>& reason) {
    std::string leaving = member_id;
    if (member_id.empty()) {
        // An administrator removes a static member without knowing its member id.
        const auto mapped = instance_id ? group.static_members.find(*instance_id) : group.static_members.end();
        if (mapped == group.static_members.end()) return errc::unknown_member_id;
        leaving = mapped->second;
    } else if (group.pending_members.contains(member_id)) {
        rebalance.remove_pending(group, member_id);
        return errc::none;
    } else if (const auto wrong = group.check_member(member_id, instance_id); wrong != errc::none) {
        return wrong;
    }
    if (heartbeat_leave_logs.enabled(log::level::debug))
        heartbeat_leave_logs.debug(
            fmt::format("group {}: member {} leaves; reason: {}", group.id, leaving, reason.value_or("none given")));
    rebalance.remove_member(group, leaving, errc::unknown_member_id);
    return errc::none;
}

}  // namespace

decision<protocol::heartbeat_response> heartbeat(shard_state& shard, const protocol::heartbeat_request& request,
                                                 instant now) {
    decision<protocol::heartbeat_response> out;
    out.response.emplace().error_code = wire_code(beat(shard, request, now));
    return out;
}

decision<protocol::leave_group_response> leave_group(shard_state& shard, const request_context& context,
                                                     const protocol::leave_group_request& request, instant now) {
    decision<protocol::leave_group_response> out;
    auto& response = out.response.emplace();
    if (request.group_id.empty()) {
        response.error_code = wire_code(errc::invalid_group_id);
        return out;
    }
    rebalancer rebalance{shard, out.records, now};
    auto* group = shard.find(request.group_id);
    bool anyone = false;
    const auto leave_one = [&](const std::string& member_id, const std::optional<std::string>& instance_id,
                               const std::optional<std::string>& reason) {
        const auto outcome = group ? leave(rebalance, *group, member_id, instance_id, reason) : errc::unknown_member_id;
        anyone = anyone || outcome == errc::none;
        return outcome;
    };
    if (context.api_version < leave_has_members) {
        response.error_code = wire_code(leave_one(request.member_id, std::nullopt, std::nullopt));
    } else {
        for (const auto& identity : request.members) {
            auto& answered = response.members.emplace_back();
            answered.member_id = identity.member_id;
            answered.group_instance_id = identity.group_instance_id;
            answered.error_code = wire_code(leave_one(identity.member_id, identity.group_instance_id, identity.reason));
        }
    }
    if (anyone) {
        if (group->state == group_state::stable || group->state == group_state::completing_rebalance)
            rebalance.rebalance_or_complete(*group);
        else
            rebalance.complete_if_all_joined(*group);
        rebalance.drop_if_unused(*group);
    }
    return out;
}

}  // namespace weir::group
