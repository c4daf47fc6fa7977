// AlterConfigs (replaces everything) and IncrementalAlterConfigs (changes what it names).
#include "cluster_view.hpp"
#include "topic_config_rules.hpp"
#include "topic_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

namespace weir::metadata {

namespace {

using namespace protocol;

enum class operation : std::int8_t { set = 0, erase = 1, append = 2, subtract = 3 };
constexpr std::string_view min_isr_key = "min.insync.replicas";

std::vector<std::string> split(std::string_view list) {
    std::vector<std::string> items;
    while (!list.empty()) {
        const auto comma = std::min(list.find(','), list.size());
        if (comma > 0) items.emplace_back(list.substr(0, comma));
        list.remove_prefix(std::min(comma + 1, list.size()));
    }
    return items;
}
std::string join(const std::vector<std::string>& items) { return fmt::format("{}", fmt::join(items, ",")); }

result<void> check_broker(const image& cluster, const std::string& name) {
    if (name.empty()) return {};  // the default of all brokers
    broker_id id = no_broker;
    const auto* end = name.data() + name.size();
    if (std::from_chars(name.data(), end, id).ptr != end)
        return error{errc::invalid_request, fmt::format("Unable to parse broker name '{}' as a base 10 number.", name)};
    if (id < 0) return error{errc::invalid_request, fmt::format("Invalid negative broker ID {}.", id)};
    if (!cluster.find_broker(id))
        return error{errc::broker_id_not_registered, fmt::format("No broker with id {} found.", id)};
    return {};
}

/// The resource is of a kind that lives in the metadata log, has a name of the right form, and exists.
result<void> check_resource(const image& cluster, const config_resource& resource) {
    const auto no_default = [&](std::string_view kind) {
        return error{errc::invalid_request, fmt::format("Default {} resources are not allowed.", kind)};
    };
    switch (resource.type) {
        case config_type::topic:
            if (resource.name.empty()) return no_default("topic");
            if (auto valid = validate_topic_name(resource.name); !valid) return valid;
            if (!cluster.find_topic(resource.name))
                return error{errc::unknown_topic_or_partition,
                             fmt::format("The topic '{}' does not exist.", resource.name)};
            return {};
        case config_type::broker: return check_broker(cluster, resource.name);
        case config_type::group:
            if (resource.name.empty()) return no_default("group");
            return {};
        case config_type::client_metrics:
            if (resource.name.empty()) return no_default("client metrics");
            return {};
        default:
            return error{errc::invalid_request,
                         fmt::format("Unknown resource type {}", static_cast<int>(resource.type))};
    }
}

/// Works out what one resource would have, checks it, and appends the records that lead there.
class resource_change {
public:
    resource_change(const cluster_view& view, config_resource resource)
        : view_(view),
          resource_(std::move(resource)),
          before_(view.cluster.configs_of(resource_.type, resource_.name)),
          after_(before_) {}

    result<void> change(const std::string& key, operation how, const std::optional<std::string>& value) {
        if (!touched_.insert(key).second)
            return error{errc::invalid_request, fmt::format("Error due to duplicate config keys: {}", key)};
        if (how == operation::erase) {
            after_.erase(key);
            return {};
        }
        if (!value) return error{errc::invalid_request, fmt::format("Null value not supported for: {}", key)};
        if (how == operation::set) {
            after_[key] = *value;
            return {};
        }
        return change_list(key, how, *value);
    }
    /// Everything that was not set again goes: AlterConfigs.
    void erase_untouched() {
        for (const auto& [key, value] : before_)
            if (!touched_.contains(key)) after_.erase(key);
        for (const auto& [key, value] : before_) touched_.insert(key);
    }

    result<void> finish(std::vector<metadata_record>& records) {
        if (auto valid = check(); !valid) return valid;
        bool min_isr_changed = false;
        for (const auto& key : touched_) {
            const auto was = before_.find(key);
            const auto is = after_.find(key);
            const bool same =
                was == before_.end() ? is == after_.end() : is != after_.end() && was->second == is->second;
            // Brokers reload what a record names, so setting a broker's key again means something (certificates).
            if (same && (resource_.type != config_type::broker || is == after_.end())) continue;
            config_record record;
            record.resource_type = static_cast<std::int8_t>(resource_.type);
            record.resource_name = resource_.name;
            record.name = key;
            record.value = is == after_.end() ? std::nullopt : std::optional{is->second};
            records.push_back(std::move(record));
            min_isr_changed = min_isr_changed || (key == min_isr_key && !same);
        }
        // What was eligible under the old bound need not be under the new one.
        if (min_isr_changed && view_.elr_enabled()) {
            clear_elr_record record;
            if (resource_.type == config_type::topic) record.topic_name = resource_.name;
            records.push_back(std::move(record));
        }
        return {};
    }

private:
    result<void> change_list(const std::string& key, operation how, const std::string& value) {
        const auto* known = view_.schema.find(resource_.type, key);
        // Kafka's controller knows the types of settings of topics and brokers alone.
        const bool has_type = resource_.type == config_type::topic || resource_.type == config_type::broker;
        if (!known || !has_type || known->type != config_value_type::list)
            return error{errc::invalid_config, fmt::format("Can't {} to key {} because its type is not LIST.",
                                                           how == operation::append ? "APPEND" : "SUBTRACT", key)};
        const auto at = after_.find(key);
        auto items = split(at != after_.end() ? at->second : known->default_value.value_or(""));
        for (auto& each : split(value)) {
            if (how == operation::subtract)
                std::erase(items, each);
            else if (std::find(items.begin(), items.end(), each) == items.end())
                items.push_back(std::move(each));
        }
        after_[key] = join(items);
        return {};
    }

    result<void> check() {
        if (auto valid = check_resource(view_.cluster, resource_); !valid) return valid;
        if (resource_.type == config_type::broker) {
            if (auto valid = check_broker_keys(); !valid) return valid;
        }
        config_entries changed;
        for (const auto& key : touched_)
            if (const auto at = after_.find(key); at != after_.end()) changed.insert(*at);
        if (auto valid = validate_values(view_.schema, resource_, changed); !valid) return valid;
        if (resource_.type == config_type::topic)
            return validate_topic_together(view_, resource_.name, before_, after_);
        if (resource_.type == config_type::broker)
            if (auto valid = view_.schema.validate_together(view_.cluster, resource_.name, after_); !valid)
                return error{errc::invalid_request, std::string{valid.error().what()}};
        return {};
    }

    result<void> check_broker_keys() {
        for (const auto& key : touched_) {
            const auto* known = view_.schema.find(config_type::broker, key);
            if (known && known->read_only)
                return error{errc::invalid_request,
                             fmt::format("Cannot update these configs dynamically: {} needs a restart", key)};
            if (known && known->per_broker_only && resource_.name.empty())
                return error{errc::invalid_request,
                             fmt::format("Cannot update these configs at default cluster level, broker id "
                                         "must be specified: {}",
                                         key)};
            if (key == min_isr_key && view_.elr_enabled()) {
                if (!resource_.name.empty())
                    return error{errc::invalid_config,
                                 "Broker-level min.insync.replicas cannot be altered while ELR is enabled."};
                if (!after_.contains(key))
                    return error{errc::invalid_config,
                                 "Cluster-level min.insync.replicas cannot be removed while ELR is enabled."};
            }
        }
        return {};
    }

    const cluster_view& view_;
    config_resource resource_;
    const config_entries& before_;
    config_entries after_;
    std::set<std::string> touched_;
};

/// Both requests have the same outline: `apply` feeds the entries of one resource into its change.
template <class Response, class Request, class Apply>
decision<Response> alter(const cluster_view& view, const Request& request, Apply apply) {
    decision<Response> decided;
    std::map<config_resource, int> times;
    for (const auto& each : request.resources) ++times[{config_type{each.resource_type}, each.resource_name}];
    for (const auto& each : request.resources) {
        const config_resource resource{config_type{each.resource_type}, each.resource_name};
        const int given = std::exchange(times[resource], 0);
        if (given == 0) continue;  // answered
        auto& answer = decided.response.responses.emplace_back();
        answer.resource_type = each.resource_type;
        answer.resource_name = each.resource_name;
        answer.error_message = std::nullopt;
        if (given > 1) {
            fail(answer, error{errc::invalid_request, "Each resource must appear at most once."});
            continue;
        }
        resource_change change{view, resource};
        std::vector<metadata_record> records;
        auto done = apply(each, change);
        if (done) done = change.finish(records);
        if (!done)
            fail(answer, done.error());
        else if (!request.validate_only)
            std::move(records.begin(), records.end(), std::back_inserter(decided.records));
    }
    return decided;
}

}  // namespace

decision<alter_configs_response> controller::alter_configs(const decision_context& context,
                                                           const alter_configs_request& request) {
    const cluster_view view{context.cluster, config_, schema_};
    return alter<alter_configs_response>(
        view, request, [](const auto& resource, resource_change& change) -> result<void> {
            for (const auto& each : resource.configs)
                if (auto done = change.change(each.name, operation::set, each.value); !done) return done;
            change.erase_untouched();
            return {};
        });
}

decision<incremental_alter_configs_response> controller::incremental_alter_configs(
    const decision_context& context, const incremental_alter_configs_request& request) {
    const cluster_view view{context.cluster, config_, schema_};
    return alter<incremental_alter_configs_response>(
        view, request, [](const auto& resource, resource_change& change) -> result<void> {
            for (const auto& each : resource.configs) {
                if (each.config_operation < 0 || each.config_operation > 3)
                    return error{errc::invalid_request,
                                 fmt::format("Unknown operation {} for config {}", each.config_operation, each.name)};
                if (auto done = change.change(each.name, operation{each.config_operation}, each.value); !done)
                    return done;
            }
            return {};
        });
}

}  // namespace weir::metadata
