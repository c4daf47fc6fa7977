#include "records.hpp"

#include <weir/protocol/coordinator_records.hpp>

namespace weir::group {

namespace {

constexpr std::int16_t legacy_offset_key = 0;
constexpr std::int16_t offset_key = 1;
constexpr std::int16_t group_key = 2;
// What Apache Kafka 4.3 writes. Version 1 of an offset is the only one with an expiry of its own.
constexpr std::int16_t offset_value_version = 4;
constexpr std::int16_t offset_value_with_expiry = 1;
constexpr std::int16_t group_value_version = 3;

bytes key_of(std::string_view group, std::string_view topic, std::int32_t partition) {
    protocol::offset_commit_key key;
    key.group = group;
    key.topic = topic;
    key.partition = partition;
    return *protocol::encode_record_key(key);
}

template <class Value>
result<std::optional<Value>> read_value(std::optional<bytes_view> value) {
    if (!value) return std::optional<Value>{};
    if (value->size() < 2) return error{errc::malformed, "the value has no version"};
    const auto version = load_big_endian<std::int16_t>(value->data());
    auto body = protocol::decode<Value>(value->subspan(2), version);
    if (!body) return body.error();
    return std::optional<Value>{std::move(*body)};
}

template <class Key>
result<Key> read_key(bytes_view key) {
    return protocol::decode<Key>(key.subspan(2), 0);
}

}  // namespace

record offset_record(std::string_view group, std::string_view topic, std::int32_t partition,
                     const committed_offset& value) {
    protocol::offset_commit_value body;
    body.offset = value.offset;
    body.leader_epoch = value.leader_epoch;
    body.metadata = value.metadata;
    body.commit_timestamp = value.commit_timestamp;
    body.expire_timestamp = value.expire_timestamp;
    body.topic_id = value.topic_id;
    const auto version = value.expire_timestamp == -1 ? offset_value_version : offset_value_with_expiry;
    return {key_of(group, topic, partition), *protocol::encode_record_value(body, version)};
}

record offset_tombstone(std::string_view group, std::string_view topic, std::int32_t partition) {
    return {key_of(group, topic, partition), std::nullopt};
}

record group_record(const classic_group& group, const std::map<std::string, bytes, std::less<>>& assignments,
                    timestamp_ms now) {
    protocol::group_metadata_value body;
    body.protocol_type = group.protocol_type.value_or("");
    body.generation = group.generation;
    body.protocol = group.protocol;
    body.leader = group.leader;
    body.current_state_timestamp = now;
    for (const auto& [id, m] : group.members) {
        auto& out = body.members.emplace_back();
        out.member_id = id;
        out.group_instance_id = m.instance_id;
        out.client_id = m.client_id;
        out.client_host = m.client_host;
        out.rebalance_timeout = static_cast<std::int32_t>(m.rebalance_timeout.count());
        out.session_timeout = static_cast<std::int32_t>(m.session_timeout.count());
        if (group.protocol) out.subscription = m.metadata(*group.protocol);
        if (const auto at = assignments.find(id); at != assignments.end()) out.assignment = at->second;
    }
    protocol::group_metadata_key key;
    key.group = group.id;
    return {*protocol::encode_record_key(key), *protocol::encode_record_value(body, group_value_version)};
}

record group_tombstone(std::string_view group) {
    protocol::group_metadata_key key;
    key.group = group;
    return {*protocol::encode_record_key(key), std::nullopt};
}

result<log_entry> read_record(bytes_view key, std::optional<bytes_view> value) {
    if (key.size() < 2) return error{errc::malformed, "the key has no type"};
    const auto type = load_big_endian<std::int16_t>(key.data());
    if (type == legacy_offset_key || type == offset_key) {
        auto name = read_key<protocol::offset_commit_key>(key);
        if (!name) return name.error();
        auto body = read_value<protocol::offset_commit_value>(value);
        if (!body) return body.error();
        return log_entry{offset_entry{std::move(*name), std::move(*body)}};
    }
    if (type == group_key) {
        auto name = read_key<protocol::group_metadata_key>(key);
        if (!name) return name.error();
        auto body = read_value<protocol::group_metadata_value>(value);
        if (!body) return body.error();
        return log_entry{group_entry{std::move(*name), std::move(*body)}};
    }
    return log_entry{foreign_entry{type}};
}

}  // namespace weir::group
