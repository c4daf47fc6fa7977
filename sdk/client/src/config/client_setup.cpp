#include "client_setup.hpp"

#include "resolve.hpp"
#include "rows.hpp"

#include <fmt/format.h>

#include <charconv>

namespace weir::detail {

template <>
struct word_table<metadata_recovery_strategy> {
    static constexpr word<metadata_recovery_strategy> all[] = {{"rebootstrap", metadata_recovery_strategy::rebootstrap}, {"none", metadata_recovery_strategy::none}};
};

namespace {

std::vector<setting> all_rows() {
    using all = client_setup;
    using config = client_config;
    static constexpr auto of = &all::config;
    std::vector<setting> rows{
        row<&all::bootstrap>("bootstrap.servers", any(), "Some brokers of the cluster, host:port with commas between: the others are learnt from them.", importance::high,
                             setting_type::list, synonym("metadata.broker.list")),
        row<&all::controllers>("bootstrap.controllers", any(), "In place of bootstrap.servers: controllers to talk to (KIP-919), for what an admin asks of the cluster as such.",
                             importance::high, setting_type::list),
        row<of, &config::client_id>("client.id", any(), "What brokers call this client in logs, metrics and quotas."),
        row<of, &config::request_timeout>("request.timeout.ms", at_least(1), "How long a broker may take to answer a request.", setting_type::int32, synonym("socket.timeout.ms")),
        row<of, &config::connect_timeout>("socket.connection.setup.timeout.ms", at_least(1), "How long making a connection may take."),
        row<of, &config::metadata_max_age>("metadata.max.age.ms", at_least(0), "Age at which the view of the cluster is refreshed.", importance::low,
                                           synonym("topic.metadata.refresh.interval.ms")),
        row<of, &config::retry_backoff>("retry.backoff.ms", at_least(0), "The wait before the first retry of a request or a connection; it doubles with each (KIP-580).", importance::low),
        row<of, &config::retry_backoff_max>("retry.backoff.max.ms", at_least(0), "The longest wait before a retry.", importance::low),
        row<of, &config::reconnect_backoff>("reconnect.backoff.ms", at_least(0), "The wait before a broker that could not be reached is tried again; it doubles with each attempt.", importance::low),
        row<of, &config::reconnect_backoff_max>("reconnect.backoff.max.ms", at_least(0), "The longest wait before a broker that could not be reached is tried again.", importance::low),
        row<of, &config::connect_timeout_max>("socket.connection.setup.timeout.max.ms", at_least(1),
                                              "socket.connection.setup.timeout.ms doubles with each attempt in a row that fails, up to this (KIP-601)."),
        row<of, &config::connections_max_idle>("connections.max.idle.ms", any(), "A connection that nobody used for so long is closed; below 0: never."),
        row<of, &config::metadata_recovery_strategy>("metadata.recovery.strategy", any(),
                                                     "Whether the bootstrap servers are asked again when no known broker tells about the cluster (KIP-899, KIP-1102).", importance::low),
        row<of, &config::rebootstrap_trigger>("metadata.recovery.rebootstrap.trigger.ms", at_least(0),
                                              "Known brokers that tell nothing about the cluster for so long are forgotten, and the bootstrap servers asked.", importance::low),
        row<of, &config::enable_metrics_push>("enable.metrics.push", any(), "Whether metrics are pushed to brokers that ask for them (KIP-714).", importance::low),
        row<of, &config::send_buffer>("send.buffer.bytes", at_least(-1), "SO_SNDBUF of the connections; -1: the system sizes it by what a connection moves.",
                                      synonym("socket.send.buffer.bytes")),
        row<of, &config::receive_buffer>("receive.buffer.bytes", at_least(-1), "SO_RCVBUF of the connections; -1: the system sizes it by what a connection moves.",
                                         synonym("socket.receive.buffer.bytes")),
    };
    add_security_rows(rows);
    return rows;
}

result<std::vector<endpoint>> parse_addresses(std::string_view list, std::string_view name) {
    const auto refused = [name](std::string_view entry, std::string_view why) {
        return error{errc::invalid_setting, fmt::format("{}: '{}' {}; expected is host:port, several separated by commas", name, entry, why)};
    };
    std::vector<endpoint> all;
    for (std::size_t at = 0; at <= list.size();) {
        const auto end = std::min(list.find(',', at), list.size());
        auto entry = list.substr(at, end - at);
        at = end + 1;
        while (!entry.empty() && entry.front() == ' ') entry.remove_prefix(1);
        while (!entry.empty() && entry.back() == ' ') entry.remove_suffix(1);
        if (entry.empty()) continue;
        const auto colon = entry.rfind(':');
        if (colon == std::string_view::npos || colon == 0) return refused(entry, "has no port");
        auto host = entry.substr(0, colon);
        if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
        const auto port = entry.substr(colon + 1);
        std::uint16_t number = 0;
        const auto [stop, problem] = std::from_chars(port.data(), port.data() + port.size(), number);
        if (problem != std::errc{} || stop != port.data() + port.size() || number == 0) return refused(entry, "has no port between 1 and 65535");
        if (host.empty()) return refused(entry, "has no host");
        all.push_back({std::string{host}, number});
    }
    if (all.empty()) return refused(list, "names no broker");
    return all;
}

error conclude(void* config) {
    auto& setup = *static_cast<client_setup*>(config);
    if (!setup.controllers.empty()) {
        if (!setup.bootstrap.empty()) return error{errc::invalid_setting, "bootstrap.servers and bootstrap.controllers contradict each other: give one of them"};
        if (auto list = parse_addresses(setup.controllers, "bootstrap.controllers"); !list) return list.error();
        setup.bootstrap = setup.controllers;
    }
    if (auto why = apply_security(setup)) return why;
    return check(setup.config.tls, setup.config.sasl);
}

}  // namespace

std::span<const setting> client_setup::settings() {
    static const auto rows = all_rows();
    return rows;
}

result<client_settings> resolve_client(client_setup& setup) {
    client_settings made;
    made.given = std::move(setup.config.extra);
    if (auto why = resolve("client", client_setup::settings(), &setup, made.given, nullptr, &conclude)) return why;
    for (const auto& row : client_setup::settings()) made.effective.push_back({row.name, row.print(&setup)});
    return made;
}

result<std::vector<endpoint>> parse_bootstrap(std::string_view list) { return parse_addresses(list, "bootstrap.servers"); }

}  // namespace weir::detail
