// What dump-log prints of each kind of file. The lines are those of Kafka's tool.
#include <doctest/doctest.h>

#include <weir/base/sim/memory_files.hpp>
#include <weir/protocol/coordinator_records.hpp>
#include <weir/protocol/messages/consumer_protocol.hpp>
#include <weir/protocol/messages/control_records.hpp>
#include <weir/protocol/metadata_record.hpp>
#include <weir/protocol/records/control_records.hpp>

#include "dump_log/index_dump.hpp"
#include "dump_log/segment_file.hpp"

#include <record_batches.hpp>

#include <algorithm>

using namespace weir;
using namespace weir::tools;
using namespace weir::protocol;

namespace {

struct fixture {
    sim::memory_files files;
    findings wrong;

    fixture() { REQUIRE(files.create_directories("/log")); }
    void write(const std::string& path, const std::vector<bytes>& parts) {
        auto file = files.open(path, open_mode::replace);
        REQUIRE(file);
        std::uint64_t at = 0;
        for (const auto& part : parts) {
            REQUIRE((*file)->write_at(at, bytes_view{part}));
            at += part.size();
        }
    }
    std::string dump(const std::string& path, const log_dump_settings& how, output::format as = output::format::text) {
        output out{as};
        const auto done = dump_log_file(files, path, how, out, wrong);
        return done ? out.text() : done.error().message();
    }
};

const std::string first_log = "/log/00000000000000000000.log";

log_dump_settings with(record_kind kind) { return {.decoder = {.kind = kind}, .print_data = true, .deep = true}; }

bytes numbers(std::initializer_list<std::int32_t> words) {
    bytes made;
    for (const auto word : words) {
        made.resize(made.size() + 4);
        store_big_endian(made.data() + made.size() - 4, word);
    }
    return made;
}

std::string line_of(const std::string& text, int number) {
    std::size_t from = 0;
    for (; number > 0; --number) from = text.find('\n', from) + 1;
    return text.substr(from, text.find('\n', from) - from);
}

bytes record_batch(bytes_view key, std::optional<bytes_view> value) {
    batch_builder builder;
    REQUIRE(builder.append(1'000, key, value));
    return *builder.finish();
}

}  // namespace

TEST_CASE("a batch is one line, with the fields of Kafka's tool in its order") {
    fixture t;
    t.write(first_log, {test::make_batch({"one", "two"}, 1'700'000'000'000, {.leader_epoch = 3, .producer_id = 8, .producer_epoch = 1, .base_sequence = 5})});
    const auto text = t.dump(first_log, {});
    CHECK(line_of(text, 0) == "Log starting offset: 0");
    CHECK(line_of(text, 1).starts_with("baseOffset: 0 lastOffset: 1 count: 2 baseSequence: 5 lastSequence: 6 producerId: 8 producerEpoch: 1 partitionLeaderEpoch: 3 "
                                       "isTransactional: false isControl: false deleteHorizonMs: OptionalLong.empty position: 0 CreateTime: 1700000000000 size: "));
    CHECK(line_of(text, 1).find(" magic: 2 compresscodec: none crc: ") != std::string::npos);
    CHECK(line_of(text, 1).ends_with(" isvalid: true"));
    CHECK(line_of(text, 2).empty());
}

TEST_CASE("records are lines of their own") {
    fixture t;
    batch_builder builder{{.compression = codec::zstd}};
    const header_view headers[] = {{"a", as_bytes("1")}, {"b", std::nullopt}};
    REQUIRE(builder.append(1'000, as_bytes("key"), as_bytes("value"), headers));
    REQUIRE(builder.append(2'000, std::nullopt, std::nullopt));
    t.write(first_log, {*builder.finish()});
    const auto text = t.dump(first_log, with(record_kind::plain));
    CHECK(line_of(text, 1).find(" CreateTime: 2000 ") != std::string::npos);
    CHECK(line_of(text, 1).find(" compresscodec: zstd ") != std::string::npos);
    CHECK(line_of(text, 2) == "| offset: 0 CreateTime: 1000 keySize: 3 valueSize: 5 sequence: -1 headerKeys: [a,b] key: key payload: value");
    CHECK(line_of(text, 3) == "| offset: 1 CreateTime: 2000 keySize: -1 valueSize: -1 sequence: -1 headerKeys: []");
    auto bare = with(record_kind::plain);
    bare.skip_record_metadata = true;
    CHECK(line_of(t.dump(first_log, bare), 2) == "| key: key payload: value");
}

TEST_CASE("a batch with a wrong checksum, and bytes that are no batch, are told") {
    fixture t;
    auto broken = test::make_batch({"one"}, 1'000);
    broken.back() ^= std::byte{1};
    t.write(first_log, {broken, test::make_batch({"two"}, 1'000, {.base_offset = 1}), to_bytes("rubbish that is no batch at all")});
    const auto text = t.dump(first_log, {});
    CHECK(line_of(text, 1).ends_with("isvalid: false"));
    CHECK(line_of(text, 2).ends_with("isvalid: true"));
    CHECK(line_of(text, 3) == "Found 31 invalid bytes at the end of 00000000000000000000.log");
    CHECK(line_of(t.dump(first_log, {.max_bytes = 80}), 2).empty());
}

TEST_CASE("holes between offsets are found") {
    fixture t;
    t.write(first_log, {test::make_batch({"one"}, 1'000), test::make_batch({"two"}, 1'000, {.base_offset = 7})});
    t.dump(first_log, {.deep = true});
    REQUIRE(t.wrong.size() == 1);
    CHECK(t.wrong[0] == "Non-consecutive offsets in " + first_log + "\n  0 is followed by 7");
}

TEST_CASE("batches larger than a block of the file are read whole") {
    fixture t;
    t.write(first_log, {test::make_batch({std::string(9u << 20, 'x')}, 1'000), test::make_batch({"small"}, 1'000, {.base_offset = 1})});
    auto file = segment_file::open(t.files, first_log);
    REQUIRE(file);
    auto large = file->next();
    REQUIRE((large && *large));
    CHECK((*large)->batch.crc_matches());
    auto small = file->next();
    REQUIRE((small && *small));
    CHECK((*small)->batch.last_offset() == 1);
    CHECK((*small)->position > (9u << 20));
    CHECK(!*file->next());
}

TEST_CASE("offsets and groups of __consumer_offsets are decoded") {
    fixture t;
    offset_commit_key key;
    key.group = "g";
    key.topic = "t";
    key.partition = 3;
    offset_commit_value value;
    value.offset = 42;
    value.commit_timestamp = 1;
    group_metadata_key group;
    group.group = "g";
    group_metadata_value state;
    state.protocol_type = "consumer";
    consumer_protocol_subscription subscription;
    subscription.topics = {"t"};
    writer body;
    body.number(std::int16_t{0});
    REQUIRE(encode(subscription, 0, body));
    group_metadata_value::member_metadata member;
    member.member_id = "m";
    member.subscription = *body.take_bytes();
    state.members.push_back(member);
    t.write(first_log, {record_batch(*encode_record_key(key), *encode_record_value(value, 3)), record_batch(*encode_record_key(key), std::nullopt),
                        record_batch(*encode_record_key(group), *encode_record_value(state, 3)), record_batch(bytes_view{numbers({0x00630000})}, std::nullopt)});
    const auto text = t.dump(first_log, with(record_kind::offsets));
    const auto shown = [&](int line) { return line_of(text, line).substr(line_of(text, line).find(" key: ")); };
    CHECK(shown(2) == R"( key: {"type":"1","data":{"group":"g","topic":"t","partition":3}} payload: {"version":"3","data":{"offset":42,"leaderEpoch":-1,"metadata":"","commitTimestamp":1}})");
    CHECK(shown(4) == R"( key: {"type":"1","data":{"group":"g","topic":"t","partition":3}} payload: <DELETE>)");
    CHECK(shown(6).find(R"("subscription":{"topics":["t"],"userData":null},"assignment":"")") != std::string::npos);
    CHECK(shown(8) == " key: Unknown record type 99 at offset 0, skipping.");
}

TEST_CASE("cluster metadata and its control records are decoded") {
    fixture t;
    feature_level_record feature;
    feature.name = "metadata.version";
    feature.feature_level = 29;
    writer value;
    REQUIRE(encode_metadata_record(feature, 0, value));
    batch_builder builder{{.control = true}};
    kraft_version_record version;
    version.k_raft_version = 1;
    REQUIRE(append_control(builder, control_type::kraft_version, 1'000, *encode(version, 0)));
    const std::string snapshot = "/log/00000000000000000012-0000000003.checkpoint";
    t.write(snapshot, {*builder.finish(), record_batch(as_bytes("-"), *value.take_bytes())});
    const auto text = t.dump(snapshot, with(record_kind::cluster_metadata));
    CHECK(line_of(text, 0) == "Snapshot end offset: 12, epoch: 3");
    CHECK(line_of(text, 2).ends_with(R"( KRaftVersion {"version":0,"kRaftVersion":1})"));
    CHECK(line_of(text, 4).ends_with(R"( payload: {"type":"FEATURE_LEVEL_RECORD","version":0,"data":{"name":"metadata.version","featureLevel":29}})"));
}

TEST_CASE("transaction markers say how it ended") {
    fixture t;
    t.write(first_log, {build_end_txn_batch({.producer_id = 7, .producer_epoch = 2, .marker = {.commit = true, .coordinator_epoch = 4}, .timestamp = 1'000})});
    CHECK(line_of(t.dump(first_log, {.deep = true}), 2).ends_with(" endTxnMarker: COMMIT coordinatorEpoch: 4"));
}

TEST_CASE("as JSON a batch is an object with its records") {
    fixture t;
    t.write(first_log, {test::make_batch({"one"}, 1'000)});
    const auto text = t.dump(first_log, with(record_kind::plain), output::format::json);
    CHECK(text.starts_with(R"({"file":"/log/00000000000000000000.log","position":0,"baseOffset":0,"lastOffset":0,"count":1,)"));
    CHECK(text.ends_with("\"isValid\":true,\"records\":[{\"offset\":0,\"timestamp\":1000,\"keySize\":-1,\"valueSize\":3,\"sequence\":-1,\"headerKeys\":[],\"key\":null,\"payload\":\"one\"}]}\n"));
}

TEST_CASE("an offset index is compared with its log") {
    fixture t;
    const auto first = test::make_batch({"one", "two"}, 1'000);
    t.write(first_log, {first, test::make_batch({"three"}, 2'000, {.base_offset = 2})});
    const std::string index = "/log/00000000000000000000.index";
    t.write(index, {numbers({1, 0, 2, static_cast<std::int32_t>(first.size()), 0, 0})});
    output out{output::format::text};
    REQUIRE(dump_offset_index(t.files, index, {}, out, t.wrong));
    CHECK(out.text() == "offset: 1 position: 0\noffset: 2 position: " + std::to_string(first.size()) + "\n");
    CHECK(t.wrong.empty());
    t.write(index, {numbers({5, 0})});
    REQUIRE(dump_offset_index(t.files, index, {.verify_only = true}, out, t.wrong));
    REQUIRE(t.wrong.size() == 1);
    CHECK(t.wrong[0] == "Mismatches in :" + index + "\n  Index offset: 5, log offset: 1");
    output sane{output::format::text};
    REQUIRE(dump_offset_index(t.files, index, {.sanity_only = true}, sane, t.wrong));
    CHECK(sane.text() == index + " passed sanity check.\n");
    t.write(index, {numbers({5})});
    CHECK(dump_offset_index(t.files, index, {.sanity_only = true}, sane, t.wrong).code() == errc::corrupt_message);
}

TEST_CASE("a time index is compared with its log") {
    fixture t;
    t.write(first_log, {test::make_batch({"one"}, 1'000), test::make_batch({"two"}, 2'000, {.base_offset = 1})});
    t.write("/log/00000000000000000000.index", {});
    const std::string index = "/log/00000000000000000000.timeindex";
    t.write(index, {numbers({0, 1'000, 0, 0, 2'000, 1})});
    output out{output::format::text};
    REQUIRE(dump_time_index(t.files, index, {}, out, t.wrong));
    CHECK(out.text() == "timestamp: 1000 offset: 0\ntimestamp: 2000 offset: 1\n");
    CHECK(t.wrong.empty());
    t.write(index, {numbers({0, 1'000, 0, 0, 3'000, 1, 0, 2'000, 9})});
    REQUIRE(dump_time_index(t.files, index, {.verify_only = true}, out, t.wrong));
    REQUIRE(t.wrong.size() == 2);
    CHECK(t.wrong[0] == "Found timestamp mismatch in :" + index + "\n  Index timestamp: 3000, log timestamp: 2000");
    CHECK(t.wrong[1] == "The following indexed offsets are not found in :" + index + "\nIndexed offset: 9, found log offset: -1");
}

TEST_CASE("a log is opened and read once for all entries of an index") {
    fixture t;
    std::vector<bytes> batches;
    bytes offsets, times;
    std::int32_t position = 0;
    for (std::int32_t each = 0; each < 50; ++each) {
        batches.push_back(test::make_batch({"value"}, 1'000 + each, {.base_offset = each}));
        for (const auto byte : numbers({each, position})) offsets.push_back(byte);
        for (const auto byte : numbers({0, 1'000 + each, each})) times.push_back(byte);
        position += static_cast<std::int32_t>(batches.back().size());
    }
    t.write(first_log, batches);
    const std::string index = "/log/00000000000000000000.index", time_index = "/log/00000000000000000000.timeindex";
    t.write(index, {offsets});
    t.write(time_index, {times});
    for (const auto operation : {sim::disk_operation::open, sim::disk_operation::read}) {
        const std::uint64_t once = operation == sim::disk_operation::read ? 2 : 1;  // its size is read, too
        output out{output::format::text};
        t.files.inject({.operation = operation, .path_contains = ".log", .after = once, .times = 1'000});
        CHECK(dump_offset_index(t.files, index, {}, out, t.wrong));
        t.files.clear_faults();
        t.files.inject({.operation = operation, .path_contains = ".log", .after = once, .times = 1'000});
        CHECK(dump_time_index(t.files, time_index, {}, out, t.wrong));
        t.files.clear_faults();
        t.write(index, {});  // and where it says nothing, the log is still read once
        t.files.inject({.operation = operation, .path_contains = ".log", .after = once, .times = 1'000});
        CHECK(dump_time_index(t.files, time_index, {.verify_only = true}, out, t.wrong));
        t.files.clear_faults();
        t.write(index, {offsets});
        CHECK(t.wrong.empty());
        CHECK(std::count(out.text().begin(), out.text().end(), '\n') == 100);
    }
}

TEST_CASE("entries of a time index that go back are looked up where they are") {
    fixture t;
    t.write(first_log, {test::make_batch({"one"}, 1'000), test::make_batch({"two"}, 2'000, {.base_offset = 1}), test::make_batch({"three"}, 3'000, {.base_offset = 2})});
    t.write("/log/00000000000000000000.index", {});
    const std::string index = "/log/00000000000000000000.timeindex";
    t.write(index, {numbers({0, 1'000, 0, 0, 3'000, 2, 0, 2'000, 1})});
    output out{output::format::text};
    REQUIRE(dump_time_index(t.files, index, {}, out, t.wrong));
    REQUIRE(t.wrong.size() == 1);
    CHECK(t.wrong[0] == "Found out of order timestamp in :" + index + "\n  Index timestamp: 2000, Previously indexed timestamp: 3000");
}

TEST_CASE("names that say nothing and files that are not there are errors") {
    fixture t;
    t.write("/log/some.log", {});
    CHECK(t.dump("/log/some.log", {}).find("the name does not say which offset") != std::string::npos);
    CHECK(t.dump("/log/00000000000000000009.log", {}).find("00000000000000000009.log") != std::string::npos);
}

TEST_CASE("decoders have the names of Kafka's classes, and short ones") {
    CHECK(*value_form_named("org.apache.kafka.tools.api.LongDecoder") == value_form::long_integer);
    CHECK(*value_form_named("org.apache.kafka.common.serialization.StringDeserializer") == value_form::text);
    CHECK(*value_form_named("integer") == value_form::integer);
    CHECK(value_form_named("com.example.Own").code() == errc::invalid_setting);
}
