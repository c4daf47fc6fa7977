// DeleteGroups (key 42), v0-v2. ListGroups (key 16), v0-v5. v4: by state. v5: by type.
// DescribeGroups (key 15), v0-v6. v4: instance ids. v6: GROUP_ID_NOT_FOUND for what older versions call Dead.
#include "group_admin.hpp"
#include "records.hpp"

#include <algorithm>
#include <set>

namespace weir::group {

namespace {

constexpr std::int16_t says_not_found = 6;

bool same_ignoring_case(std::string_view a, std::string_view b) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    return std::ranges::equal(a, b, {}, lower, lower);
}
bool listed_in(const std::vector<std::string>& filter, std::string_view value) {
    return filter.empty() ||
           std::ranges::any_of(filter, [&](const auto& each) { return same_ignoring_case(each, value); });
}

}  // namespace

decision<std::vector<protocol::delete_groups_response::deletable_group_result>> delete_groups(
    shard_state& shard, std::span<const std::string> ids) {
    decision<std::vector<protocol::delete_groups_response::deletable_group_result>> out;
    auto& results = out.response.emplace();
    std::set<std::string_view> seen;
    for (const auto& id : ids) {
        if (!seen.insert(id).second) continue;
        auto& done = results.emplace_back();
        done.group_id = id;
        const auto* group = shard.find(id);
        if (!group) {
            done.error_code = wire_code(errc::group_id_not_found);
        } else if (group->state != group_state::empty) {
            done.error_code = wire_code(errc::non_empty_group);
        } else {
            const auto offsets = shard.offsets.all_of(id);
            for (const auto& each : offsets) out.records.push_back(offset_tombstone(id, each.topic, each.partition));
            shard.totals.offset_deletions += offsets.size();
            // Last, so that what is left of the group after a crash in between is still a group.
            out.records.push_back(group_tombstone(id));
        }
    }
    return out;
}

std::vector<protocol::list_groups_response::listed_group> list_groups(const shard_state& shard,
                                                                      const protocol::list_groups_request& request) {
    std::vector<protocol::list_groups_response::listed_group> out;
    if (!listed_in(request.types_filter, "classic")) return out;
    for (const auto& [id, group] : shard.groups) {
        if (!listed_in(request.states_filter, to_string(group.state))) continue;
        auto& listed = out.emplace_back();
        listed.group_id = id;
        listed.protocol_type = group.protocol_type.value_or("");
        listed.group_state = to_string(group.state);
        listed.group_type = "classic";
    }
    return out;
}

std::vector<protocol::describe_groups_response::described_group> describe_groups(const shard_state& shard,
                                                                                 std::span<const std::string> ids,
                                                                                 std::int16_t api_version) {
    std::vector<protocol::describe_groups_response::described_group> out;
    for (const auto& id : ids) {
        auto& described = out.emplace_back();
        described.group_id = id;
        const auto* group = shard.find(id);
        if (!group) {
            described.group_state = "Dead";
            if (api_version >= says_not_found) {
                described.error_code = wire_code(errc::group_id_not_found);
                described.error_message = "Group " + id + " not found.";
            }
            continue;
        }
        described.group_state = to_string(group->state);
        described.protocol_type = group->protocol_type.value_or("");
        const bool stable = group->state == group_state::stable;
        if (stable) described.protocol_data = group->protocol.value_or("");
        for (const auto& [member_id, m] : group->members) {
            auto& listed = described.members.emplace_back();
            listed.member_id = member_id;
            listed.group_instance_id = m.instance_id;
            listed.client_id = m.client_id;
            listed.client_host = m.client_host;
            if (!stable) continue;  // in between, nothing the members hold is settled
            if (group->protocol) listed.member_metadata = m.metadata(*group->protocol);
            listed.member_assignment = m.assignment;
        }
    }
    return out;
}

}  // namespace weir::group
