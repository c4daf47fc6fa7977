#include "telemetry_subscriptions.hpp"

#include <weir/base/crc32c.hpp>
#include <weir/base/log.hpp>
#include <weir/server/client_metrics_config.hpp>

#include <re2/re2.h>

#include <algorithm>
#include <optional>
#include <set>

namespace weir::server {
namespace {

log::logger telemetry_subscriptions_logs{"weir.server.telemetry"};

constexpr std::string_view selectors[] = {"client_instance_id", "client_id", "client_software_name", "client_software_version", "client_source_address", "client_source_port"};

struct selector {
    std::string_view name;
    std::string_view pattern;
};
std::optional<selector> parse_selector(std::string_view text) {
    const auto equals = text.find('=');
    const auto known = std::find(std::begin(selectors), std::end(selectors), text.substr(0, equals));
    if (equals == std::string_view::npos || known == std::end(selectors)) return std::nullopt;
    return selector{*known, text.substr(equals + 1)};
}

// Expressions come from whoever may alter configs: RE2 runs in linear time whatever they are.
RE2::Options quiet() {
    RE2::Options options;
    options.set_log_errors(false);
    return options;
}

bool is_client_match(std::string_view text) {
    if (text.empty()) return true;
    const auto parsed = parse_selector(text);
    if (!parsed || parsed->pattern.empty() || parsed->pattern.find('=') != std::string_view::npos) return false;  // one "=", as in Kafka
    return RE2{re2::StringPiece{parsed->pattern.data(), parsed->pattern.size()}, quiet()}.ok();
}

std::string attribute(const client_attributes& client, std::string_view name) {
    if (name == "client_instance_id") return to_string(client.instance);
    if (name == "client_id") return client.client_id;
    if (name == "client_software_name") return client.software_name;
    if (name == "client_software_version") return client.software_version;
    if (name == "client_source_address") return client.address;
    return std::to_string(client.port);
}

bool matches(const client_metrics_config& config, const client_attributes& client) {
    return std::all_of(config.match.begin(), config.match.end(), [&](const std::string& text) {
        const auto parsed = parse_selector(text);
        if (!parsed) return false;
        const RE2 expression{re2::StringPiece{parsed->pattern.data(), parsed->pattern.size()}, quiet()};
        return expression.ok() && RE2::FullMatch(attribute(client, parsed->name), expression);
    });
}

client_metrics_config read_config(const std::string& name, const metadata::config_entries& entries) {
    client_metrics_config config;
    for (const auto& [key, value] : entries)
        if (auto fine = apply_setting(config, key, value); !fine) telemetry_subscriptions_logs.warn("client metrics " + name + ": " + fine.error().message() + "; it keeps its default");
    return config;
}

}  // namespace

std::span<const setting> client_metrics_config::settings() {
    using c = client_metrics_config;
    static const setting all[] = {
        make_setting<&c::metrics>("metrics", any(), "Prefixes of the names of metrics that clients send; * is all."),
        make_setting<&c::interval_ms>("interval.ms", between(100, 3'600'000), "Time between two pushes of a client."),
        make_setting<&c::match>("match", checked(is_client_match, "selector=regular expression, e.g. client_id=orders-.*"), "Which clients send."),
    };
    return all;
}

client_attributes attributes_of(const request_context& context, const uuid& instance) {
    const auto& connection = context.connection;
    return {instance, context.client_id(), connection.software_name, connection.software_version, connection.remote.host, connection.remote.port};
}

telemetry_subscription subscription_of(const metadata::image& image, const client_attributes& client) {
    std::set<std::string> metrics;
    auto shortest = client_metrics_config{}.interval_ms;  // a longer one is not told, as in Kafka
    const auto& configs = image.configs();
    for (auto at = configs.lower_bound(metadata::config_resource{metadata::config_type::client_metrics, ""}); at != configs.end(); ++at) {
        const auto& [resource, entries] = *at;
        if (resource.type != metadata::config_type::client_metrics) break;
        const auto config = read_config(resource.name, *entries);
        if (!matches(config, client)) continue;
        metrics.insert(config.metrics.begin(), config.metrics.end());
        shortest = std::min(shortest, config.interval_ms);
    }
    telemetry_subscription found;
    if (metrics.contains("*")) metrics = {"*"};
    found.metrics.assign(metrics.begin(), metrics.end());
    found.interval = milliseconds{shortest};
    std::uint32_t sum = 0;
    for (const auto& each : found.metrics) sum = crc32c(sum, as_bytes(each + "\n"));
    sum = crc32c(sum, as_bytes(std::to_string(found.interval.count())));
    // The instance is part of it, so that one client does not get by with the id of another.
    found.id = static_cast<std::int32_t>(crc32c(sum, as_bytes(to_string(client.instance))));
    return found;
}

}  // namespace weir::server
