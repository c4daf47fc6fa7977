// Groups go, and members leave: DeleteGroups 42, LeaveGroup 13.
#include "carry_out.hpp"
#include "operations.hpp"

#include <weir/protocol/messages/delete_groups.hpp>
#include <weir/protocol/messages/describe_groups.hpp>
#include <weir/protocol/messages/leave_group.hpp>

#include <fmt/format.h>

namespace weir::detail {
namespace {

struct delete_groups_plan : plan_of<protocol::delete_groups_request, std::string, void> {
    std::vector<std::string> groups;

    std::vector<std::string> keys() const { return groups; }
    place where(std::size_t i) const { return group_coordinator(groups[i]); }
    request ask(std::span<const std::size_t> which, const ask_context&) const {
        request asked;
        for (const auto i : which) asked.groups_names.push_back(groups[i]);
        return asked;
    }
    static error read(const response& answer, std::span<const std::size_t>, answers& into) {
        for (const auto& each : answer.results) into.settle(each.group_id, refusal(each.error_code, {}, fmt::format("group '{}'", each.group_id)));
        return {};
    }
};

struct member {
    std::string id;
    std::optional<std::string> instance;
};

/// Keys are instance ids, or member ids of those that have none.
struct remove_members_plan : plan_of<protocol::leave_group_request, std::string, void> {
    std::string group;
    std::vector<member> members;
    std::string reason;

    std::vector<std::string> keys() const {
        std::vector<std::string> names;
        for (const auto& each : members) names.push_back(each.instance.value_or(each.id));
        return names;
    }
    place where(std::size_t) const { return group_coordinator(group); }
    request ask(std::span<const std::size_t> which, const ask_context&) const {
        request asked;
        asked.group_id = group;
        for (const auto i : which) {
            auto& each = asked.members.emplace_back();
            each.member_id = members[i].id;
            each.group_instance_id = members[i].instance;
            each.reason = reason;
        }
        return asked;
    }
    error read(const response& answer, std::span<const std::size_t>, answers& into) const {
        if (auto why = refusal(answer.error_code, {}, fmt::format("group '{}'", group))) return why;
        for (const auto& each : answer.members) {
            const auto name = each.group_instance_id.value_or(each.member_id);
            into.settle(name, refusal(each.error_code, {}, fmt::format("member '{}' of group '{}'", name, group)));
        }
        return {};
    }
};

}  // namespace

task_of_outcomes<void> delete_groups(call_ptr call, std::vector<std::string> groups) {
    return carry_out(std::move(call), delete_groups_plan{{}, std::move(groups)});
}

task<result<void>> delete_group(call_ptr call, std::string group) {
    auto deleting = delete_groups(std::move(call), {std::move(group)});
    co_return only(co_await deleting);
}

task_of_outcomes<void> remove_members(call_ptr call, std::string group, remove_members_options options) {
    remove_members_plan plan{{}, group, {}, options.reason.empty() ? "member was removed by an admin client" : "member was removed by an admin client: " + options.reason};
    for (auto& each : options.instance_ids) plan.members.push_back({"", std::move(each)});
    if (plan.members.empty()) {
        auto describing = describe_classic_groups(call, {group}, false);
        auto found = only(co_await describing);
        if (!found) co_return found.error();
        for (auto& each : found->members) plan.members.push_back({each.instance_id ? "" : std::move(each.id), std::move(each.instance_id)});
    }
    auto removing = carry_out(std::move(call), std::move(plan));
    co_return co_await removing;
}

}  // namespace weir::detail
