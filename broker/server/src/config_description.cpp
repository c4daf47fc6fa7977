#include "config_description.hpp"

#include "topic_creation.hpp"

#include <weir/base/log.hpp>

#include <map>

namespace weir::server {
namespace {

using metadata::config_source;
using metadata::config_type;

class describer {
public:
    explicit describer(const request_context& context)
        : image_(context.image()), schema_(context.broker.configs), node_(std::to_string(context.broker.identity.node_id)) {}

    const metadata::image& image() const noexcept { return *image_; }
    const std::string& node() const noexcept { return node_; }

    // What was set on exactly this resource, then what stands below it; of a broker also under names that mean nothing here.
    std::vector<described_config> resource(config_type type, const std::string& name, config_source source, bool defaults) const {
        std::vector<described_config> all;
        for (const auto* key : schema_.keys(type)) {
            described_config entry{key, key->name, key->default_value, key->default_source, {}, false};
            if (const auto* set = image_->config(type, name, key->name)) entry.layers.push_back({key->name, schema_.shown(type, key->name, *set), source});
            if (defaults) {
                if (type == config_type::topic)
                    for (const auto& server_key : key->server_keys) broker_layers(server_key, entry.layers);
                else if (type == config_type::broker)
                    dynamic_default(key->name, entry.layers);
            }
            if (!entry.layers.empty()) {
                entry.value = schema_.shown(type, key->name, *entry.layers.front().value);
                entry.source = entry.layers.front().source;
                // A broker's retention is for ever at any number below zero, a topic's at -1.
                if (key->name == "retention.ms" && entry.value && entry.value->starts_with('-')) entry.value = "-1";
            }
            if (defaults) {
                for (const auto& [given, text] : key->from_file) entry.layers.push_back({given, text, config_source::static_broker});
                if (const auto* name = name_of_built_in(type, *key); name && key->built_in_value) entry.layers.push_back({*name, key->built_in_value, config_source::built_in});
            }
            if (defaults || !entry.layers.empty()) all.push_back(std::move(entry));
        }
        if (type == config_type::broker) add_unknown(name, source, defaults, all);
        return all;
    }

private:
    void add_unknown(const std::string& name, config_source source, bool defaults, std::vector<described_config>& all) const {
        std::map<std::string, std::vector<config_layer>> found;
        const auto look = [&](const std::string& where, config_source as) {
            for (const auto& [key, value] : image_->configs_of(config_type::broker, where))
                if (!schema_.find(config_type::broker, key)) found[key].push_back({key, value, as});
        };
        look(name, source);
        if (defaults) look("", config_source::broker_default);
        for (auto& [key, layers] : found) {
            const auto first = layers.front();
            all.push_back({nullptr, key, first.value, first.source, std::move(layers), true});
        }
    }
    // A topic's default is the broker's, by its name there; of several the coarsest has it, which is not listed, as in Kafka.
    static const std::string* name_of_built_in(config_type type, const metadata::config_key& key) {
        if (type == config_type::client_metrics) return nullptr;
        if (type != config_type::topic && key.server_keys.empty()) return &key.name;
        return key.server_keys.size() == 1 ? &key.server_keys.front() : nullptr;
    }
    void dynamic_default(const std::string& key, std::vector<config_layer>& layers) const {
        if (const auto* set = image_->config(config_type::broker, "", key)) layers.push_back({key, *set, config_source::broker_default});
    }
    void broker_layers(const std::string& key, std::vector<config_layer>& layers) const {
        if (const auto* set = image_->config(config_type::broker, node_, key)) layers.push_back({key, *set, config_source::broker});
        dynamic_default(key, layers);
    }

    metadata::image_ref image_;
    const metadata::config_schema& schema_;
    std::string node_;
};

std::vector<described_config> describe_loggers() {
    std::vector<described_config> all;
    for (const auto& each : log::levels()) {
        std::string level{log::to_string(each.severity)};
        for (auto& c : level) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        all.push_back({nullptr, each.name, level, config_source::broker_logger, {{each.name, level, config_source::broker_logger}}, false});
    }
    return all;
}

}  // namespace

result<std::vector<described_config>> describe_config(const request_context& context, config_type type, const std::string& name) {
    const describer describe{context};
    switch (type) {
        case config_type::topic:
            if (!is_valid_topic_name(name)) return error{errc::invalid_topic, "'" + name + "' is no topic name"};
            if (!describe.image().find_topic(name)) return error{errc::unknown_topic_or_partition, "there is no topic " + name};
            return describe.resource(type, name, config_source::topic, true);
        case config_type::broker:
            if (name.empty()) return describe.resource(type, name, config_source::broker_default, false);
            if (name != describe.node()) return error{errc::invalid_request, "this is broker " + describe.node() + ", not " + name + ": ask that broker"};
            return describe.resource(type, name, config_source::broker, true);
        case config_type::broker_logger:
            if (name != describe.node()) return error{errc::invalid_request, "this is broker " + describe.node() + ", not " + name + ": ask that broker"};
            return describe_loggers();
        case config_type::client_metrics:
            if (name.empty()) return error{errc::invalid_request, "a client metrics resource has a name"};
            return describe.resource(type, name, config_source::client_metrics, true);
        case config_type::group:
            if (name.empty()) return error{errc::invalid_request, "a group has a name"};
            return describe.resource(type, name, config_source::group, true);
        case config_type::unknown: break;
    }
    return error{errc::invalid_request, "resource type " + std::to_string(static_cast<int>(type)) + " has no settings"};
}

}  // namespace weir::server
