// Hashes, variable-length integers, ids, checksums, and bodies that other messages carry.
#include "kinds.hpp"
#include "vectors.hpp"

#include <weir/base/crc32c.hpp>
#include <weir/base/uuid.hpp>
#include <weir/base/varint.hpp>
#include <weir/protocol/embedded.hpp>
#include <weir/protocol/hashes.hpp>
#include <weir/protocol/json.hpp>
#include <weir/protocol/messages/connect_protocol.hpp>
#include <weir/protocol/messages/consumer_protocol.hpp>
#include <weir/protocol/messages/default_principal.hpp>
#include <weir/protocol/messages/streams_protocol.hpp>
#include <weir/protocol/metadata_record.hpp>
#include <weir/protocol/streams_assignment.hpp>

#include <map>

namespace weir::golden {

namespace json = boost::json;
using namespace protocol;

namespace {

bytes content_of(const json::object& line) { return from_hex(line.at("hex").as_string()); }

// --- hashes and numbers

void check_murmur2(findings& out, const json::object& line) {
    const auto key = content_of(line);
    out.expect("hash", murmur2(key), number(line, "hash"));
    out.expect("partition of 6", partition_for_key(key, 6), number(line, "partition_of_6"));
    out.expect("partition of 50", partition_for_key(key, 50), number(line, "partition_of_50"));
}

void check_string_hash(findings& out, const json::object& line) {
    out.expect("hash", java_string_hash(text(line, "text")), number(line, "hash"));
    out.expect("partition of 50", coordinator_partition(text(line, "text"), 50), number(line, "partition_of_50"));
}

template <class Int, auto Read, auto Write, auto Size>
void check_varint(findings& out, const json::object& line) {
    const auto content = content_of(line);
    const auto value = static_cast<Int>(number(line, "value"));
    const auto read = Read(content);
    out.expect("value", static_cast<std::int64_t>(read.value), static_cast<std::int64_t>(value));
    out.expect("length", read.bytes, static_cast<int>(content.size()));
    std::byte written[max_varlong_bytes];
    out.expect_bytes("encode", {written, Write(written, value)}, content);
    out.expect("size", Size(value), content.size());
}

void check_uuid(findings& out, const json::object& line) {
    const auto content = content_of(line);
    reader in{content};
    const auto id = in.id("id");
    out.expect("text", to_string(id), text(line, "text"));
    const auto parsed = parse_uuid(text(line, "text"));
    if (!out.succeeded("parse", parsed)) return;
    writer written;
    written.id(*parsed);
    out.expect_bytes("encode", *written.take_bytes(), content);
}

void check_crc32c(findings& out, const json::object& line) {
    out.expect("value", std::int64_t{crc32c(0, as_bytes(text(line, "text")))}, number(line, "value"));
}

// --- bodies with a version in front

template <class M>
std::optional<M> check_versioned(findings& out, bytes_view content) {
    const auto version = load_big_endian<std::int16_t>(content.data());
    auto read = decode_versioned<M>(content);
    if (!out.succeeded("decode", read)) return std::nullopt;
    const auto written = encode_versioned(*read, version);
    if (out.succeeded("encode", written)) out.expect_bytes("encode", *written, content);
    return *std::move(read);
}

void check_consumer_subscription(findings& out, const json::object& line) {
    const auto read = check_versioned<consumer_protocol_subscription>(out, content_of(line));
    if (!read) return;
    const auto version = number(line, "version");
    out.expect("topics", read->topics == std::vector<std::string>{"t1", "t2"}, true);
    out.expect("user data", to_hex(read->user_data.value_or(bytes{})), "0102");
    std::string owned;
    for (const auto& topic : read->owned_partitions)
        for (const auto partition : topic.partitions) owned += fmt::format("{}-{} ", topic.topic, partition);
    out.expect("owned partitions", owned, version >= 1 ? "t1-0 t1-2 t2-1 " : "");
    out.expect("generation", read->generation_id, version >= 2 ? 5 : -1);
    out.expect("rack", read->rack_id.value_or("none"), version >= 3 ? "rack-a" : "none");
}

void check_consumer_assignment(findings& out, const json::object& line) {
    const auto read = check_versioned<consumer_protocol_assignment>(out, content_of(line));
    if (!read) return;
    std::string assigned;
    for (const auto& topic : read->assigned_partitions)
        for (const auto partition : topic.partitions) assigned += fmt::format("{}-{} ", topic.topic, partition);
    out.expect("assigned partitions", assigned, "t1-0 t1-2 t2-1 ");
    if (read->user_data)
        out.expect("user data", to_hex(*read->user_data), "09");
    else
        out.expect("version with null user data", number(line, "version"), 1);
}

void check_connect_assignment_body(findings& out, bytes_view content) {
    const auto read = check_versioned<connect_assignment>(out, content);
    if (!read) return;
    out.expect("leader", read->leader, "leader-1");
    out.expect("leader url", read->leader_url, "http://l:8083/");
    out.expect("config offset", read->config_offset, 42);
}

void check_connect_assignment(findings& out, const json::object& line) {
    check_connect_assignment_body(out, content_of(line));
}

void check_connect_metadata(findings& out, const json::object& line) {
    const auto read = check_versioned<connect_worker_metadata>(out, content_of(line));
    if (!read) return;
    out.expect("url", read->url, "http://w:8083/");
    out.expect("config offset", read->config_offset, 7);
    const auto* allocation = line.if_contains("allocation");
    out.expect("has an allocation", read->allocation.has_value(), allocation && allocation->as_bool());
    if (read->allocation) check_connect_assignment_body(out, *read->allocation);
}

void check_principal(findings& out, const json::object& line) {
    const auto read = check_versioned<default_principal_data>(out, content_of(line));
    if (read) compare_json(out, "json", json::parse(to_json(*read, 0)), line.at("json"));
}

// --- Streams

void check_streams_subscription(findings& out, const json::object& line) {
    const auto version = static_cast<std::int16_t>(number(line, "version"));
    const auto content = content_of(line);
    reader in{content};
    const auto read = decode<subscription_info_data>(in, version);
    if (!out.succeeded("decode", read)) return;
    out.expect("bytes left over", in.remaining(), 0u);
    out.expect("version", read->version, version);
    out.expect("process id", read->process_id == uuid{1, 2}, true);
    if (version >= 2) out.expect("endpoint", as_text(read->user_end_point), "host:9000");
    if (version >= 8) out.expect("unique field", read->unique_field, 3);
    const auto written = encode(*read, version);
    if (out.succeeded("encode", written)) out.expect_bytes("encode", *written, content);
}

std::string task_text(const streams_assignment_info::task_id& task) {
    return fmt::format("{}_{}", task.subtopology, task.partition);
}

json::array partitions_json(const std::vector<streams_assignment_info::topic_partition>& partitions) {
    json::array out;
    for (const auto& partition : partitions)
        out.emplace_back(fmt::format("{}-{}", partition.topic, partition.partition));
    return out;
}

json::object hosts_json(const std::vector<streams_assignment_info::host_partitions>& hosts) {
    json::object out;
    for (const auto& host : hosts) out[fmt::format("{}:{}", host.host, host.port)] = partitions_json(host.partitions);
    return out;
}

void check_streams_assignment(findings& out, const json::object& line) {
    const auto content = content_of(line);
    const auto read = decode_streams_assignment(content);
    if (!out.succeeded("decode", read)) return;
    const auto written = encode_streams_assignment(*read);
    if (out.succeeded("encode", written)) out.expect_bytes("encode", *written, content);

    // The vectors list all fields, also those that the version does not carry.
    const auto& expected = line.at("json").as_object();
    const auto compare = [&](const char* key, const json::value& found, std::int32_t since) {
        if (read->version >= since) compare_json(out, key, found, expected.at(key));
    };
    json::array active;
    for (const auto& task : read->active) active.emplace_back(task_text(task));
    json::object standby;
    for (const auto& task : read->standby) standby[task_text(task.task)] = partitions_json(task.partitions);
    compare("active", active, 1);
    compare("standby", standby, 1);
    compare("by_host", hosts_json(read->by_host), 2);
    compare("commonly_supported", read->commonly_supported_version, 3);
    compare("error", read->error_code, 4);
    compare("standby_by_host", hosts_json(read->standby_by_host), 6);
    compare("next_rebalance_ms", read->next_rebalance_ms, 7);
}

// --- frames of the metadata log

void check_metadata_frame(findings& out, const json::object& line) {
    const auto content = content_of(line);
    const auto read = decode_metadata_record(content);
    if (!out.succeeded("decode", read)) return;
    out.expect("message", name_of(read->record), text(line, "message"));
    out.expect("version", read->version, number(line, "version"));
    const auto type = std::visit([](const auto& record) { return record.record_type; }, read->record);
    out.expect("type", type, number(line, "type"));
    const auto written = encode_metadata_record(read->record, read->version);
    if (out.succeeded("encode", written)) out.expect_bytes("encode", *written, content);
}

const std::map<std::string_view, void (*)(findings&, const json::object&)> checks = {
    {"murmur2", check_murmur2},
    {"string-hash", check_string_hash},
    {"share-state-key-hash", check_string_hash},
    {"unsigned-varint",
     check_varint<std::uint32_t, read_unsigned_varint, write_unsigned_varint, size_of_unsigned_varint>},
    {"varint", check_varint<std::int32_t, read_varint, write_varint, size_of_varint>},
    {"varlong", check_varint<std::int64_t, read_varlong, write_varlong, size_of_varlong>},
    {"uuid", check_uuid},
    {"crc32c", check_crc32c},
    {"consumer-subscription", check_consumer_subscription},
    {"consumer-assignment", check_consumer_assignment},
    {"connect-metadata", check_connect_metadata},
    {"connect-assignment", check_connect_assignment},
    {"streams-subscription-info", check_streams_subscription},
    {"streams-assignment-info", check_streams_assignment},
    {"principal", check_principal},
    {"metadata-record-frame", check_metadata_frame},
};

void check(findings& out, const json::object& line) {
    const auto found = checks.find(text(line, "what"));
    if (found == checks.end())
        out.add("no check for this kind of line");
    else
        found->second(out, line);
}

}  // namespace

int run_embedded(std::istream& input, std::ostream& log, int& lines) {
    return run_lines(input, log, lines, [](const json::object& line) { return text(line, "what"); }, check);
}

}  // namespace weir::golden
