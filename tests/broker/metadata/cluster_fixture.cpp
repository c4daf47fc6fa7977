#include "cluster_fixture.hpp"

#include <algorithm>
#include <charconv>

namespace weir::metadata {

namespace {
controller_config make_config() {
    controller_config config;
    config.node_id = 3000;  // a controller that is no broker
    config.cluster_id = "test-cluster";
    return config;
}
}  // namespace

fake_schema::fake_schema() {
    using value = config_value_type;
    const auto topic = [&](std::string name, value type, std::string fallback,
                           std::vector<std::string> server_keys = {}) {
        add(config_type::topic, std::move(name), type, std::move(fallback)).server_keys = std::move(server_keys);
    };
    topic("cleanup.policy", value::list, "delete", {"log.cleanup.policy"});
    topic("local.retention.bytes", value::int64, "-2");
    topic("local.retention.ms", value::int64, "-2");
    topic("max.compaction.lag.ms", value::int64, "9223372036854775807");
    topic("min.compaction.lag.ms", value::int64, "0");
    topic("min.insync.replicas", value::int32, "1", {"min.insync.replicas"});
    topic("remote.log.delete.on.disable", value::boolean, "false");
    topic("remote.storage.enable", value::boolean, "false");
    topic("retention.bytes", value::int64, "-1");
    topic("retention.ms", value::int64, "604800000", {"log.retention.ms", "log.retention.minutes"});
    topic("unclean.leader.election.enable", value::boolean, "false", {"unclean.leader.election.enable"});

    add(config_type::broker, "log.retention.ms", value::int64, std::nullopt);
    add(config_type::broker, "log.cleanup.policy", value::list, "delete");
    add(config_type::broker, "min.insync.replicas", value::int32, "1");
    add(config_type::broker, "unclean.leader.election.enable", value::boolean, "false");
    add(config_type::broker, "num.partitions", value::int32, "1").read_only = true;
    add(config_type::broker, "ssl.keystore.location", value::string, std::nullopt).per_broker_only = true;
    add(config_type::broker, "ssl.keystore.password", value::password, std::nullopt).sensitive = true;

    add(config_type::group, "consumer.session.timeout.ms", value::int32, "45000");
    add(config_type::client_metrics, "interval.ms", value::int32, "300000");
    add(config_type::client_metrics, "match", value::list, "");
}

config_key& fake_schema::add(config_type type, std::string name, config_value_type value_type,
                             std::optional<std::string> value) {
    auto& made = keys_[type][name];
    made.name = name;
    made.type = value_type;
    made.default_value = std::move(value);
    return made;
}

void fake_schema::set_default(config_type type, std::string_view key, std::string value) {
    auto& known = keys_.at(type).find(key)->second;
    known.default_value = std::move(value);
    known.default_source = config_source::static_broker;
}

const config_key* fake_schema::find(config_type type, std::string_view key) const {
    const auto kind = keys_.find(type);
    if (kind == keys_.end()) return nullptr;
    const auto at = kind->second.find(key);
    return at == kind->second.end() ? nullptr : &at->second;
}

std::vector<const config_key*> fake_schema::keys(config_type type) const {
    std::vector<const config_key*> all;
    for (const auto& [name, key] : keys_.at(type)) all.push_back(&key);
    return all;
}

result<void> fake_schema::validate(config_type type, std::string_view key, std::string_view value) const {
    const auto refuse = [&] {
        return error{errc::invalid_config,
                     "Invalid value " + std::string{value} + " for configuration " + std::string{key}};
    };
    switch (find(type, key)->type) {
        case config_value_type::boolean:
            if (value != "true" && value != "false") return refuse();
            return {};
        case config_value_type::int32:
        case config_value_type::int64: {
            std::int64_t number = 0;
            if (std::from_chars(value.data(), value.data() + value.size(), number).ptr != value.data() + value.size() ||
                value.empty())
                return refuse();
            if (key == "min.insync.replicas" && number < 1) return refuse();
            return {};
        }
        case config_value_type::list:
            if (key == "cleanup.policy" && value != "compact" && value != "delete" && value != "compact,delete" &&
                value != "delete,compact" && !value.empty())
                return refuse();
            return {};
        default: return {};
    }
}

cluster_fixture::cluster_fixture(std::int16_t metadata_version, bool elr) : decider(make_config(), schema, 42) {
    std::vector<protocol::metadata_record> first;
    protocol::feature_level_record level;
    level.name = "metadata.version";
    level.feature_level = metadata_version;
    first.push_back(level);
    if (elr && metadata_version >= 23) {
        level.name = "eligible.leader.replicas.version";
        level.feature_level = 1;
        first.push_back(level);
    }
    now = loader.current();
    commit_records(first);
}

void cluster_fixture::commit_records(const std::vector<protocol::metadata_record>& records) {
    if (records.empty()) return;
    std::int16_t level = now->metadata_version();
    if (level == 0) level = std::get<protocol::feature_level_record>(records.front()).feature_level;
    auto frames = encode_frames(records, level);
    REQUIRE_MESSAGE(frames, frames.error().message());
    std::vector<bytes_view> views(frames->begin(), frames->end());
    const auto base = loader.next_offset();
    const log_batch batch{base, base + static_cast<std::int64_t>(views.size()) - 1, 1, 1'700'000'000'000, views};

    // The controller's own way, without bytes in between, must come to the same.
    const auto before = now;
    auto direct = apply_records(before, records, {batch.last_offset, 1, batch.timestamp});
    REQUIRE_MESSAGE(direct, direct.error().message());

    auto change = loader.apply({&batch, 1});
    REQUIRE_MESSAGE(change, change.error().message());
    REQUIRE(change->has_value());
    now = loader.current();
    if (level >= 23) CHECK(now->same_content(**direct));

    // What is listed as changed covers what really is different.
    const auto differences = compare_images(before, now);
    for (const auto& [id, topic] : differences.topics) CHECK((*change)->topics.contains(id));
    for (const auto id : differences.brokers) CHECK((*change)->brokers.contains(id));
    for (const auto& resource : differences.configs) CHECK((*change)->configs.contains(resource));

    // A snapshot says all of it.
    auto reloaded = apply_records(nullptr, write_snapshot(*now), now->position());
    REQUIRE_MESSAGE(reloaded, reloaded.error().message());
    CHECK((*reloaded)->same_content(*now));
}

protocol::broker_registration_request cluster_fixture::registration(broker_id id, std::uint64_t run) const {
    protocol::broker_registration_request request;
    request.broker_id = id;
    request.cluster_id = "test-cluster";
    request.incarnation_id = {run, static_cast<std::uint64_t>(id)};
    auto& listener = request.listeners.emplace_back();
    listener.name = "PLAINTEXT";
    listener.host = "host" + std::to_string(id);
    listener.port = 9092;
    for (const auto& [name, range] : supported_features()) {
        auto& feature = request.features.emplace_back();
        feature.name = name;
        feature.min_supported_version = range.min;
        feature.max_supported_version = range.max;
    }
    request.rack = std::nullopt;
    request.log_dirs = {directory_of(id)};
    return request;
}

void cluster_fixture::add_broker(broker_id id, broker_options options) {
    auto request = registration(id);
    request.rack = options.rack;
    if (!options.log_dirs.empty()) request.log_dirs = options.log_dirs;
    const auto response = commit(decider.register_broker(context(), request));
    REQUIRE_MESSAGE(response.error_code == 0, name_of(response.error_code));
    if (!options.fenced) REQUIRE_FALSE(heartbeat(id).is_fenced);
}

void cluster_fixture::add_brokers(int count) {
    for (broker_id id = 0; id < count; ++id) add_broker(id);
}

protocol::broker_heartbeat_response cluster_fixture::heartbeat(broker_id id, bool want_fence, bool want_shut_down,
                                                               std::int64_t metadata_offset) {
    protocol::broker_heartbeat_request request;
    request.broker_id = id;
    request.broker_epoch = epoch_of(id);
    request.current_metadata_offset = std::min(metadata_offset, next_offset() - 1);
    request.want_fence = want_fence;
    request.want_shut_down = want_shut_down;
    return commit(decider.broker_heartbeat(context(), request));
}

void cluster_fixture::fence_by_silence(broker_id id) {
    clock += std::chrono::seconds{5};
    for (const auto& [other, each] : now->brokers())
        if (other != id && !each.fenced) heartbeat(other);
    clock += std::chrono::seconds{4};
    for (auto left = now->brokers().size(); left > 0; --left)
        if (commit(decider.fence_expired(context())) == no_broker) break;
    REQUIRE(now->find_broker(id)->fenced);
}

void cluster_fixture::set(config_type type, const std::string& name, const std::string& key, const std::string& value) {
    protocol::incremental_alter_configs_request request;
    auto& resource = request.resources.emplace_back();
    resource.resource_type = static_cast<std::int8_t>(type);
    resource.resource_name = name;
    auto& change = resource.configs.emplace_back();
    change.name = key;
    change.value = value;
    const auto response = commit(decider.incremental_alter_configs(context(), request));
    REQUIRE_MESSAGE(response.responses.front().error_code == 0, response.responses.front().error_message.value_or(""));
}

namespace {
protocol::create_topics_request::creatable_topic& add_topic(protocol::create_topics_request& request,
                                                            const std::string& name,
                                                            const std::map<std::string, std::string>& configs) {
    auto& made = request.topics.emplace_back();
    made.name = name;
    made.num_partitions = -1;
    made.replication_factor = -1;
    for (const auto& [key, value] : configs) {
        auto& config = made.configs.emplace_back();
        config.name = key;
        config.value = value;
    }
    return made;
}
}  // namespace

const topic& cluster_fixture::create(const std::string& name, std::int32_t partitions, std::int16_t factor,
                                     const std::map<std::string, std::string>& configs) {
    protocol::create_topics_request request;
    auto& wanted = add_topic(request, name, configs);
    wanted.num_partitions = partitions;
    wanted.replication_factor = factor;
    const auto response = commit(decider.create_topics(context(), request));
    REQUIRE_MESSAGE(response.topics.front().error_code == 0, response.topics.front().error_message.value_or(""));
    return *now->find_topic(name);
}

const topic& cluster_fixture::create_on(const std::string& name, std::vector<std::vector<broker_id>> assignments,
                                        const std::map<std::string, std::string>& configs) {
    protocol::create_topics_request request;
    auto& wanted = add_topic(request, name, configs);
    for (std::size_t index = 0; index < assignments.size(); ++index) {
        auto& assignment = wanted.assignments.emplace_back();
        assignment.partition_index = static_cast<std::int32_t>(index);
        assignment.broker_ids = assignments[index];
    }
    const auto response = commit(decider.create_topics(context(), request));
    REQUIRE_MESSAGE(response.topics.front().error_code == 0, response.topics.front().error_message.value_or(""));
    return *now->find_topic(name);
}

std::string name_of(std::int16_t error_code) { return std::string{describe(errc_from_wire(error_code)).name}; }

}  // namespace weir::metadata
