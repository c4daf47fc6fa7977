#include "record_decoder.hpp"

#include <weir/protocol/codec.hpp>
#include <weir/protocol/json.hpp>
#include <weir/protocol/json_writer.hpp>
#include <weir/protocol/messages/consumer_protocol.hpp>
#include <weir/protocol/messages/group_coordinator_records.hpp>
#include <weir/protocol/metadata_record.hpp>
#include <weir/protocol/records/control_records.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace weir::tools {

using namespace protocol;

namespace {

const message_type* find(std::string_view schema, std::string_view kind, std::int16_t number) {
    for (const auto& type : messages_of(schema))
        if (type.kind == kind && type.number == number) return &type;
    return nullptr;
}

/// "REGISTER_BROKER_RECORD" for "RegisterBrokerRecord".
std::string constant_name(std::string_view name) {
    std::string text;
    for (const char c : name) {
        if (std::isupper(static_cast<unsigned char>(c)) && !text.empty()) text += '_';
        text += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
    return text;
}

std::string as_base64(bytes_view data) {
    json_writer out;
    out.base64(data);
    return out.take();
}

/// A consumer's subscription or assignment; the bytes when they are none.
template <class Body>
std::string embedded_json(const bytes& data) {
    reader in{data};
    const auto version = in.number<std::int16_t>("version");
    auto body = in.ok() ? decode<Body>(in, version) : result<Body>{errc::malformed};
    return body ? to_json(*body, version) : as_base64(data);
}

/// Replaces the value of the next `"name":"..."` behind `at`. The pattern cannot occur inside a string of the document,
/// where its quotes would be escaped.
void replace_value(std::string& document, std::size_t& at, std::string_view name, const std::string& with) {
    const auto pattern = fmt::format("\"{}\":\"", name);
    const auto found = document.find(pattern, at);
    if (found == document.npos) return;
    const auto begin = found + pattern.size() - 1;
    const auto end = document.find('"', begin + 1) + 1;
    document.replace(begin, end - begin, with);
    at = begin + with.size();
}

std::string group_metadata_json(const group_metadata_value& value, std::int16_t version) {
    auto document = to_json(value, version);
    if (value.protocol_type != "consumer") return document;
    std::size_t at = 0;
    for (const auto& member : value.members) {
        replace_value(document, at, "subscription", embedded_json<consumer_protocol_subscription>(member.subscription));
        replace_value(document, at, "assignment", embedded_json<consumer_protocol_assignment>(member.assignment));
    }
    return document;
}

decoded_record decode_coordinator(std::string_view schema, const record_view& record, bool as_dump) {
    const std::string_view quote = as_dump ? "\"" : "";
    const auto fails = [&](std::string_view why) { return decoded_record{fmt::format("Error at offset {}, skipping. {}", record.offset, why), {}, false}; };
    if (!record.key) return fails("the record has no key");
    reader key_in{*record.key};
    const auto number = key_in.number<std::int16_t>("type");
    const auto* key_type = key_in.ok() ? find(schema, "coordinator-key", number) : nullptr;
    const auto* value_type = find(schema, "coordinator-value", number);
    if (!key_type || !value_type) return {fmt::format("Unknown record type {} at offset {}, skipping.", number, record.offset), {}, false};
    auto key = decode(*key_type, key_in, 0);
    if (!key) return fails(key.error().message());
    decoded_record found{fmt::format("{{\"type\":{0}{1}{0},\"data\":{2}}}", quote, number, to_json(*key_type, key->get(), 0)), "<DELETE>", true};
    if (!record.value) return found;
    reader value_in{*record.value};
    const auto version = value_in.number<std::int16_t>("version");
    auto value = decode(*value_type, value_in, version);
    if (!value) return fails(value.error().message());
    const auto data = as_dump && value_type->name == group_metadata_value::message_name
                          ? group_metadata_json(*static_cast<const group_metadata_value*>(value->get()), version)
                          : to_json(*value_type, value->get(), version);
    found.payload = fmt::format("{{\"version\":{0}{1}{0},\"data\":{2}}}", quote, version, data);
    return found;
}

decoded_record decode_framed(std::string_view schema, const record_view& record) {
    const auto fails = [&](std::string_view why) { return decoded_record{{}, fmt::format("Error at {}, skipping. {}", record.offset, why), false}; };
    if (!record.value) return fails("the record has no value");
    reader in{*record.value};
    auto head = read_record_frame(in);
    if (!head) return fails(head.error().message());
    const auto* type = find(schema, "metadata", static_cast<std::int16_t>(head->type));
    if (!type) return fails(fmt::format("unknown record type {}", head->type));
    auto body = decode(*type, in, head->version);
    if (!body) return fails(body.error().message());
    return {{}, fmt::format("{{\"type\":\"{}\",\"version\":{},\"data\":{}}}", constant_name(type->name), head->version, to_json(*type, body->get(), head->version)), true};
}

std::string plain(value_form form, bytes_view data) {
    auto text = to_text(form, data);
    return text ? *text : *to_text(value_form::hex, data);
}

std::string control_json(std::string_view message, bytes_view value) {
    const auto* type = find_message(message);
    if (value.size() < 2) return "{}";
    const auto version = load_big_endian<std::int16_t>(value.data());  // each begins with its own
    reader in{value};
    auto body = decode(*type, in, version);
    return body ? to_json(*type, body->get(), version) : body.error().message();
}

}  // namespace

decoded_record record_decoder::decode(const record_view& record) const {
    switch (kind) {
        case record_kind::offsets: return decode_coordinator("group_coordinator_records", record, as_dump);
        case record_kind::transactions: return decode_coordinator("transaction_records", record, as_dump);
        case record_kind::share_state: return decode_coordinator("share_records", record, as_dump);
        case record_kind::cluster_metadata: return decode_framed("metadata_records", record);
        case record_kind::remote_log_metadata: return decode_framed("remote_log_metadata_records", record);
        case record_kind::plain: break;
    }
    decoded_record found;
    if (record.key) found.key = plain(key, *record.key);
    if (record.value) found.payload = plain(value, *record.value);
    return found;
}

std::string describe_control(const record_view& record) {
    const auto type = read_control_type(record);
    const auto body = record.value.value_or(bytes_view{});
    if (!type) return " controlType: UNKNOWN(" + type.error().message() + ")";
    if (!*type) return fmt::format(" controlType: UNKNOWN({})", load_big_endian<std::int16_t>(record.key->data() + 2));
    switch (**type) {
        case control_type::abort:
        case control_type::commit: {
            const auto marker = read_end_txn_marker(record);
            if (!marker) return " endTxnMarker: " + marker.error().message();
            return fmt::format(" endTxnMarker: {} coordinatorEpoch: {}", marker->commit ? "COMMIT" : "ABORT", marker->coordinator_epoch);
        }
        case control_type::leader_change: return " LeaderChange: " + control_json("LeaderChangeMessage", body);
        case control_type::snapshot_header: return " SnapshotHeader " + control_json("SnapshotHeaderRecord", body);
        case control_type::snapshot_footer: return " SnapshotFooter " + control_json("SnapshotFooterRecord", body);
        case control_type::kraft_version: return " KRaftVersion " + control_json("KRaftVersionRecord", body);
        case control_type::kraft_voters: return " KRaftVoters " + control_json("VotersRecord", body);
    }
    return {};
}

}  // namespace weir::tools
