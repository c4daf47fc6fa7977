#include "support.hpp"

#include <weir/protocol/records/control_records.hpp>
#include <weir/protocol/records/produced.hpp>
#include <weir/protocol/records/recompress.hpp>

#include <doctest/doctest.h>

using namespace weir;
using namespace weir::protocol;
using namespace weir::testing;

namespace {

batch_settings idempotent(codec which) {
    batch_settings settings;
    settings.compression = which;
    settings.base_offset = 500;
    settings.leader_epoch = 4;
    settings.producer_id = 9;
    settings.producer_epoch = 2;
    settings.base_sequence = 30;
    return settings;
}

std::string keys_of(const batch_view& batch, record_reader& reader) {
    std::string out;
    const auto records = reader.records(batch);
    REQUIRE(records);
    for (const auto& record : *records)
        out += std::string{as_text(*record.key)} + "@" + std::to_string(record.offset) + "/" +
               std::to_string(record.sequence) + "/" + std::to_string(record.timestamp) + " ";
    return out;
}

}  // namespace

TEST_CASE("a batch changes its codec and nothing else") {
    random_source random{31};
    record_reader reader;
    const auto records = some_records(random, 50);
    for (const auto from : every_codec) {
        for (const auto to : every_codec) {
            CAPTURE(codec_name(from));
            CAPTURE(codec_name(to));
            const auto made = build(idempotent(from), records);
            const auto again = recompress(open(made), to, {}, reader);
            REQUIRE(again);
            const auto batch = open(*again);
            CHECK(batch.crc_matches());
            CHECK(batch.compression() == to);
            CHECK(as_text(bytes_view{*again}.first(8)) == as_text(bytes_view{made}.first(8)));
            CHECK(as_text(bytes_view{*again}.subspan(23, 38)) == as_text(bytes_view{made}.subspan(23, 38)));
            const auto plain = build(idempotent(codec::none), records);
            const auto unpacked = recompress(batch, codec::none, {}, reader);
            REQUIRE(unpacked);
            CHECK(as_text(*unpacked) == as_text(plain));
        }
    }
    const auto made = build(idempotent(codec::none), records);
    CHECK(recompress(open(made), codec::gzip, 11, reader).code() == errc::invalid_setting);
}

TEST_CASE("a filtered batch keeps offsets, sequences and the place of its end") {
    record_reader reader;
    for (const auto which : every_codec) {
        CAPTURE(codec_name(which));
        const auto made = build_plain(idempotent(which), 5);
        function<bool(const record_view&)> keep = [](const record_view& record) {
            return record.offset_delta == 1 || record.offset_delta == 3;
        };
        const auto out = filter_records(open(made), keep, {}, reader);
        REQUIRE(out);
        CHECK(out->kept == 2);
        CHECK(out->removed == 3);
        const auto batch = open(out->batch);
        CHECK(batch.crc_matches());
        CHECK(batch.compression() == which);
        CHECK(batch.base_offset() == 500);
        CHECK(batch.last_offset() == 504);
        CHECK(batch.leader_epoch() == 4);
        CHECK(batch.last_sequence() == 34);
        CHECK(batch.record_count() == 2);
        CHECK(batch.max_timestamp() == 1003);
        CHECK(keys_of(batch, reader) == "k1@501/31/1001 k3@503/33/1003 ");
    }
}

TEST_CASE("a filter that removes nothing gives the same bytes") {
    record_reader reader;
    const auto made = build_plain(idempotent(codec::zstd), 5);
    function<bool(const record_view&)> keep = [](const record_view&) { return true; };
    CHECK(as_text((*filter_records(open(made), keep, {}, reader)).batch) == as_text(made));
    const auto other = filter_records(open(made), keep, {.target = codec::lz4}, reader);
    REQUIRE(other);
    CHECK(open(other->batch).compression() == codec::lz4);
}

TEST_CASE("a batch without any record left is dropped, or stays to remember its producer") {
    record_reader reader;
    const auto made = build_plain(idempotent(codec::gzip), 5);
    function<bool(const record_view&)> keep = [](const record_view&) { return false; };
    CHECK((*filter_records(open(made), keep, {}, reader)).batch.empty());
    const auto kept = filter_records(open(made), keep, {.when_empty = emptied_batch::keep_header}, reader);
    REQUIRE(kept);
    const auto batch = open(kept->batch);
    CHECK(batch.size() == batch_header_bytes);
    CHECK(batch.crc_matches());
    CHECK(batch.record_count() == 0);
    CHECK(batch.last_offset() == 504);
    CHECK(batch.last_sequence() == 34);
    CHECK(batch.max_timestamp() == 1004);
}

TEST_CASE("a delete horizon is set once and survives further filtering") {
    record_reader reader;
    const auto made = build_plain(idempotent(codec::none), 3);
    function<bool(const record_view&)> keep = [](const record_view& record) { return record.offset_delta != 0; };
    const auto first = filter_records(open(made), keep, {.delete_horizon = 99999}, reader);
    REQUIRE(first);
    CHECK(open(first->batch).delete_horizon() == 99999);
    CHECK(keys_of(open(first->batch), reader) == "k1@501/31/1001 k2@502/32/1002 ");
    function<bool(const record_view&)> last_only = [](const record_view& record) { return record.offset_delta == 2; };
    const auto second = filter_records(open(first->batch), last_only, {}, reader);
    REQUIRE(second);
    CHECK(open(second->batch).delete_horizon() == 99999);
    CHECK(keys_of(open(second->batch), reader) == "k2@502/32/1002 ");
}

TEST_CASE("append time stays append time through a filter") {
    record_reader reader;
    auto made = build_plain(idempotent(codec::none), 3);
    stamp_append_time(made, 123456);
    function<bool(const record_view&)> keep = [](const record_view& record) { return record.offset_delta != 2; };
    const auto out = filter_records(open(made), keep, {}, reader);
    REQUIRE(out);
    CHECK(open(out->batch).max_timestamp() == 123456);
    CHECK(keys_of(open(out->batch), reader) == "k0@500/30/123456 k1@501/31/123456 ");
}

TEST_CASE("a transaction marker is the batch of the format's example, byte for byte") {
    const auto made = build_end_txn_batch({.producer_id = 77,
                                           .producer_epoch = 4,
                                           .marker = {.commit = true, .coordinator_epoch = 12},
                                           .timestamp = 1700000000000,
                                           .base_offset = 500,
                                           .leader_epoch = 3});
    std::string hex;
    for (const auto b : made) {
        constexpr std::string_view digits = "0123456789abcdef";
        hex += digits[static_cast<std::size_t>(b) >> 4];
        hex += digits[static_cast<std::size_t>(b) & 15];
    }
    CHECK(hex ==
          "00000000000001f4000000420000000302dc4b015b0030000000000000018bcfe568000000018bcfe56800"
          "000000000000004d0004ffffffff00000001200000000800000001"
          "0c00000000000c00");
    record_reader reader;
    const auto records = reader.records(open(made));
    REQUIRE(records);
    for (const auto& record : *records) {
        const auto marker = read_end_txn_marker(record);
        REQUIRE(marker);
        CHECK(marker->commit);
        CHECK(marker->coordinator_epoch == 12);
    }
    CHECK(check_produced(made, {.transactional_id_present = true}).code() == errc::invalid_record);
}

TEST_CASE("control records carry their type; unknown ones are told apart from broken ones") {
    batch_settings settings;
    settings.control = true;
    batch_builder builder{settings};
    REQUIRE(append_control(builder, control_type::kraft_version, 5, as_bytes("body")));
    const auto odd = to_bytes(std::string_view{"\0\0\0\x63", 4});
    REQUIRE(builder.append(5, bytes_view{odd}, as_bytes("later")));
    REQUIRE(builder.append(5, as_bytes("x"), as_bytes("short")));
    const auto made = *builder.finish();
    record_cursor cursor{open(made), open(made).payload()};
    record_view record;
    REQUIRE(cursor.next(record));
    CHECK(**read_control_type(record) == control_type::kraft_version);
    CHECK(as_text(*record.value) == "body");
    CHECK(read_end_txn_marker(record).code() == errc::invalid_record);
    REQUIRE(cursor.next(record));
    CHECK_FALSE((*read_control_type(record)).has_value());
    REQUIRE(cursor.next(record));
    CHECK(read_control_type(record).code() == errc::invalid_record);
}
