#include "quota_entities.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace weir::tools {
namespace {

std::string kind_of(const std::string& type) { return type == "users" ? "user" : type == "clients" ? "client-id" : "ip"; }

}  // namespace

std::vector<quota_part> quota_parts(const arguments& args) {
    std::vector<quota_part> parts;
    const auto add = [&](const char* option, const char* type, bool defaults) {
        if (args.has(option)) parts.push_back({type, defaults ? std::string{} : std::string{args.text(option)}});
    };
    add("topic", "topics", false);
    add("client", "clients", false);
    add("user", "users", false);
    add("broker", "brokers", false);
    add("broker-logger", "broker-loggers", false);
    add("ip", "ips", false);
    add("client-metrics", "client-metrics", false);
    add("group", "groups", false);
    add("client-defaults", "clients", true);
    add("user-defaults", "users", true);
    add("broker-defaults", "brokers", true);
    add("ip-defaults", "ips", true);
    const auto types = args.all("entity-type");
    if (!types.empty() && !parts.empty()) throw usage_error{"--entity-{type,name,default} should not be used in conjunction with specific entity flags"};
    // Names and defaults go to the types in the order in which they were written.
    std::vector<std::string> names;
    const auto all_names = args.all("entity-name");
    auto given = all_names.begin();
    for (const auto each : args.in_order({"entity-name", "entity-default"})) names.push_back(each == "entity-name" ? *given++ : std::string{});
    if (names.size() > types.size()) throw usage_error{"--entity-name or --entity-default must follow an --entity-type"};
    for (std::size_t i = 0; i < types.size(); ++i) parts.push_back({types[i], i < names.size() ? std::optional{names[i]} : std::nullopt});
    return parts;
}

quota_entity entity_of(const std::vector<quota_part>& parts) {
    quota_entity entity;
    for (const auto& each : parts) entity[kind_of(each.type)] = each.name && !each.name->empty() ? each.name : std::nullopt;
    return entity;
}

quota_filter filter_of(const std::vector<quota_part>& parts) {
    using match = quota_filter::component::match;
    quota_filter filter;
    filter.strict = true;
    for (const auto& each : parts) {
        if (!each.name) filter.components.push_back({kind_of(each.type), match::any, ""});
        else if (each.name->empty()) filter.components.push_back({kind_of(each.type), match::by_default, ""});
        else filter.components.push_back({kind_of(each.type), match::exact, *each.name});
    }
    return filter;
}

std::string entity_text(const quota_entity& entity) {
    std::string text;
    const auto add = [&](const char* kind, const char* word) {
        const auto at = entity.find(kind);
        if (at == entity.end()) return;
        text += text.empty() ? "" : ", ";
        text += at->second ? fmt::format("{} '{}'", word, *at->second) : fmt::format("the default {}", word);
    };
    add("user", "user-principal");
    add("client-id", "client-id");
    add("ip", "ip");
    return text;
}

}  // namespace weir::tools
