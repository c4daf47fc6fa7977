// Settings: DescribeConfigs 32, IncrementalAlterConfigs 44, ListConfigResources 74.
#include "carry_out.hpp"
#include "operations.hpp"

#include <weir/protocol/messages/describe_configs.hpp>
#include <weir/protocol/messages/incremental_alter_configs.hpp>
#include <weir/protocol/messages/list_config_resources.hpp>

#include <charconv>

namespace weir::detail {
namespace {

/// A broker's own settings are its own to tell and to change; the brokers' common defaults are anybody's.
place place_of(const config_resource& which) {
    std::int32_t id = -1;
    const auto end = which.name.data() + which.name.size();
    const bool own = (which.kind == config_kind::broker || which.kind == config_kind::broker_logger) && !which.name.empty() &&
                     std::from_chars(which.name.data(), end, id).ptr == end;
    return own ? on_broker(id) : any_broker();
}

struct describe_configs_plan : plan_of<protocol::describe_configs_request, config_resource, std::vector<config_entry>> {
    std::vector<config_resource> resources;
    describe_configs_options options;

    std::vector<config_resource> keys() const { return resources; }
    place where(std::size_t i) const { return place_of(resources[i]); }
    request ask(std::span<const std::size_t> which, const ask_context& context) const {
        request asked;
        asked.include_synonyms = options.synonyms;
        asked.include_documentation = options.documentation && context.version >= 3;
        for (const auto i : which) {
            auto& each = asked.resources.emplace_back();
            each.resource_type = static_cast<std::int8_t>(resources[i].kind);
            each.resource_name = resources[i].name;
            if (options.names.empty()) each.configuration_keys.reset();
            else each.configuration_keys = options.names;
        }
        return asked;
    }
    static error read(response& answer, std::span<const std::size_t>, answers& into) {
        for (auto& each : answer.results) {
            const config_resource which{static_cast<config_kind>(each.resource_type), each.resource_name};
            if (auto why = refusal(each.error_code, each.error_message, to_string(which))) {
                into.settle(which, std::move(why));
                continue;
            }
            std::vector<config_entry> entries;
            entries.reserve(each.configs.size());
            for (auto& from : each.configs) {
                auto& to = entries.emplace_back(config_entry{std::move(from.name), std::move(from.value), static_cast<config_source>(from.config_source), from.is_sensitive,
                                                             from.read_only, static_cast<config_type>(from.config_type)});
                for (auto& synonym : from.synonyms) to.synonyms.push_back({std::move(synonym.name), std::move(synonym.value), static_cast<config_source>(synonym.source)});
                to.documentation = std::move(from.documentation).value_or("");
            }
            into.settle(which, std::move(entries));
        }
        return {};
    }
};

struct alter_configs_plan : plan_of<protocol::incremental_alter_configs_request, config_resource, void> {
    std::vector<config_alteration> alterations;
    bool validate_only;

    std::vector<config_resource> keys() const {
        std::vector<config_resource> all;
        for (const auto& each : alterations) all.push_back(each.on);
        return all;
    }
    place where(std::size_t i) const { return place_of(alterations[i].on); }
    request ask(std::span<const std::size_t> which, const ask_context&) const {
        request asked;
        asked.validate_only = validate_only;
        for (const auto i : which) {
            auto& each = asked.resources.emplace_back();
            each.resource_type = static_cast<std::int8_t>(alterations[i].on.kind);
            each.resource_name = alterations[i].on.name;
            for (const auto& change : alterations[i].changes) {
                auto& to = each.configs.emplace_back();
                to.name = change.name;
                to.config_operation = static_cast<std::int8_t>(change.what);
                if (change.what != config_change::action::remove) to.value = change.value;
                else to.value.reset();
            }
        }
        return asked;
    }
    static error read(const response& answer, std::span<const std::size_t>, answers& into) {
        for (const auto& each : answer.responses) {
            const config_resource which{static_cast<config_kind>(each.resource_type), each.resource_name};
            into.settle(which, refusal(each.error_code, each.error_message, to_string(which)));
        }
        return {};
    }
};

}  // namespace

task_of_outcomes<std::vector<config_entry>, config_resource> describe_configs(call_ptr call, std::vector<config_resource> of, describe_configs_options options) {
    return carry_out(std::move(call), describe_configs_plan{{}, std::move(of), std::move(options)});
}

task<result<std::vector<config_entry>>> describe_config_of(call_ptr call, config_resource of) {
    auto describing = describe_configs(std::move(call), {std::move(of)}, {});
    co_return only(co_await describing);
}

task_of_outcomes<void, config_resource> incremental_alter_configs(call_ptr call, std::vector<config_alteration> changes, bool validate_only) {
    return carry_out(std::move(call), alter_configs_plan{{}, std::move(changes), validate_only});
}

task<result<void>> alter_config_of(call_ptr call, config_alteration change) {
    auto altering = incremental_alter_configs(std::move(call), {std::move(change)}, false);
    co_return only(co_await altering);
}

task<result<std::vector<config_resource>>> list_config_resources(call_ptr call, std::vector<config_kind> kinds) {
    protocol::list_config_resources_request request;
    const bool metrics_only = kinds == std::vector{config_kind::client_metrics};
    if (!metrics_only) {
        for (const auto each : kinds) request.resource_types.push_back(static_cast<std::int8_t>(each));
    }
    // Version 0 is ListClientMetricsResources and lists just these.
    auto asking = ask(std::move(call), any_broker(), std::move(request),
                      [](const protocol::list_config_resources_response& answer) { return refusal(answer.error_code, {}, "list_config_resources"); },
                      metrics_only ? std::int16_t{0} : protocol::list_config_resources_request::max_version);
    auto got = co_await asking;
    if (!got) co_return got.error();
    std::vector<config_resource> all;
    for (auto& each : got->config_resources) all.push_back({static_cast<config_kind>(each.resource_type), std::move(each.resource_name)});
    co_return all;
}

task<result<std::vector<std::string>>> list_client_metrics_resources(call_ptr call) {
    auto listing = list_config_resources(std::move(call), {config_kind::client_metrics});
    auto all = co_await listing;
    if (!all) co_return all.error();
    std::vector<std::string> names;
    for (auto& each : *all) names.push_back(std::move(each.name));
    co_return names;
}

}  // namespace weir::detail
