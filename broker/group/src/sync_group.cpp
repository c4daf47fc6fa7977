// SyncGroup (key 14), v0-v5. v3: static members (KIP-345). v5: protocol type and name must be the group's (KIP-559).
#include "classic_requests.hpp"
#include "records.hpp"

namespace weir::group {

namespace {

constexpr std::int16_t names_protocol = 5;

bool differs(const std::optional<std::string>& asked, const std::optional<std::string>& actual) {
    return asked && actual && *asked != *actual;
}

errc check(const classic_group& group, const protocol::sync_group_request& request) {
    if (const auto wrong = group.check_member(request.member_id, request.group_instance_id); wrong != errc::none)
        return wrong;
    if (request.generation_id != group.generation) return errc::illegal_generation;
    if (differs(request.protocol_type, group.protocol_type) || differs(request.protocol_name, group.protocol))
        return errc::inconsistent_group_protocol;
    return errc::none;
}

void run(shard_state& shard, rebalancer& rebalance, const request_context& context,
         protocol::sync_group_request& request, reply_token token) {
    const auto refuse = [&](errc why) { shard.answer(token, sync_error(why)); };
    if (context.api_version >= names_protocol && (!request.protocol_type || !request.protocol_name))
        return refuse(errc::inconsistent_group_protocol);
    if (request.group_id.empty()) return refuse(errc::invalid_group_id);
    auto* group = shard.find(request.group_id);
    if (!group || group->state == group_state::empty) return refuse(errc::unknown_member_id);
    if (const auto wrong = check(*group, request); wrong != errc::none) return refuse(wrong);
    if (group->state == group_state::preparing_rebalance) return refuse(errc::rebalance_in_progress);

    auto& m = *group->find(request.member_id);
    rebalance.synced(*group, m.id);
    if (group->state == group_state::stable) {
        protocol::sync_group_response response;
        response.protocol_type = group->protocol_type;
        response.protocol_name = group->protocol;
        response.assignment = m.assignment;
        return shard.answer(token, std::move(response));
    }
    shard.answer(m.sync, sync_error(errc::rebalance_in_progress));  // overtaken by its own repetition
    m.sync = token;
    if (!group->is_leader(m.id)) return;

    // The replay of this record makes the group stable and answers everyone.
    std::map<std::string, bytes, std::less<>> assignments;
    for (auto& assigned : request.assignments) {
        if (group->members.contains(assigned.member_id))
            assignments.insert_or_assign(std::move(assigned.member_id), std::move(assigned.assignment));
    }
    auto written = group_record(*group, assignments, rebalance.now().wall);
    if (written.value->size() <= static_cast<std::size_t>(shard.config.max_record_bytes)) {
        rebalance.records().push_back(std::move(written));
        return;
    }
    // It can never be stored. Kafka's answer to a batch that is too large; then everyone tries anew.
    for (auto& entry : group->members) shard.answer(entry.second.sync, sync_error(errc::unknown_server_error));
    rebalance.prepare(*group);
}

}  // namespace

decision<protocol::sync_group_response> sync_group(shard_state& shard, const request_context& context,
                                                   protocol::sync_group_request request, reply_token token,
                                                   instant now) {
    decision<protocol::sync_group_response> out;
    rebalancer rebalance{shard, out.records, now};
    run(shard, rebalance, context, request, token);
    out.response = take_own<protocol::sync_group_response>(shard.replies, token);
    return out;
}

}  // namespace weir::group
