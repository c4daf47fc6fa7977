#include "support.hpp"

#include <weir/base/varint.hpp>
#include <weir/protocol/records/record_reader.hpp>

#include <doctest/doctest.h>

#include <limits>

using namespace weir;
using namespace weir::protocol;
using namespace weir::testing;

TEST_CASE("random records come back from every codec as they were written") {
    random_source random{11};
    record_reader reader;
    for (int round = 0; round < 60; ++round) {
        const auto which = every_codec[static_cast<std::size_t>(round) % every_codec.size()];
        CAPTURE(round);
        CAPTURE(codec_name(which));
        const auto records = some_records(random, 1 + random.below(200));
        batch_settings settings;
        settings.compression = which;
        settings.base_offset = static_cast<std::int64_t>(random.below(1000000000000));
        const auto made = build(settings, records);
        const auto batch = open(made);
        CHECK(batch.crc_matches());
        CHECK(batch.size() == made.size());
        CHECK(batch.codec_bits() == static_cast<std::uint8_t>(which));
        CHECK(batch.next_offset() == settings.base_offset + static_cast<std::int64_t>(records.size()));
        const auto found = reader.records(batch);
        REQUIRE(found);
        std::size_t i = 0;
        for (const auto& record : *found) {
            REQUIRE(i < records.size());
            CHECK(same(record, records[i]));
            CHECK(record.offset == settings.base_offset + static_cast<std::int64_t>(i));
            CHECK(record.sequence == -1);
            ++i;
        }
        CHECK(i == records.size());
        const auto checked = validate_records(batch);
        REQUIRE(checked);
        const auto latest = std::max_element(records.begin(), records.end(),
                                             [](const auto& a, const auto& b) { return a.timestamp < b.timestamp; });
        CHECK(checked->max_timestamp == latest->timestamp);
        CHECK(checked->max_timestamp == batch.max_timestamp());
        CHECK(checked->offset_of_max_timestamp == settings.base_offset + (latest - records.begin()));
        CHECK(checked->every_key_present ==
              std::all_of(records.begin(), records.end(), [](const auto& r) { return r.key.has_value(); }));
    }
}

TEST_CASE("records of every size around those at which their length takes a byte more come back, and nothing is between them") {
    record_reader reader;
    for (const std::size_t around : {std::size_t{64}, std::size_t{8'192}, std::size_t{1'048'576}}) {
        batch_builder builder;
        const bytes value(around + 8, std::byte{7});
        std::vector<std::size_t> sizes;
        std::size_t total = batch_header_bytes;
        for (std::size_t size = around - 60; size < around + 8; ++size) {
            const auto before = builder.uncompressed_size();
            REQUIRE(builder.append(1'000, std::nullopt, bytes_view{value}.first(size)));
            const auto body = 1 + 1 + size_of_varint(static_cast<std::int32_t>(sizes.size())) + 1 + size_of_varint(static_cast<std::int32_t>(size)) + size + 1;
            const auto whole = size_of_varint(static_cast<std::int32_t>(body)) + body;
            CHECK(builder.uncompressed_size() - before == whole);
            CHECK(whole <= batch_builder::record_size_bound(std::nullopt, bytes_view{value}.first(size), {}));
            total += whole;
            sizes.push_back(size);
        }
        const auto made = builder.finish();
        REQUIRE(made);
        CHECK(made->size() == total);
        const auto found = reader.records(open(*made));
        REQUIRE(found);
        std::size_t i = 0;
        for (const auto& record : *found) {
            REQUIRE(i < sizes.size());
            REQUIRE(record.value);
            CHECK(to_bytes(*record.value) == bytes(sizes[i], std::byte{7}));
            ++i;
        }
        CHECK(i == sizes.size());
    }
}

TEST_CASE("a batch that ends early is incomplete, one that cannot be is corrupt") {
    const auto good = build_plain({}, 3);
    for (std::size_t length = 0; length < good.size(); ++length)
        CHECK(batch_view::open(bytes_view{good}.first(length)).code() == errc::incomplete);
    auto changed = good;
    store_big_endian(changed.data() + 8, std::int32_t{48});
    CHECK(batch_view::open(changed).code() == errc::corrupt_message);
    changed = good;
    changed[16] = std::byte{3};
    CHECK(batch_view::open(changed).code() == errc::corrupt_message);
    changed[16] = std::byte{1};
    CHECK(batch_view::open(changed).code() == errc::corrupt_message);
}

TEST_CASE("every single changed byte behind the CRC is noticed, and none before it") {
    const auto good = build_plain({}, 2);
    for (std::size_t at = 0; at < good.size(); ++at) {
        if (at >= 8 && at < 17) continue;  // length and magic decide what a batch is
        auto changed = good;
        changed[at] ^= std::byte{0x10};
        CHECK(open(changed).crc_matches() == (at < 17));
    }
}

TEST_CASE("a leader stamps offset and epoch without touching the CRC, append time with a new one") {
    auto made = build_plain({}, 3);
    patch_base_offset(made, 5000);
    patch_leader_epoch(made, 12);
    CHECK(open(made).crc_matches());
    CHECK(open(made).base_offset() == 5000);
    CHECK(open(made).leader_epoch() == 12);
    CHECK(open(made).last_offset() == 5002);

    const auto before = to_bytes(open(made).payload());
    stamp_append_time(made, 777777);
    const auto batch = open(made);
    CHECK(batch.crc_matches());
    CHECK(batch.time_type() == timestamp_type::log_append_time);
    CHECK(batch.base_timestamp() == 1000);
    CHECK(as_text(batch.payload()) == as_text(before));
    record_reader reader;
    const auto records = reader.records(batch);
    REQUIRE(records);
    for (const auto& record : *records) CHECK(record.timestamp == 777777);
    CHECK((*validate_records(batch)).max_timestamp == 1002);
}

TEST_CASE("a wrong max timestamp is set right, a right one costs nothing") {
    auto made = build_plain({}, 3);
    const auto same_bytes = made;
    set_max_timestamp(made, 1002);
    CHECK(as_text(made) == as_text(same_bytes));
    set_max_timestamp(made, 99);
    CHECK(open(made).crc_matches());
    CHECK(open(made).max_timestamp() == 99);
    CHECK((*validate_records(open(made))).max_timestamp == 1002);
}

TEST_CASE("sequences wrap from the largest to zero, in batches and in records") {
    constexpr auto largest = std::numeric_limits<std::int32_t>::max();
    CHECK(advance_sequence(largest, 1) == 0);
    CHECK(advance_sequence(largest - 1, 3) == 1);
    CHECK(advance_sequence(0, 5) == 5);
    batch_settings settings;
    settings.producer_id = 7;
    settings.producer_epoch = 1;
    settings.base_sequence = largest - 1;
    const auto made = build_plain(settings, 4);
    CHECK(open(made).last_sequence() == 1);
    record_reader reader;
    std::vector<std::int32_t> found;
    const auto records = reader.records(open(made));
    REQUIRE(records);
    for (const auto& record : *records) found.push_back(record.sequence);
    CHECK(found == std::vector<std::int32_t>{largest - 1, largest, 0, 1});
    const auto without = build_plain({}, 2);
    CHECK(open(without).last_sequence() == -1);
}

TEST_CASE("a delete horizon replaces the base timestamp and records keep theirs") {
    batch_settings settings;
    settings.delete_horizon = 500000;
    const auto made = build_plain(settings, 3);
    const auto batch = open(made);
    CHECK(batch.delete_horizon() == 500000);
    CHECK(batch.max_timestamp() == 1002);
    record_reader reader;
    timestamp_ms expected = 1000;
    const auto records = reader.records(batch);
    REQUIRE(records);
    for (const auto& record : *records) {
        CHECK(record.timestamp == expected++);
        CHECK(record.timestamp_delta < 0);
    }
    CHECK(expected == 1003);
    const auto plain = build_plain({}, 1);
    CHECK_FALSE(open(plain).delete_horizon().has_value());
}

TEST_CASE("an empty batch remembers the producer and takes its offsets") {
    batch_settings settings;
    settings.compression = codec::gzip;
    settings.base_offset = 1000;
    settings.producer_id = 42;
    settings.producer_epoch = 6;
    settings.base_sequence = 17;
    settings.last_offset_delta = 9;
    settings.max_timestamp = 1700000000000;
    batch_builder builder{settings};
    const auto made = builder.finish();
    REQUIRE(made);
    const auto batch = open(*made);
    CHECK(made->size() == batch_header_bytes);
    CHECK(batch.crc_matches());
    CHECK_FALSE(batch.compressed());
    CHECK(batch.next_offset() == 1010);
    CHECK(batch.last_sequence() == 26);
    CHECK(batch.base_timestamp() == -1);
    CHECK(batch.max_timestamp() == 1700000000000);
    record_reader reader;
    const auto records = reader.records(batch);
    REQUIRE(records);
    CHECK((records->begin() == records->end()));
    CHECK(batch_builder{}.finish().code() == errc::invalid_record);
}

TEST_CASE("a builder refuses offsets that do not ascend or do not fit, and stays as it was") {
    batch_settings settings;
    settings.base_offset = 100;
    batch_builder builder{settings};
    REQUIRE(builder.append(105, 1, {}, as_bytes("a")));
    CHECK(builder.append(105, 1, {}, as_bytes("b")).code() == errc::invalid_record);
    CHECK(builder.append(99, 1, {}, as_bytes("b")).code() == errc::invalid_record);
    CHECK(builder.append(100 + (std::int64_t{1} << 31), 1, {}, as_bytes("b")).code() == errc::invalid_record);
    CHECK(builder.record_count() == 1);
    REQUIRE(builder.append(2, {}, as_bytes("c")));
    const auto size = builder.uncompressed_size();
    const auto made = builder.finish();
    REQUIRE(made);
    CHECK(made->size() == size);
    CHECK(open(*made).last_offset() == 106);
    CHECK(builder.empty());
    REQUIRE(builder.append(3, {}, as_bytes("next")));
    CHECK(open(*builder.finish()).last_offset() == 100);
}

TEST_CASE("sizes are estimated before a batch is closed") {
    random_source random{12};
    const auto records = some_records(random, 100);
    batch_builder builder;
    std::size_t bound = batch_header_bytes;
    for (const auto& record : records) {
        std::vector<header_view> headers;
        for (const auto& [key, value] : record.headers) headers.push_back({key, view(value)});
        bound += batch_builder::record_size_bound(view(record.key), view(record.value), headers);
        REQUIRE(append(builder, record));
    }
    CHECK(builder.uncompressed_size() <= bound);
    CHECK(bound <= builder.uncompressed_size() + records.size() * 26);
    batch_settings settings;
    settings.compression = codec::zstd;
    batch_builder packed{settings};
    REQUIRE(packed.append(1, {}, some_text(random, 1000)));
    CHECK(packed.estimated_size(0.5) < packed.uncompressed_size() * 6 / 10);
    CHECK(packed.estimated_size(1.0) == packed.uncompressed_size());
}

TEST_CASE("extreme timestamps survive, their differences wrap") {
    batch_builder builder;
    constexpr auto largest = std::numeric_limits<timestamp_ms>::max();
    REQUIRE(builder.append(largest, {}, {}));
    REQUIRE(builder.append(-1, {}, {}));
    REQUIRE(builder.append(std::numeric_limits<timestamp_ms>::min(), {}, {}));
    const auto made = *builder.finish();
    record_reader reader;
    std::vector<timestamp_ms> found;
    const auto records = reader.records(open(made));
    REQUIRE(records);
    for (const auto& record : *records) found.push_back(record.timestamp);
    CHECK(found == std::vector<timestamp_ms>{largest, -1, std::numeric_limits<timestamp_ms>::min()});
}

TEST_CASE("headers are found by name, first of several") {
    const std::vector<header_view> headers{{"a", as_bytes("1")}, {"b", std::nullopt}, {"a", as_bytes("2")}};
    batch_builder builder;
    REQUIRE(builder.append(1, {}, as_bytes("v"), headers));
    const auto made = *builder.finish();
    record_cursor cursor{open(made), open(made).payload()};
    record_view record;
    REQUIRE(cursor.next(record));
    CHECK(as_text(*record.headers.find("a")->value) == "1");
    CHECK_FALSE(record.headers.find("b")->value.has_value());
    CHECK_FALSE(record.headers.find("c").has_value());
    CHECK(record.encoded.size() == open(made).payload().size());
    CHECK_FALSE(cursor.next(record));
    CHECK_FALSE(cursor.failed());
}
