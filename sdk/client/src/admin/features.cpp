// What the cluster has agreed to use: the features in ApiVersions 18, UpdateFeatures 57 (KIP-584).
#include "carry_out.hpp"
#include "operations.hpp"

#include <weir/protocol/messages/api_versions.hpp>
#include <weir/protocol/messages/update_features.hpp>

#include <algorithm>

namespace weir::detail {
namespace {

struct update_features_plan : plan_of<protocol::update_features_request, std::string, void> {
    std::vector<feature_update> updates;
    bool validate_only;

    std::vector<std::string> keys() const {
        std::vector<std::string> names;
        for (const auto& each : updates) names.push_back(each.feature);
        return names;
    }
    request ask(std::span<const std::size_t> which, const ask_context& context) const {
        request asked;
        asked.timeout_ms = context.timeout_ms;
        asked.validate_only = validate_only;
        for (const auto i : which) {
            auto& each = asked.feature_updates.emplace_back();
            each.feature = updates[i].feature;
            each.max_version_level = updates[i].level;
            if (context.version >= 1) each.upgrade_type = static_cast<std::int8_t>(updates[i].how);
            else each.allow_downgrade = updates[i].how != feature_update::change::upgrade;
        }
        return asked;
    }
    /// All or nothing: from version 2 on there is one error for all.
    static error read(const response& answer, std::span<const std::size_t> which, answers& into) {
        if (auto why = refusal(answer.error_code, answer.error_message, "update_features")) return why;
        for (const auto& each : answer.results) into.settle(each.feature, refusal(each.error_code, each.error_message, each.feature));
        if (answer.results.empty()) {
            for (const auto i : which) into.settle(i, result<void>{});
        }
        return {};
    }
};

task<result<protocol::api_versions_response>> ask_versions(call_ptr call, place where) {
    protocol::api_versions_request request;
    request.client_software_name = "weir";
    request.client_software_version = WEIR_VERSION;
    return ask(std::move(call), std::move(where), std::move(request),
               [](const protocol::api_versions_response& answer) { return refusal(answer.error_code, {}, "ApiVersions"); });
}

}  // namespace

task<result<feature_metadata>> describe_features(call_ptr call, std::optional<std::int32_t> broker) {
    auto asking = ask_versions(std::move(call), broker ? on_broker(*broker) : any_broker());
    auto got = co_await asking;
    if (!got) co_return got.error();
    feature_metadata all;
    for (const auto& each : got->finalized_features) all.finalized[each.name] = {each.min_version_level, each.max_version_level};
    for (const auto& each : got->supported_features) all.supported[each.name] = {each.min_version, each.max_version};
    if (got->finalized_features_epoch >= 0) all.finalized_epoch = got->finalized_features_epoch;
    co_return all;
}

task<result<std::vector<api_versions>>> describe_api_versions(call_ptr call, std::int32_t broker) {
    auto asking = ask_versions(std::move(call), on_broker(broker));
    auto got = co_await asking;
    if (!got) co_return got.error();
    std::vector<api_versions> all;
    for (const auto& each : got->api_keys) all.push_back({each.api_key, each.min_version, each.max_version});
    std::sort(all.begin(), all.end(), [](const api_versions& a, const api_versions& b) { return a.key < b.key; });
    co_return all;
}

task_of_outcomes<void> update_features(call_ptr call, std::vector<feature_update> updates, bool validate_only) {
    return carry_out(std::move(call), update_features_plan{{}, std::move(updates), validate_only});
}

}  // namespace weir::detail
