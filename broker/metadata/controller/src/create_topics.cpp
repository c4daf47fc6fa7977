#include "cluster_view.hpp"
#include "replica_placer.hpp"
#include "topic_config_rules.hpp"
#include "topic_names.hpp"

#include <weir/metadata/image_builder.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

namespace weir::metadata {

namespace {

using namespace protocol;
using creatable_topic = create_topics_request::creatable_topic;
using topic_result = create_topics_response::creatable_topic_result;

/// Refuses replicas that cannot be: `replication_factor` 0 when it is not known yet.
result<void> check_replicas(const cluster_view& view, std::string_view where, const std::vector<broker_id>& replicas,
                            std::size_t replication_factor) {
    const auto refuse = [&](std::string why) {
        return error{errc::invalid_replica_assignment, fmt::format("{}: {}", where, why)};
    };
    if (replicas.empty()) return refuse("the manual assignment names no replica");
    auto sorted = replicas;
    std::sort(sorted.begin(), sorted.end());
    if (sorted.front() < 0)
        return refuse(fmt::format("the manual assignment names the invalid broker id {}", sorted.front()));
    if (const auto twice = std::adjacent_find(sorted.begin(), sorted.end()); twice != sorted.end())
        return refuse(fmt::format("the manual assignment names broker {} twice", *twice));
    for (const auto id : replicas)
        if (!view.cluster.find_broker(id))
            return refuse(fmt::format("the manual assignment names broker {}, which is not registered", id));
    if (replication_factor != 0 && replicas.size() != replication_factor)
        return refuse(fmt::format("the manual assignment has {} replica(s), other partitions have {}", replicas.size(),
                                  replication_factor));
    return {};
}

/// A partition on `replicas`, with those that are alive in sync. errc is `none_alive` when there is none.
result<partition> new_partition(const cluster_view& view, std::vector<broker_id> replicas, errc none_alive,
                                std::string_view where) {
    partition made;
    std::copy_if(replicas.begin(), replicas.end(), std::back_inserter(made.isr),
                 [&](broker_id id) { return view.is_active(id); });
    if (made.isr.empty())
        return error{none_alive, fmt::format("{}: all brokers of the assignment are fenced or shutting down", where)};
    made.directories.reserve(replicas.size());
    for (const auto id : replicas) made.directories.push_back(view.default_directory(id));
    made.replicas = std::move(replicas);
    made.leader = made.isr.front();
    return made;
}

class topic_creation {
public:
    topic_creation(const cluster_view& view, random_source& random, std::size_t max_partitions)
        : view_(view),
          random_(random),
          placer_(view.cluster, random),
          partitions_left_(max_partitions) {}

    create_topics_response decide(const create_topics_request& request, std::vector<metadata_record>& records) {
        find_duplicates_and_collisions(request);
        create_topics_response response;
        std::set<std::string_view> answered;
        for (const auto& topic : request.topics) {
            if (!answered.insert(topic.name).second) continue;
            auto& result = response.topics.emplace_back();
            result.name = topic.name;
            result.error_message = std::nullopt;
            std::vector<metadata_record> made;
            if (auto done = create(topic, result, made); !done) {
                result = {};
                result.name = topic.name;
                fail(result, done.error());
            } else if (!request.validate_only) {
                std::move(made.begin(), made.end(), std::back_inserter(records));
            }
        }
        return response;
    }

private:
    void find_duplicates_and_collisions(const create_topics_request& request) {
        bool any_may_collide = false;
        for (const auto& topic : request.topics) {
            ++times_named_[topic.name];
            any_may_collide = any_may_collide || may_collide(topic.name);
        }
        if (!any_may_collide) return;
        for (const auto& [name, each] : view_.cluster.topics())
            if (may_collide(name)) colliding_.try_emplace(unify_colliding(name), name);
    }

    result<void> check_name(const creatable_topic& topic) {
        if (times_named_[topic.name] > 1)
            return error{errc::invalid_request, fmt::format("Duplicate topic name: {}", topic.name)};
        if (topic.name == "__cluster_metadata")
            return error{errc::invalid_request, "Creation of internal topic __cluster_metadata is prohibited."};
        if (auto valid = validate_topic_name(topic.name); !valid) return valid;
        if (view_.cluster.find_topic(topic.name))
            return error{errc::topic_already_exists, fmt::format("Topic '{}' already exists.", topic.name)};
        if (!may_collide(topic.name)) return {};
        const auto [at, first] = colliding_.try_emplace(unify_colliding(topic.name), topic.name);
        if (first) return {};
        return error{errc::invalid_topic,
                     fmt::format("Topic '{}' collides with existing topic '{}': '.' and '_' are the "
                                 "same in metric names",
                                 topic.name, at->second)};
    }

    result<config_entries> check_configs(const creatable_topic& topic) {
        config_entries entries;
        for (const auto& each : topic.configs) {
            if (!each.value)
                return error{errc::invalid_config,
                             fmt::format("Null value not supported for topic configs: {}", each.name)};
            entries[each.name] = *each.value;
        }
        const config_resource resource{config_type::topic, topic.name};
        if (auto valid = validate_values(view_.schema, resource, entries); !valid) return valid.error();
        if (auto valid = validate_topic_together(view_, topic.name, {}, entries); !valid) return valid.error();
        return entries;
    }

    result<std::vector<partition>> assigned_by_hand(const creatable_topic& topic) {
        if (topic.replication_factor != -1)
            return error{errc::invalid_request,
                         "A manual partition assignment was specified, but the replication factor was "
                         "not set to -1."};
        if (topic.num_partitions != -1)
            return error{errc::invalid_request,
                         "A manual partition assignment was specified, but the number of partitions "
                         "was not set to -1."};
        std::map<std::int32_t, partition> made;
        std::size_t replication_factor = 0;
        for (const auto& each : topic.assignments) {
            const auto where = fmt::format("{}-{}", topic.name, each.partition_index);
            if (auto valid = check_replicas(view_, where, each.broker_ids, replication_factor); !valid)
                return valid.error();
            replication_factor = each.broker_ids.size();
            auto added = new_partition(view_, each.broker_ids, errc::invalid_replica_assignment, where);
            if (!added) return added.error();
            if (!made.emplace(each.partition_index, std::move(*added)).second)
                return error{errc::invalid_replica_assignment, fmt::format("{} is assigned more than once", where)};
        }
        if (made.begin()->first != 0 || made.rbegin()->first != static_cast<std::int32_t>(made.size()) - 1)
            return error{errc::invalid_replica_assignment,
                         fmt::format("topic {}: partitions should be a consecutive 0-based "
                                     "integer sequence",
                                     topic.name)};
        std::vector<partition> in_order;
        for (auto& [index, each] : made) in_order.push_back(std::move(each));
        return in_order;
    }

    result<std::vector<partition>> placed(const creatable_topic& topic) {
        if (topic.replication_factor < -1 || topic.replication_factor == 0)
            return error{errc::invalid_replication_factor,
                         "Replication factor must be larger than 0, or -1 to use the default value."};
        if (topic.num_partitions < -1 || topic.num_partitions == 0)
            return error{errc::invalid_partitions,
                         fmt::format("Number of partitions was set to {}: it must be larger than 0, or -1 "
                                     "to use the default value.",
                                     topic.num_partitions)};
        const auto count = topic.num_partitions == -1 ? view_.config.num_partitions : topic.num_partitions;
        const auto factor =
            topic.replication_factor == -1 ? view_.config.default_replication_factor : topic.replication_factor;
        if (auto valid = check_budget(static_cast<std::size_t>(count)); !valid) return valid.error();
        if (auto valid = placer_.check(factor); !valid) return valid.error();
        std::vector<partition> made;
        made.reserve(static_cast<std::size_t>(count));
        for (std::int32_t index = 0; index < count; ++index) {
            auto added = new_partition(view_, placer_.next(static_cast<std::size_t>(factor)),
                                       errc::invalid_replication_factor, topic.name);
            if (!added) return added.error();
            made.push_back(std::move(*added));
        }
        return made;
    }

    result<void> check_budget(std::size_t count) const {
        if (count <= partitions_left_) return {};
        return error{errc::policy_violation,
                     fmt::format("Excessively large number of partitions per request: {} more would "
                                 "fit; split the request",
                                 partitions_left_)};
    }

    result<void> create(const creatable_topic& topic, topic_result& result, std::vector<metadata_record>& made) {
        if (auto valid = check_name(topic); !valid) return valid;
        auto configs = check_configs(topic);
        if (!configs) return configs.error();
        if (auto valid = check_budget(topic.assignments.size()); !valid) return valid;
        auto partitions = topic.assignments.empty() ? placed(topic) : assigned_by_hand(topic);
        if (!partitions) return partitions.error();
        partitions_left_ -= partitions->size();

        topic_record record;
        record.name = topic.name;
        record.topic_id = random_uuid(random_);
        made.reserve(1 + configs->size() + partitions->size());
        made.push_back(record);
        for (const auto& [key, value] : *configs) {
            config_record setting;
            setting.resource_type = static_cast<std::int8_t>(config_type::topic);
            setting.resource_name = topic.name;
            setting.name = key;
            setting.value = value;
            made.push_back(std::move(setting));
        }
        for (std::size_t index = 0; index < partitions->size(); ++index)
            made.push_back(to_record(record.topic_id, static_cast<std::int32_t>(index), (*partitions)[index]));

        result.topic_id = record.topic_id;
        result.num_partitions = static_cast<std::int32_t>(partitions->size());
        result.replication_factor = static_cast<std::int16_t>(partitions->front().replicas.size());
        result.configs.emplace();
        for (const auto* key : view_.schema.keys(config_type::topic)) {
            const auto effective = view_.topic_setting(*configs, *key);
            auto& shown = result.configs->emplace_back();
            shown.name = key->name;
            shown.value = key->sensitive ? std::nullopt : effective.value;
            shown.read_only = key->read_only;
            shown.config_source = static_cast<std::int8_t>(effective.source);
            shown.is_sensitive = key->sensitive;
        }
        return {};
    }

    const cluster_view& view_;
    random_source& random_;
    replica_placer placer_;
    std::size_t partitions_left_;
    std::map<std::string_view, int> times_named_;
    std::unordered_map<std::string, std::string> colliding_;
};

/// The partitions a topic gains; also used by validate_only.
result<std::vector<partition>> more_partitions(const cluster_view& view, random_source& random,
                                               std::size_t max_partitions,
                                               const create_partitions_request::create_partitions_topic& wanted) {
    const auto* topic = view.cluster.find_topic(wanted.name);
    if (!topic) return error{errc::unknown_topic_or_partition, fmt::format("topic {} does not exist", wanted.name)};
    const auto present = static_cast<std::int32_t>(topic->partitions.size());
    if (wanted.count == present)
        return error{errc::invalid_partitions, fmt::format("Topic already has {} partition(s).", present)};
    if (wanted.count < present)
        return error{errc::invalid_partitions,
                     fmt::format("The topic {} currently has {} partition(s); {} would not be an "
                                 "increase.",
                                 wanted.name, present, wanted.count)};
    const auto additional = static_cast<std::size_t>(wanted.count - present);
    if (additional > max_partitions)
        return error{errc::policy_violation,
                     fmt::format("Excessively large number of partitions per request: {}, at most {} "
                                 "are allowed; split the request",
                                 additional, max_partitions)};
    if (wanted.assignments && wanted.assignments->size() != additional)
        return error{errc::invalid_replica_assignment,
                     fmt::format("topic {}: {} partition(s) are to be added, but {} "
                                 "assignment(s) were given",
                                 wanted.name, additional, wanted.assignments->size())};
    const auto factor = present == 0 ? std::size_t{1} : topic->partitions.begin()->second.replicas.size();
    replica_placer placer{view.cluster, random};
    if (!wanted.assignments)
        if (auto valid = placer.check(static_cast<std::int32_t>(factor)); !valid) return valid.error();
    std::vector<partition> made;
    for (std::size_t at = 0; at < additional; ++at) {
        const auto where = fmt::format("{}-{}", wanted.name, static_cast<std::size_t>(present) + at);
        std::vector<broker_id> replicas;
        if (wanted.assignments) {
            replicas = (*wanted.assignments)[at].broker_ids;
            if (auto valid = check_replicas(view, where, replicas, factor); !valid) return valid.error();
        } else {
            replicas = placer.next(factor);
        }
        auto added = new_partition(view, std::move(replicas), errc::invalid_replica_assignment, where);
        if (!added) return added.error();
        made.push_back(std::move(*added));
    }
    return made;
}

}  // namespace

decision<create_topics_response> controller::create_topics(const decision_context& context,
                                                           const create_topics_request& request) {
    const cluster_view view{context.cluster, config_, schema_};
    decision<create_topics_response> decided;
    topic_creation creation{view, random_, config_.max_partitions_per_request};
    decided.response = creation.decide(request, decided.records);
    return decided;
}

decision<create_partitions_response> controller::create_partitions(const decision_context& context,
                                                                   const create_partitions_request& request) {
    const cluster_view view{context.cluster, config_, schema_};
    decision<create_partitions_response> decided;
    std::map<std::string_view, int> times_named;
    for (const auto& each : request.topics) ++times_named[each.name];
    std::size_t left = config_.max_partitions_per_request;
    for (const auto& each : request.topics) {
        const int times = std::exchange(times_named[each.name], 0);
        if (times == 0) continue;  // answered
        auto& answer = decided.response.results.emplace_back();
        answer.name = each.name;
        if (times > 1) {
            fail(answer, error{errc::invalid_request, fmt::format("Duplicate topic name: {}", each.name)});
            continue;
        }
        auto added = more_partitions(view, random_, left, each);
        if (!added) {
            fail(answer, added.error());
            continue;
        }
        left -= added->size();
        if (request.validate_only) continue;
        const auto* topic = context.cluster.find_topic(each.name);
        auto index = static_cast<std::int32_t>(topic->partitions.size());
        for (const auto& part : *added) decided.records.push_back(to_record(topic->id, index++, part));
    }
    return decided;
}

}  // namespace weir::metadata
