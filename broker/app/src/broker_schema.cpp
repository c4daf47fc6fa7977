#include "broker_schema.hpp"

#include "entity_configs.hpp"

#include <weir/base/log.hpp>
#include <weir/server/client_metrics_config.hpp>

#include <limits>

namespace weir::broker {
namespace {

using metadata::config_key;
using metadata::config_source;
using metadata::config_type;
using metadata::config_value_type;

log::logger logs{"weir.broker.config"};

template <class Config>
std::shared_ptr<void> make_scratch() {
    return std::make_shared<Config>();
}

config_key make_key(const setting& row, std::string_view name, std::optional<std::string> value, config_source source) {
    config_key key;
    key.name = name;
    key.type = static_cast<config_value_type>(row.type);
    key.sensitive = row.is_sensitive;
    key.default_value = std::move(value);
    key.default_source = source;
    key.documentation = row.doc;
    return key;
}

}  // namespace

broker_schema::broker_schema(const broker_config& config) {
    add_topic_rows(config);
    add(config_type::broker, config.node, config);
    add(config_type::broker, config.server, config);
    add(config_type::broker, config.groups, config);
    add(config_type::broker, config.cleaner, config);
    add(config_type::group, group_entity_config{}, config);
    add(config_type::client_metrics, server::client_metrics_config{}, config);
}

template <class Config>
void broker_schema::add(config_type type, const Config& values, const broker_config& config) {
    for (const auto& row : Config::settings()) {
        const bool of_broker = type == config_type::broker;
        const bool given = of_broker && config.given.contains(std::string{row.name});
        auto key = make_key(row, row.name, row.print(&values), given ? config_source::static_broker : config_source::built_in);
        key.read_only = of_broker && row.dynamic == dynamic_mode::read_only;
        key.per_broker_only = of_broker && row.dynamic == dynamic_mode::per_broker;
        all_[type].emplace(row.name, entry{std::move(key), &row, 1, &make_scratch<Config>});
    }
}

// Each topic setting, and under its synonyms the broker settings that give its default. Those can be changed while the
// broker runs: a topic's logs take what holds now (topic_log_config).
void broker_schema::add_topic_rows(const broker_config& config) {
    for (const auto& row : storage::log_config::settings()) {
        auto key = make_key(row, row.name, row.print(&config.log_defaults), config_source::built_in);
        for (const auto& synonym : row.synonyms) {
            key.server_keys.emplace_back(synonym.name);
            const auto given = config.given.find(synonym.name);
            if (given != config.given.end()) key.default_source = config_source::static_broker;
            std::optional<std::string> value;
            if (given != config.given.end()) value = given->second.value;
            else if (synonym.factor == 1) value = row.default_text;
            auto broker_key = make_key(row, synonym.name, std::move(value), given != config.given.end() ? config_source::static_broker : config_source::built_in);
            broker_key.read_only = synonym.factor != 1;  // as in Kafka: hours and minutes need a restart
            all_[config_type::broker].emplace(synonym.name, entry{std::move(broker_key), &row, synonym.factor, &make_scratch<storage::log_config>});
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
    return {};
}

storage::log_config topic_log_config(const broker_config& config, const metadata::image& image, const std::string& topic) {
    auto effective = config.log_defaults;
    const auto node = std::to_string(config.node.node_id);
    const auto apply = [&](const setting& row, const std::string& value, std::int64_t factor) {
        if (auto fine = row.parse(&effective, value, factor); !fine) logs.warn("topic " + topic + ": " + fine.error().message() + "; it keeps its default");
    };
    for (const auto& row : storage::log_config::settings()) {
        if (const auto* own = image.config(config_type::topic, topic, row.name)) {
            apply(row, *own, 1);
            continue;
        }
        for (const auto& synonym : row.synonyms) {
            const auto* set = image.config(config_type::broker, node, synonym.name);
            if (!set) set = image.config(config_type::broker, "", synonym.name);
            if (!set) continue;
            apply(row, *set, synonym.factor);
            break;
        }
    }
    return effective;
}

}  // namespace weir::broker
