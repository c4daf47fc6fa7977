// How much clients may use: DescribeClientQuotas 48, AlterClientQuotas 49 (KIP-546).
#include "carry_out.hpp"
#include "operations.hpp"

#include <weir/protocol/messages/alter_client_quotas.hpp>
#include <weir/protocol/messages/describe_client_quotas.hpp>

namespace weir::detail {
namespace {

template <class Parts>
quota_entity entity_of(const Parts& parts) {
    quota_entity entity;
    for (const auto& each : parts) entity.emplace(each.entity_type, each.entity_name);
    return entity;
}
std::string named(const quota_entity& entity) {
    std::string text;
    for (const auto& [kind, name] : entity) text += (text.empty() ? "" : ", ") + kind + " " + name.value_or("<default>");
    return text;
}

struct alter_quotas_plan : plan_of<protocol::alter_client_quotas_request, quota_entity, void> {
    std::vector<quota_alteration> changes;
    bool validate_only;

    std::vector<quota_entity> keys() const {
        std::vector<quota_entity> all;
        for (const auto& each : changes) all.push_back(each.entity);
        return all;
    }
    request ask(std::span<const std::size_t> which, const ask_context&) const {
        request asked;
        asked.validate_only = validate_only;
        for (const auto i : which) {
            auto& entry = asked.entries.emplace_back();
            for (const auto& [kind, name] : changes[i].entity) {
                auto& part = entry.entity.emplace_back();
                part.entity_type = kind;
                part.entity_name = name;
            }
            for (const auto& [key, value] : changes[i].set) {
                auto& each = entry.ops.emplace_back();
                each.key = key;
                each.value = value.value_or(0);
                each.remove = !value;
            }
        }
        return asked;
    }
    static error read(const response& answer, std::span<const std::size_t>, answers& into) {
        for (const auto& each : answer.entries) {
            const auto entity = entity_of(each.entity);
            into.settle(entity, refusal(each.error_code, each.error_message, named(entity)));
        }
        return {};
    }
};

}  // namespace

task_of_outcomes<void, quota_entity> alter_client_quotas(call_ptr call, std::vector<quota_alteration> changes, bool validate_only) {
    return carry_out(std::move(call), alter_quotas_plan{{}, std::move(changes), validate_only});
}

task<result<std::vector<client_quota>>> describe_client_quotas(call_ptr call, quota_filter matching) {
    protocol::describe_client_quotas_request request;
    request.strict = matching.strict;
    for (auto& each : matching.components) {
        auto& to = request.components.emplace_back();
        to.entity_type = std::move(each.kind);
        to.match_type = static_cast<std::int8_t>(each.how);
        if (each.how == quota_filter::component::match::exact) to.match = std::move(each.name);
        else to.match.reset();
    }
    auto asking = ask(std::move(call), any_broker(), std::move(request),
                      [](const protocol::describe_client_quotas_response& answer) { return refusal(answer.error_code, answer.error_message, "describe_client_quotas"); });
    auto got = co_await asking;
    if (!got) co_return got.error();
    std::vector<client_quota> all;
    if (!got->entries) co_return all;
    for (const auto& each : *got->entries) {
        auto& quota = all.emplace_back(client_quota{entity_of(each.entity), {}});
        for (const auto& value : each.values) quota.values.emplace(value.key, value.value);
    }
    co_return all;
}

}  // namespace weir::detail
