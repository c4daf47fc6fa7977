#include "topic_config_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace weir::metadata {

namespace {

std::string_view kind(config_type type) {
    switch (type) {
        case config_type::topic: return "topic";
        case config_type::broker: return "broker";
        case config_type::group: return "group";
        case config_type::client_metrics: return "client metrics";
        default: return "unknown";
    }
}

errc code_of_unknown(config_type type) {
    return type == config_type::broker || type == config_type::client_metrics ? errc::invalid_request
                                                                              : errc::invalid_config;
}

std::optional<std::int64_t> number(const std::optional<std::string>& value) {
    if (!value) return std::nullopt;
    std::int64_t parsed = 0;
    const auto* end = value->data() + value->size();
    const auto read = std::from_chars(value->data(), end, parsed);
    if (read.ec != std::errc{} || read.ptr != end) return std::nullopt;
    return parsed;
}
std::optional<std::int64_t> number(const effective_setting& setting) { return number(setting.value); }

/// Kafka calls what is no number a bad setting, and a number out of bounds a bad request where it is about the metrics of
/// clients.
errc code_of_bad_value(config_type type, const config_key& key, const std::string& value) {
    if (type == config_type::broker) return errc::invalid_request;
    const auto given = number(value);
    const bool out_of_bounds = type == config_type::client_metrics && key.type == config_value_type::int32 && given &&
                               *given == static_cast<std::int32_t>(*given);
    return out_of_bounds ? errc::invalid_request : errc::invalid_config;
}

bool names_policy(const effective_setting& list, std::string_view policy) {
    std::string_view rest = list.value ? std::string_view{*list.value} : std::string_view{};
    while (!rest.empty()) {
        const auto comma = std::min(rest.find(','), rest.size());
        auto item = rest.substr(0, comma);
        while (!item.empty() && item.front() == ' ') item.remove_prefix(1);
        while (!item.empty() && item.back() == ' ') item.remove_suffix(1);
        if (item == policy) return true;
        rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
    return false;
}

/// `local` may not exceed `total`; -2 means "as the total", -1 no bound.
result<void> check_local(const std::string& topic, std::string_view local_key, std::optional<std::int64_t> local,
                         std::string_view total_key, std::optional<std::int64_t> total) {
    if (!local || !total || *local == -2) return {};
    const bool fits = *total == -1 || (*local != -1 && *local <= *total);
    if (fits) return {};
    return error{errc::invalid_config,
                 fmt::format("topic {}: {}={} exceeds {}={}", topic, local_key, *local, total_key, *total)};
}

}  // namespace

result<void> validate_values(const config_schema& schema, const config_resource& resource,
                             const config_entries& entries) {
    for (const auto& [key, value] : entries) {
        const auto* known = schema.find(resource.type, key);
        if (!known) {
            const auto why = schema.why_unknown(resource.type, key);
            // Of brokers Kafka keeps names it does not know: its plugins may.
            if (resource.type == config_type::broker && why.empty()) continue;
            return error{code_of_unknown(resource.type), fmt::format("Unknown {} config name: {}{}", kind(resource.type), key,
                                                                     why.empty() ? "" : fmt::format(" ({})", why))};
        }
        if (auto valid = schema.validate(resource.type, key, value); !valid)
            return error{code_of_bad_value(resource.type, *known, value), std::string{valid.error().what()}};
    }
    return {};
}

result<void> validate_topic_together(const cluster_view& view, const std::string& topic, const config_entries& before,
                                     const config_entries& entries) {
    const auto of = [&](std::string_view key) { return view.topic_setting(entries, key); };
    const auto min_lag = number(of("min.compaction.lag.ms"));
    const auto max_lag = number(of("max.compaction.lag.ms"));
    if (min_lag && max_lag && *min_lag > *max_lag)
        return error{errc::invalid_config,
                     fmt::format("topic {}: min.compaction.lag.ms={} exceeds max.compaction.lag.ms={}", topic, *min_lag,
                                 *max_lag)};
    const bool remote = of("remote.storage.enable").value == "true";
    if (remote) {
        if (names_policy(of("cleanup.policy"), "compact"))
            return error{errc::invalid_config,
                         fmt::format("topic {}: remote.storage.enable=true needs cleanup.policy=delete, "
                                     "it is {}",
                                     topic, *of("cleanup.policy").value)};
        if (auto done = check_local(topic, "local.retention.ms", number(of("local.retention.ms")), "retention.ms",
                                    number(of("retention.ms")));
            !done)
            return done;
        return check_local(topic, "local.retention.bytes", number(of("local.retention.bytes")), "retention.bytes",
                           number(of("retention.bytes")));
    }
    if (view.topic_setting(before, "remote.storage.enable").value == "true" &&
        of("remote.log.delete.on.disable").value != "true")
        return error{errc::invalid_config,
                     fmt::format("topic {}: remote.storage.enable can be switched off only together "
                                 "with remote.log.delete.on.disable=true",
                                 topic)};
    return {};
}

}  // namespace weir::metadata
