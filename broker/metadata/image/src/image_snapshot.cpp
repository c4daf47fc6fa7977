#include <weir/metadata/image_builder.hpp>

namespace weir::metadata {

namespace {

using namespace protocol;

template <class Record, class From>
void add_endpoints_and_features(Record& record, const From& of) {
    for (const auto& each : of.endpoints) {
        auto& made = record.end_points.emplace_back();
        made.name = each.listener;
        made.host = each.host;
        made.port = each.port;
        made.security_protocol = each.security_protocol;
    }
    for (const auto& [name, range] : of.features) {
        auto& made = record.features.emplace_back();
        made.name = name;
        made.min_supported_version = range.min;
        made.max_supported_version = range.max;
    }
}

register_broker_record to_record(const broker& of) {
    register_broker_record record;
    record.broker_id = of.id;
    record.is_migrating_zk_broker = of.migrating_from_zk;
    record.incarnation_id = of.incarnation;
    record.broker_epoch = of.epoch;
    add_endpoints_and_features(record, of);
    record.rack = of.rack;
    record.fenced = of.fenced;
    record.in_controlled_shutdown = of.in_controlled_shutdown;
    record.log_dirs = of.log_dirs;
    record.cordoned_log_dirs = of.cordoned_log_dirs;
    return record;
}

register_controller_record to_record(const controller_registration& of) {
    register_controller_record record;
    record.controller_id = of.id;
    record.incarnation_id = of.incarnation;
    record.zk_migration_ready = of.zk_migration_ready;
    add_endpoints_and_features(record, of);
    return record;
}

feature_level_record level_record(std::string name, std::int16_t level) {
    feature_level_record record;
    record.name = std::move(name);
    record.feature_level = level;
    return record;
}

void write_features(const image& of, std::vector<metadata_record>& out) {
    // First of all: it tells the reader how to understand what follows.
    if (of.metadata_version() > 0) out.push_back(level_record("metadata.version", of.metadata_version()));
    for (const auto& [name, level] : of.features()) out.push_back(level_record(name, level));
}

void write_topics(const image& of, std::vector<metadata_record>& out) {
    for (const auto& [name, each] : of.topics()) {
        topic_record record;
        record.name = name;
        record.topic_id = each->id;
        out.push_back(std::move(record));
        for (const auto& [index, part] : each->partitions) out.push_back(to_record(each->id, index, part));
    }
}

void write_configs_and_quotas(const image& of, std::vector<metadata_record>& out) {
    for (const auto& [resource, entries] : of.configs())
        for (const auto& [key, value] : *entries) {
            config_record record;
            record.resource_type = static_cast<std::int8_t>(resource.type);
            record.resource_name = resource.name;
            record.name = key;
            record.value = value;
            out.push_back(std::move(record));
        }
    for (const auto& [entity, values] : of.quotas())
        for (const auto& [key, value] : values) {
            client_quota_record record;
            for (const auto& [type, name] : entity) {
                auto& part = record.entity.emplace_back();
                part.entity_type = type;
                part.entity_name = name;
            }
            record.key = key;
            record.value = value;
            out.push_back(std::move(record));
        }
}

void write_security(const image& of, std::vector<metadata_record>& out) {
    for (const auto& [id, entry] : of.acls()) {
        access_control_entry_record record;
        record.id = id;
        record.resource_type = entry.resource_type;
        record.resource_name = entry.resource_name;
        record.pattern_type = entry.pattern_type;
        record.principal = entry.principal;
        record.host = entry.host;
        record.operation = entry.operation;
        record.permission_type = entry.permission;
        out.push_back(std::move(record));
    }
    for (const auto& [key, credential] : of.scram_credentials()) {
        user_scram_credential_record record;
        record.name = key.user;
        record.mechanism = key.mechanism;
        record.salt = credential.salt;
        record.stored_key = credential.stored_key;
        record.server_key = credential.server_key;
        record.iterations = credential.iterations;
        out.push_back(std::move(record));
    }
    for (const auto& [id, token] : of.delegation_tokens()) {
        delegation_token_record record;
        record.owner = token.owner;
        record.requester = token.requester;
        record.renewers = token.renewers;
        record.issue_timestamp = token.issued;
        record.max_timestamp = token.max_timestamp;
        record.expiration_timestamp = token.expires;
        record.token_id = id;
        out.push_back(std::move(record));
    }
}

}  // namespace

partition_record to_record(const uuid& topic, std::int32_t index, const partition& of) {
    partition_record record;
    record.partition_id = index;
    record.topic_id = topic;
    record.replicas = of.replicas;
    record.isr = of.isr;
    record.removing_replicas = of.removing_replicas;
    record.adding_replicas = of.adding_replicas;
    record.leader = of.leader;
    record.leader_recovery_state = static_cast<std::int8_t>(of.recovery);
    record.leader_epoch = of.leader_epoch;
    record.partition_epoch = of.partition_epoch;
    record.directories = of.directories;
    // Tagged: left out when empty, to save space in a log that has one such record per partition.
    if (!of.elr.empty()) record.eligible_leader_replicas = of.elr;
    if (!of.last_known_elr.empty()) record.last_known_elr = of.last_known_elr;
    return record;
}

std::vector<metadata_record> write_snapshot(const image& of) {
    std::vector<metadata_record> out;
    out.reserve(of.features().size() + of.brokers().size() + of.topics().size() + of.partition_count() + 16);
    write_features(of, out);
    for (const auto& [id, each] : of.brokers()) out.push_back(to_record(each));
    for (const auto& [id, each] : of.controllers()) out.push_back(to_record(each));
    write_topics(of, out);
    write_configs_and_quotas(of, out);
    if (of.next_producer_id() > 0) {
        producer_ids_record record;
        record.broker_id = no_broker;
        record.next_producer_id = of.next_producer_id();
        out.push_back(std::move(record));
    }
    write_security(of, out);
    return out;
}

}  // namespace weir::metadata
