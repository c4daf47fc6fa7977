#include "broker_schema.hpp"

#include "entity_configs.hpp"
#include "other_settings.hpp"

#include <weir/base/log.hpp>
#include <weir/server/client_metrics_config.hpp>

#include <algorithm>
#include <charconv>

namespace weir::broker {
namespace {

using metadata::config_key;
using metadata::config_source;
using metadata::config_type;
using metadata::config_value_type;

log::logger broker_schema_logs{"weir.broker.config"};

template <class Config>
std::shared_ptr<void> make_scratch() {
    return std::make_shared<Config>();
}

config_key make_key(const setting& row, std::string_view name, std::optional<std::string> value, config_source source) {
    config_key key;
    key.built_in_value = row.default_text;
    key.name = name;
    key.type = static_cast<config_value_type>(row.type);
    key.sensitive = row.is_sensitive;
    key.default_value = std::move(value);
    key.default_source = source;
    key.documentation = row.doc;
    return key;
}

std::optional<std::string> in_unit(const std::optional<std::string>& value, std::int64_t factor) {
    if (factor == 1 || !value) return value;
    std::int64_t number = 0;
    const auto* end = value->data() + value->size();
    if (std::from_chars(value->data(), end, number).ptr != end) return std::nullopt;
    return std::to_string(number / factor);
}

void take_from_file(config_key& key, std::string_view name, const broker_config& config) {
    const auto given = config.given.find(name);
    if (given == config.given.end()) return;
    key.from_file.emplace_back(given->first, given->second.value);
    key.default_source = config_source::static_broker;
}

}  // namespace

broker_schema::broker_schema(const broker_config& config) : node_(config.node), server_(config.server) {
    add_topic_rows(config);
    add(config_type::broker, config.node, config);
    add(config_type::broker, config.server, config);
    for (const auto& [listener, limits] : config.server.limits_of_listeners)
        add(config_type::broker, limits, config, server::listener_prefix(listener));
    add(config_type::broker, config.groups, config);
    add(config_type::broker, config.cleaner, config);
    add(config_type::group, group_entity_config{}, config);
    add(config_type::client_metrics, server::client_metrics_config{}, config);
}

template <class Config>
void broker_schema::add(config_type type, const Config& values, const broker_config& config, const std::string& prefix) {
    for (const auto& row : Config::settings()) {
        const bool of_broker = type == config_type::broker;
        const auto name = prefix + std::string{row.name};
        auto key = make_key(row, name, row.print(&values), config_source::built_in);
        if (of_broker) {
            take_from_file(key, name, config);
            for (const auto& synonym : row.synonyms) take_from_file(key, synonym.name, config);
        }
        if (type == config_type::group)
            for (const auto& synonym : row.synonyms) key.server_keys.emplace_back(synonym.name);
        key.read_only = of_broker && row.dynamic == dynamic_mode::read_only;
        key.per_broker_only = of_broker && row.dynamic == dynamic_mode::per_broker;
        all_[type].emplace(name, entry{std::move(key), &row, 1, &make_scratch<Config>});
    }
}

// Each topic setting, and under its synonyms the broker settings that give its default. Those can be changed while the
// broker runs: a topic's logs take what holds now (topic_log_config).
void broker_schema::add_topic_rows(const broker_config& config) {
    const auto server_rows = storage::log_config::server_settings();
    for (std::size_t at = 0; at < server_rows.size(); ++at) {
        const auto& row = storage::log_config::settings()[at];
        auto key = make_key(row, row.name, row.print(&config.log_defaults), config_source::built_in);
        for (const auto& synonym : row.synonyms) {
            key.server_keys.emplace_back(synonym.name);
            take_from_file(key, synonym.name, config);
            auto broker_key = make_key(row, synonym.name, std::nullopt, config_source::built_in);
            // Of several names for one thing the last has the default, in its unit, as in Kafka: log.retention.hours=168.
            broker_key.built_in_value = &synonym == &row.synonyms.back() ? in_unit(row.default_text, synonym.factor) : std::nullopt;
            if (synonym.factor != 1) broker_key.type = metadata::config_value_type::int32;
            broker_key.default_value = broker_key.built_in_value;
            take_from_file(broker_key, synonym.name, config);
            if (!broker_key.from_file.empty()) broker_key.default_value = broker_key.from_file.front().second;
            broker_key.read_only = synonym.factor != 1;  // as in Kafka: hours and minutes need a restart
            all_[config_type::broker].emplace(synonym.name, entry{std::move(broker_key), &server_rows[at],
                                                                  synonym.factor, &make_scratch<storage::log_config>});
        }
        all_[config_type::topic].emplace(row.name, entry{std::move(key), &row, 1, &make_scratch<storage::log_config>});
    }
}

const broker_schema::entries& broker_schema::of(config_type type) const {
    static const entries none;
    const auto at = all_.find(type);
    return at == all_.end() ? none : at->second;
}

const config_key* broker_schema::find(config_type type, std::string_view key) const {
    const auto& known = of(type);
    const auto at = known.find(key);
    return at == known.end() ? nullptr : &at->second.key;
}

std::string_view broker_schema::why_unknown(config_type type, std::string_view key) const {
    if (type != config_type::broker) return {};
    if (constexpr std::string_view prefix = "listener.name."; key.starts_with(prefix)) {
        const auto dot = key.find('.', prefix.size());
        if (dot != std::string_view::npos) key.remove_prefix(dot + 1);
    }
    if (is_refused(key)) return "this broker does not have it";
    return why_without_effect(key).empty() ? std::string_view{} : "it has no effect in this broker";
}

std::vector<const config_key*> broker_schema::keys(config_type type) const {
    std::vector<const config_key*> list;
    for (const auto& [name, each] : of(type)) list.push_back(&each.key);
    return list;
}

result<void> broker_schema::validate(config_type type, std::string_view key, std::string_view value) const {
    const auto at = of(type).find(key);
    if (at == of(type).end()) return error{errc::invalid_config, "there is no setting '" + std::string{key} + "' for this resource"};
    const auto scratch = at->second.scratch();
    auto parsed = at->second.row->parse(scratch.get(), value, at->second.factor);
    if (!parsed) return error{errc::invalid_config, std::string{parsed.error().what()}};
    if (at->second.scratch == &make_scratch<storage::log_config>)
        if (auto fine = static_cast<const storage::log_config*>(scratch.get())->check(); !fine) return error{errc::invalid_config, std::string{fine.error().what()}};
    // It could not be told to let somebody in again.
    const auto limits = [&](std::string_view name) { return type == config_type::broker && (key == name || key.ends_with("." + std::string{name})); };
    if ((limits("max.connections") || limits("max.connection.creation.rate")) && value.find_first_not_of('0') == value.npos)
        return error{errc::invalid_config, std::string{key} + "=" + std::string{value} + ": a running broker needs at least one connection"};
    if (type == config_type::broker && key == "cordoned.log.dirs")
        if (const auto* unknown = node_.unknown_directory(static_cast<const node_config*>(scratch.get())->cordoned_log_dirs))
            return error{errc::invalid_config, "cordoned.log.dirs: '" + *unknown + "' is not in log.dirs of this broker"};
    return {};
}

std::string broker_schema::shown(config_type type, std::string_view key, std::string_view value) const {
    const auto at = of(type).find(key);
    if (at == of(type).end()) return std::string{value};
    const auto& [known, row, factor, scratch] = at->second;
    const auto read = scratch();
    if (!row->parse(read.get(), value, factor)) return std::string{value};
    return in_unit(row->print(read.get()), factor).value_or(std::string{value});
}

namespace {

// A stored value that no longer parses (written by another version) is left out and logged.
template <class Config>
Config in_force(Config effective, const metadata::config_entries& own, const metadata::config_entries& of_all,
                const std::string& prefix = {}) {
    for (const auto& row : Config::settings()) {
        if (row.dynamic == dynamic_mode::read_only) continue;
        const auto name = prefix + std::string{row.name};
        const auto look = [&](const metadata::config_entries& in) {
            const auto at = in.find(name);
            return at == in.end() ? nullptr : &at->second;
        };
        const auto* set = look(own);
        if (!set) set = look(of_all);
        if (!set) continue;
        if (auto fine = row.parse(&effective, *set); !fine) broker_schema_logs.warn(fine.error().message() + "; what the file says holds");
    }
    return effective;
}

template <class Config>
Config in_force(Config effective, std::int32_t node, const metadata::image& image, const std::string& prefix = {}) {
    return in_force(std::move(effective), image.configs_of(config_type::broker, std::to_string(node)),
                    image.configs_of(config_type::broker, ""), prefix);
}

}  // namespace

result<void> broker_schema::validate_together(const metadata::image& image, std::string_view broker,
                                              const metadata::config_entries& entries) const {
    const auto& own = broker.empty() ? image.configs_of(config_type::broker, std::to_string(node_.node_id)) : entries;
    const auto& of_all = broker.empty() ? entries : image.configs_of(config_type::broker, "");
    const auto fine = in_force(server_, own, of_all).check();
    return fine ? result<void>{} : error{errc::invalid_config, std::string{fine.error().what()}};
}

running_config config_in_force(const broker_config& config, const metadata::image& image) {
    const auto id = config.node.node_id;
    running_config now{in_force(config.node, id, image), in_force(config.server, id, image), in_force(config.cleaner, id, image)};
    for (auto& [listener, limits] : now.server.limits_of_listeners) limits = in_force(limits, id, image, server::listener_prefix(listener));
    return now;
}

storage::log_config topic_log_config(const broker_config& config, const metadata::image& image, const std::string& topic) {
    auto effective = config.log_defaults;
    effective.producer_id_expiration_ms = in_force(config.node, config.node.node_id, image).producer_id_expiration;
    const auto node = std::to_string(config.node.node_id);
    const auto apply = [&](const setting& row, const std::string& value, std::int64_t factor) {
        if (auto fine = row.parse(&effective, value, factor); !fine) broker_schema_logs.warn("topic " + topic + ": " + fine.error().message() + "; it keeps its default");
    };
    const auto server_rows = storage::log_config::server_settings();
    for (std::size_t at = 0; at < server_rows.size(); ++at) {
        const auto& row = storage::log_config::settings()[at];
        if (const auto* own = image.config(config_type::topic, topic, row.name)) {
            apply(row, *own, 1);
            continue;
        }
        for (const auto& synonym : row.synonyms) {
            const auto* set = image.config(config_type::broker, node, synonym.name);
            if (!set) set = image.config(config_type::broker, "", synonym.name);
            if (!set) continue;
            apply(server_rows[at], *set, synonym.factor);
            break;
        }
    }
    return effective;
}

}  // namespace weir::broker
