#include "batches.hpp"

#include <weir/base/crc32c.hpp>
#include <weir/protocol/records/batch_builder.hpp>
#include <weir/protocol/records/produced.hpp>
#include <weir/protocol/records/record_set.hpp>

#include <fmt/format.h>
#include <boost/json.hpp>

#include <istream>
#include <ostream>
#include <string>
#include <vector>

namespace weir::golden {
namespace {

namespace json = boost::json;
using namespace weir::protocol;

int digit(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

bytes from_hex(std::string_view hex) {
    bytes out(hex.size() / 2);
    for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = static_cast<std::byte>(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
    return out;
}

std::string to_hex(bytes_view data) {
    std::string out;
    for (const auto b : data) out += fmt::format("{:02x}", static_cast<unsigned>(b));
    return out;
}

/// The findings of one line; the first few are enough to see what is wrong.
class findings {
public:
    template <class A, class B>
    void expect(std::string_view what, const A& found, const B& expected) {
        if (found != expected) add(fmt::format("{}: found {}, expected {}", what, found, expected));
    }
    void add(std::string what) {
        if (list_.size() < 5) list_.push_back(std::move(what));
    }
    const std::vector<std::string>& list() const { return list_; }

private:
    std::vector<std::string> list_;
};

std::int64_t number(const json::object& from, std::string_view key) { return from.at(key).to_number<std::int64_t>(); }

void compare_bytes(findings& out, std::string_view what, std::optional<bytes_view> found, const json::object& from,
                   std::string_view key) {
    if (const auto* length = from.if_contains(std::string{key} + "_len")) {
        if (!found) return out.add(fmt::format("{}: null, expected {} bytes", what, length->to_number<std::int64_t>()));
        out.expect(what, static_cast<std::int64_t>(found->size()), length->to_number<std::int64_t>());
        out.expect(what, std::int64_t{crc32c(0, *found)}, number(from, std::string{key} + "_crc32c"));
        return;
    }
    const auto& expected = from.at(key);
    const std::string shown = found ? to_hex(*found) : "null";
    out.expect(what, shown, expected.is_null() ? "null" : std::string{expected.as_string()});
}

void compare_record(findings& out, const record_view& found, const json::object& expected) {
    out.expect("offset", found.offset, number(expected, "offset"));
    out.expect("timestamp", found.timestamp, number(expected, "timestamp"));
    if (expected.contains("sequence"))
        out.expect("sequence", std::int64_t{found.sequence}, number(expected, "sequence"));
    compare_bytes(out, "key", found.key, expected, "key");
    compare_bytes(out, "value", found.value, expected, "value");
    if (!expected.contains("headers")) return;
    const auto& headers = expected.at("headers").as_array();
    out.expect("header count", found.headers.size(), headers.size());
    if (found.headers.size() != headers.size()) return;
    std::size_t i = 0;
    for (const auto& header : found.headers) {
        const auto& pair = headers[i++].as_array();
        out.expect("header key", header.key, std::string_view{pair[0].as_string()});
        const std::string shown = header.value ? to_hex(*header.value) : "null";
        out.expect("header value", shown, pair[1].is_null() ? "null" : std::string{pair[1].as_string()});
    }
}

void compare_header(findings& out, const batch_view& batch, const json::object& expected) {
    out.expect("base_offset", batch.base_offset(), number(expected, "base_offset"));
    out.expect("partition_leader_epoch", std::int64_t{batch.leader_epoch()},
               number(expected, "partition_leader_epoch"));
    out.expect("crc", std::int64_t{batch.crc()}, number(expected, "crc"));
    out.expect("attributes", std::int64_t{batch.attributes()}, number(expected, "attributes"));
    out.expect("last_offset_delta", std::int64_t{batch.last_offset_delta()}, number(expected, "last_offset_delta"));
    out.expect("base_timestamp", batch.base_timestamp(), number(expected, "base_timestamp"));
    out.expect("max_timestamp", batch.max_timestamp(), number(expected, "max_timestamp"));
    out.expect("producer_id", batch.producer_id(), number(expected, "producer_id"));
    out.expect("producer_epoch", std::int64_t{batch.producer_epoch()}, number(expected, "producer_epoch"));
    out.expect("base_sequence", std::int64_t{batch.base_sequence()}, number(expected, "base_sequence"));
    out.expect("last_sequence", std::int64_t{batch.last_sequence()}, number(expected, "last_sequence"));
    out.expect("record_count", std::int64_t{batch.record_count()}, number(expected, "record_count"));
    out.expect("transactional", batch.transactional(), expected.at("transactional").as_bool());
    out.expect("control", batch.control(), expected.at("control").as_bool());
    const auto& horizon = expected.at("delete_horizon_ms");
    out.expect("delete_horizon_ms", batch.delete_horizon().value_or(-1),
               horizon.is_null() ? -1 : horizon.to_number<std::int64_t>());
    out.expect("compression", codec_name(batch.compression().value_or(codec::none)),
               std::string_view{expected.at("compression").as_string()});
    out.expect("timestamp_type", batch.time_type() == timestamp_type::create_time ? "CreateTime" : "LogAppendTime",
               std::string_view{expected.at("timestamp_type").as_string()});
}

/// An uncompressed batch made again from what was read; compressed bytes depend on the compressor.
void rebuild(findings& out, const batch_view& batch) {
    batch_settings header;
    header.base_offset = batch.base_offset();
    header.leader_epoch = batch.leader_epoch();
    header.producer_id = batch.producer_id();
    header.producer_epoch = batch.producer_epoch();
    header.base_sequence = batch.base_sequence();
    header.transactional = batch.transactional();
    header.control = batch.control();
    header.delete_horizon = batch.delete_horizon();
    header.last_offset_delta = batch.last_offset_delta();
    if (batch.time_type() == timestamp_type::log_append_time) header.append_time = batch.max_timestamp();
    if (batch.record_count() == 0) header.max_timestamp = batch.max_timestamp();
    batch_builder builder{header};
    record_cursor cursor{batch, batch.payload()};
    for (record_view record; cursor.next(record);) {
        record.timestamp = batch.base_timestamp() + record.timestamp_delta;  // as created, also with append time
        if (auto added = builder.append(record); !added) return out.add("rebuilding: " + added.error().message());
    }
    const auto made = builder.finish();
    if (!made) return out.add("rebuilding: " + made.error().message());
    if (as_text(*made) != as_text(batch.whole()))
        out.add(fmt::format("rebuilt to other bytes: {}", made->size() < 500 ? to_hex(*made) : std::string{"(long)"}));
}

void compare_batch(findings& out, const set_entry& entry, const json::object& expected, record_reader& reader,
                   legacy_reader& legacy) {
    out.expect("position", static_cast<std::int64_t>(entry.position()), number(expected, "position"));
    out.expect("size", static_cast<std::int64_t>(entry.size()), number(expected, "size"));
    out.expect("last_offset", entry.last_offset(), number(expected, "last_offset"));
    out.expect("magic", std::int64_t{entry.magic()}, number(expected, "magic"));
    std::vector<record_view> found;
    if (const auto* batch = entry.batch()) {
        compare_header(out, *batch, expected);
        const auto records = reader.records(*batch);
        if (!records) return out.add(records.error().message());
        for (const auto& record : *records) found.push_back(record);
        if (!batch->compressed()) rebuild(out, *batch);
    } else {
        const auto records = legacy.read(*entry.legacy());
        if (!records) return out.add(records.error().message());
        found.assign(records->begin(), records->end());
        out.expect("base_offset", found.empty() ? -1 : found.front().offset, number(expected, "base_offset"));
    }
    const auto& records = expected.at("records").as_array();
    out.expect("records", found.size(), records.size());
    for (std::size_t i = 0; i < std::min(found.size(), records.size()); ++i)
        compare_record(out, found[i], records[i].as_object());
}

/// What a broker answers to these bytes in Produce version 9 without transactional id. Apache's own
/// UNKNOWN_SERVER_ERROR may be a code that says more.
void compare_produce(findings& out, bytes_view input, std::int64_t expected, bool may_refuse) {
    const auto checked = check_produced(input, {.request_version = 9});
    const auto code = checked.code();
    const bool refused = code == errc::corrupt_message || code == errc::invalid_record;
    if (refused && (expected == -1 || may_refuse)) return;
    if (may_refuse && code == errc::none) return;
    if (static_cast<std::int64_t>(code) != expected)
        out.add(fmt::format("produce: {}, expected {}", checked ? "accepted" : checked.error().message(), expected));
}

void run_good(findings& out, const json::object& line, bytes_view input) {
    record_set set{input};
    record_reader reader;
    legacy_reader legacy;
    std::size_t count = 0;
    const auto& batches = line.at("batches").as_array();
    while (const auto entry = set.next()) {
        if (count < batches.size()) compare_batch(out, *entry, batches[count].as_object(), reader, legacy);
        ++count;
    }
    out.expect("verdict", verdict_name(set.verdict()), "ok");
    out.expect("batches", count, batches.size());
    compare_produce(out, input, number(line, "broker_produce_error"), false);
}

void run_damaged(findings& out, const json::object& line, bytes_view input) {
    const auto& verdict = line.at("verdict").as_object();
    const std::string expected{verdict.at("result").as_string()};
    const std::string_view name = line.at("name").as_string();
    const auto report = examine(input);
    const std::string found{verdict_name(report.verdict)};
    // Damage these streams do not notice, as they carry no checksum of their content: another decoder may refuse it.
    const bool unnoticed = name == "lz4-flip-middle" || name == "zstd-flip-middle";
    const bool both_bad = found.starts_with("bad-") && expected.starts_with("bad-");
    const bool overflow = name == "length-overflow" && found == "incomplete";
    if (!(found == expected || both_bad || overflow || (unnoticed && found == "bad-records")))
        out.add(fmt::format("verdict: {} ({}), expected {}", found, report.why.message(), expected));
    if (found == expected && (found == "ok" || found == "incomplete")) {
        out.expect("batches", std::int64_t{report.batches}, number(verdict, "batches"));
        out.expect("records", report.records, number(verdict, "records_before_error"));
    }
    compare_produce(out, input, number(verdict, "broker_produce_error"), unnoticed || overflow);
}

}  // namespace

int run_batches(std::istream& input, std::ostream& log, int& lines) {
    int failed = 0;
    for (std::string text; std::getline(input, text);) {
        if (text.empty()) continue;
        ++lines;
        const auto value = json::parse(text);
        const auto& line = value.as_object();
        const auto data = from_hex(std::string_view{line.at("hex").as_string()});
        findings out;
        if (line.contains("verdict"))
            run_damaged(out, line, data);
        else
            run_good(out, line, data);
        if (out.list().empty()) continue;
        ++failed;
        for (const auto& finding : out.list())
            log << std::string_view{line.at("name").as_string()} << ": " << finding << '\n';
    }
    return failed;
}

}  // namespace weir::golden
