#include "support.hpp"

#include <weir/protocol/records/produced.hpp>
#include <weir/protocol/records/record_set.hpp>

#include <doctest/doctest.h>

#include <cstdlib>
#include <new>

using namespace weir;
using namespace weir::protocol;
using namespace weir::testing;

namespace {

thread_local std::size_t allocations = 0;

bytes changed(bytes batch, std::size_t at, std::int32_t value) {
    store_big_endian(batch.data() + at, value);
    refresh_crc(batch);
    return batch;
}

constexpr std::size_t count_at = 57;
constexpr std::size_t last_delta_at = 23;

}  // namespace

// Counted, so that "allocates nothing" is a fact and not a comment.
void* operator new(std::size_t size) {
    ++allocations;
    if (void* got = std::malloc(size == 0 ? 1 : size)) return got;
    throw std::bad_alloc{};
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }

TEST_CASE("checking and walking an uncompressed batch allocates nothing") {
    random_source random{21};
    const auto made = build({}, some_records(random, 500));
    const auto batch = open(made);
    const auto before = allocations;
    const auto checked = check_produced(made);
    record_cursor cursor{batch, batch.payload()};
    std::size_t headers = 0;
    for (record_view record; cursor.next(record);)
        for (const auto& header : record.headers) headers += header.key.size();
    CHECK(allocations == before);
    CHECK(checked.has_value());
    CHECK(cursor.delivered() == 500);
    CHECK(headers > 0);
}

TEST_CASE("compressed batches are checked in a buffer that is used again") {
    random_source random{22};
    batch_settings settings;
    settings.compression = codec::lz4;
    const auto made = build(settings, some_records(random, 500));
    REQUIRE(check_produced(made));
    const auto before = allocations;
    const auto checked = check_produced(made);
    CHECK(allocations == before);
    CHECK(checked->summary.payload_bytes > made.size());
}

TEST_CASE("the records of a produced batch must be exactly what its header says") {
    const auto good = build_plain({}, 5);
    REQUIRE(check_produced(good));
    CHECK(check_produced(changed(good, count_at, 6)).code() == errc::invalid_record);
    CHECK(check_produced(changed(good, count_at, 4)).code() == errc::invalid_record);
    CHECK(check_produced(changed(good, count_at, 0)).code() == errc::invalid_record);
    CHECK(check_produced(changed(good, count_at, -1)).code() == errc::invalid_record);
    CHECK(check_produced(changed(good, last_delta_at, 3)).code() == errc::invalid_record);
    CHECK(check_produced(changed(good, last_delta_at, -1)).code() == errc::invalid_record);
    CHECK(check_produced(changed(changed(good, count_at, INT32_MAX), last_delta_at, INT32_MAX - 1)).code() ==
          errc::invalid_record);

    SUBCASE("a failure names the record") {
        auto broken = good;
        broken[batch_header_bytes + 11 + 4] = std::byte{0x7F};  // a key length in the second record
        refresh_crc(broken);
        const auto checked = check_produced(broken);
        CHECK(checked.code() == errc::invalid_record);
        CHECK(checked.error().message().find("record 1 of 5 in the batch at offset 0: the key leaves the record") !=
              std::string::npos);
    }
    SUBCASE("offset deltas that skip read fine and are refused when produced") {
        batch_builder builder;
        REQUIRE(builder.append(0, 1, {}, as_bytes("a")));
        REQUIRE(builder.append(2, 1, {}, as_bytes("b")));
        const auto gap = *builder.finish();
        CHECK(examine(gap).records == 2);
        CHECK(check_produced(gap).code() == errc::invalid_record);
        CHECK(check_produced(changed(gap, last_delta_at, 1)).code() == errc::invalid_record);
    }
}

TEST_CASE("what a broker answers to a whole produce request") {
    const auto good = build_plain({}, 2);
    const auto joined = [](bytes_view a, bytes_view b) {
        auto both = to_bytes(a);
        both.insert(both.end(), b.begin(), b.end());
        return both;
    };
    CHECK(check_produced({}).code() == errc::invalid_record);
    CHECK(check_produced(bytes_view{good}.first(70)).code() == errc::invalid_record);
    CHECK(check_produced(joined(good, good)).code() == errc::invalid_record);
    CHECK((*check_produced(joined(good, bytes_view{good}.first(60)))).batch.size() == good.size());
    CHECK(check_produced(joined(good, bytes(40, std::byte{0xFF}))).code() == errc::corrupt_message);

    auto wrong = good;
    wrong.back() ^= std::byte{1};
    CHECK(check_produced(wrong).code() == errc::corrupt_message);

    batch_settings settings;
    settings.base_offset = 3;
    CHECK(check_produced(build_plain(settings, 1)).code() == errc::invalid_record);
    settings = {};
    settings.control = true;
    CHECK(check_produced(build_plain(settings, 1)).code() == errc::invalid_record);
    settings = {};
    settings.producer_id = 5;
    CHECK(check_produced(build_plain(settings, 1)).code() == errc::invalid_record);
    settings = {};
    settings.transactional = true;
    settings.producer_id = 5;
    settings.producer_epoch = 0;
    settings.base_sequence = 0;
    const auto transactional = build_plain(settings, 1);
    CHECK(check_produced(transactional).code() == errc::transactional_id_authorization_failed);
    CHECK(check_produced(transactional, {.transactional_id_present = true}).has_value());
    settings = {};
    settings.compression = codec::zstd;
    const auto zstd = build_plain(settings, 1);
    CHECK(check_produced(zstd, {.request_version = 6}).code() == errc::unsupported_compression_type);
    CHECK(check_produced(zstd, {.request_version = 7}).has_value());
}

TEST_CASE("a small batch cannot become a large one") {
    const bytes zeros(std::size_t{20} << 20);
    for (const auto which : real_codecs) {
        CAPTURE(codec_name(which));
        batch_settings settings;
        settings.compression = which;
        batch_builder builder{settings};
        REQUIRE(builder.append(1, {}, zeros));
        const auto bomb = *builder.finish();
        CHECK(check_produced(bomb, {.decompressed_limit = 1 << 20}).code() == errc::message_too_large);
        record_reader reader{1 << 20};
        CHECK(reader.records(open(bomb)).code() == errc::message_too_large);
        CHECK((*check_produced(bomb)).summary.payload_bytes > zeros.size());
    }
}

TEST_CASE("random damage under a right checksum is refused or harmless, for every codec") {
    random_source random{23};
    record_reader reader{1 << 20};
    int refused = 0;
    for (int round = 0; round < 4000; ++round) {
        batch_settings settings;
        settings.compression = every_codec[static_cast<std::size_t>(round) % every_codec.size()];
        auto made = build(settings, some_records(random, 1 + random.below(6)));
        for (auto flips = 1 + random.below(3); flips > 0; --flips)
            made[21 + random.below(made.size() - 21)] ^= static_cast<std::byte>(1 + random.below(255));
        refresh_crc(made);
        const auto checked = check_produced(made, {.transactional_id_present = true, .decompressed_limit = 1 << 20});
        if (!checked) {
            ++refused;
            CHECK((checked.code() == errc::invalid_record || checked.code() == errc::message_too_large));
            continue;
        }
        const auto records = reader.records(checked->batch);
        REQUIRE(records);
        std::int32_t count = 0;
        for (const auto& record : *records) count += record.offset_delta == count ? 1 : 1000;
        CHECK(count == checked->summary.count);
    }
    CHECK(refused > 1000);
}

TEST_CASE("a set of batches is walked to its end, its cut tail or its first damage") {
    bytes set;
    std::vector<std::size_t> starts;
    for (int i = 0; i < 4; ++i) {
        batch_settings settings;
        settings.base_offset = 10 * i;
        starts.push_back(set.size());
        const auto made = build_plain(settings, 3);
        set.insert(set.end(), made.begin(), made.end());
    }
    CHECK(examine(set).batches == 4);
    CHECK(examine(set).records == 12);
    CHECK(examine(set).bytes == set.size());
    for (std::size_t length = 0; length <= set.size(); ++length) {
        const auto report = examine(bytes_view{set}.first(length));
        const auto whole = static_cast<std::int32_t>(length / starts[1]);
        CHECK(report.batches == whole);
        CHECK(report.verdict == (length % starts[1] == 0 ? set_verdict::ok : set_verdict::incomplete));
    }
    SUBCASE("a wrong checksum stops the walk in front of it") {
        set[starts[2] + 70] ^= std::byte{4};
        const auto report = examine(set);
        CHECK(report.verdict == set_verdict::bad_crc);
        CHECK(report.batches == 2);
        CHECK(report.bytes == starts[2]);
        record_set unchecked{set, crc_check::skip};
        int count = 0;
        while (unchecked.next()) ++count;
        CHECK(count == 4);
    }
    SUBCASE("a length of nothing") {
        store_big_endian(set.data() + starts[1] + 8, std::int32_t{0});
        CHECK(examine(set).verdict == set_verdict::bad_framing);
        CHECK(examine(set).batches == 1);
    }
    SUBCASE("records that are wrong under a right checksum") {
        store_big_endian(set.data() + starts[3] + count_at, std::int32_t{2});
        refresh_crc(mutable_bytes{set}.subspan(starts[3]));
        const auto report = examine(set);
        CHECK(report.verdict == set_verdict::bad_records);
        CHECK(report.batches == 3);
        CHECK(report.why.message().find("batch at position " + std::to_string(starts[3])) != std::string::npos);
    }
}
