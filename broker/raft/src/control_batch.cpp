#include "control_batch.hpp"

#include <weir/protocol/codec.hpp>
#include <weir/protocol/messages/control_records.hpp>
#include <weir/protocol/records/record.hpp>

namespace weir::raft {
namespace {

// The types of control records that only the metadata log has; the key is int16 version 0 and int16 type.
enum class control : std::int16_t { leader_change = 2, snapshot_header = 3, snapshot_footer = 4, kraft_version = 5, voters = 6 };

void add(protocol::batch_builder& builder, control type, timestamp_ms now, const bytes& body) {
    bytes key(4);
    store_big_endian(key.data() + 2, static_cast<std::int16_t>(type));
    *builder.append(now, bytes_view{key}, bytes_view{body});
}

protocol::leader_change_message to_wire(const leader_change& change) {
    protocol::leader_change_message message{.leader_id = change.leader};
    for (const auto id : change.voters) message.voters.push_back({.voter_id = id});
    for (const auto id : change.granting) message.granting_voters.push_back({.voter_id = id});
    return message;
}

protocol::voters_record to_wire(const voter_set& voters) {
    protocol::voters_record record;
    for (const auto& one : voters) {
        auto& row = record.voters.emplace_back();
        row.voter_id = one.key.id;
        row.voter_directory_id = one.key.directory;
        for (const auto& where : one.endpoints)
            row.endpoints.push_back({.name = where.listener, .host = where.host, .port = where.port});
        row.k_raft_version_feature.min_supported_version = one.min_kraft_version;
        row.k_raft_version_feature.max_supported_version = one.max_kraft_version;
    }
    return record;
}

voter_set from_wire(const protocol::voters_record& record) {
    std::vector<voter> members;
    for (const auto& row : record.voters) {
        auto& one = members.emplace_back();
        one.key = {row.voter_id, row.voter_directory_id};
        for (const auto& where : row.endpoints) one.endpoints.push_back({where.name, where.host, where.port});
        one.min_kraft_version = row.k_raft_version_feature.min_supported_version;
        one.max_kraft_version = row.k_raft_version_feature.max_supported_version;
    }
    return voter_set{std::move(members)};
}

}  // namespace

bytes build_control_batch(const control_content& content, timestamp_ms now, log_offset base_offset, quorum_epoch epoch) {
    protocol::batch_settings settings;
    settings.base_offset = base_offset;
    settings.leader_epoch = epoch;
    settings.control = true;
    protocol::batch_builder builder{settings};
    // Version 0 throughout: what Kafka 4.3 writes. None of these can fail to encode.
    if (content.change) add(builder, control::leader_change, now, *protocol::encode(to_wire(*content.change), 0));
    if (content.snapshot_header) {
        const protocol::snapshot_header_record header{.last_contained_log_timestamp = *content.snapshot_header};
        add(builder, control::snapshot_header, now, *protocol::encode(header, 0));
    }
    if (content.kraft_version) {
        const protocol::kraft_version_record version{.k_raft_version = *content.kraft_version};
        add(builder, control::kraft_version, now, *protocol::encode(version, 0));
    }
    if (content.voters) add(builder, control::voters, now, *protocol::encode(to_wire(*content.voters), 0));
    if (content.snapshot_footer) add(builder, control::snapshot_footer, now, *protocol::encode(protocol::snapshot_footer_record{}, 0));
    return *builder.finish();
}

result<control_content> read_control_batch(const protocol::batch_view& batch, control_record_offsets* offsets) {
    if (batch.compressed()) return error{errc::invalid_record, "metadata log: a compressed control batch"};
    control_content content;
    protocol::record_cursor cursor{batch, batch.payload()};
    protocol::record_view record;
    while (cursor.next(record)) {
        if (!record.key || record.key->size() < 4 || !record.value || record.value->size() < 2)
            return error{errc::invalid_record,
                         "metadata log: the control record at offset " + std::to_string(record.offset) + " is cut"};
        const auto type = static_cast<control>(load_big_endian<std::int16_t>(record.key->data() + 2));
        const bytes_view body = *record.value;
        switch (type) {
            case control::leader_change: {
                const auto version = load_big_endian<std::int16_t>(body.data());
                const auto read = protocol::decode<protocol::leader_change_message>(body, version);
                if (!read) return read.error();
                content.change.emplace();
                content.change->leader = read->leader_id;
                for (const auto& one : read->voters) content.change->voters.push_back(one.voter_id);
                for (const auto& one : read->granting_voters) content.change->granting.push_back(one.voter_id);
                break;
            }
            case control::snapshot_header: {
                const auto read = protocol::decode<protocol::snapshot_header_record>(body, 0);
                if (!read) return read.error();
                content.snapshot_header = read->last_contained_log_timestamp;
                break;
            }
            case control::kraft_version: {
                const auto read = protocol::decode<protocol::kraft_version_record>(body, 0);
                if (!read) return read.error();
                content.kraft_version = read->k_raft_version;
                if (offsets) offsets->kraft_version = record.offset;
                break;
            }
            case control::voters: {
                const auto read = protocol::decode<protocol::voters_record>(body, 0);
                if (!read) return read.error();
                content.voters = from_wire(*read);
                if (offsets) offsets->voters = record.offset;
                break;
            }
            case control::snapshot_footer: content.snapshot_footer = true; break;
            default: break;  // a type of a later version: its effect is not for us
        }
    }
    if (cursor.failed()) return cursor.failure();
    return content;
}

}  // namespace weir::raft
