#include "support.hpp"

#include <weir/protocol/records/record_set.hpp>

#include <doctest/doctest.h>
#include <zlib.h>

using namespace weir;
using namespace weir::protocol;
using namespace weir::testing;

namespace {

void append_int(bytes& to, auto value) {
    to.resize(to.size() + sizeof value);
    store_big_endian(to.data() + to.size() - sizeof value, value);
}

void append_nullable(bytes& to, std::optional<std::string_view> text) {
    append_int(to, text ? static_cast<std::int32_t>(text->size()) : std::int32_t{-1});
    if (text)
        for (const char c : *text) to.push_back(static_cast<std::byte>(c));
}

/// Old messages are written here only, to have something to read.
bytes message(std::int64_t offset, int magic, int attributes, std::optional<timestamp_ms> timestamp,
              std::optional<std::string_view> key, std::optional<std::string_view> value) {
    bytes out;
    append_int(out, offset);
    append_int(out, std::int32_t{0});
    append_int(out, std::uint32_t{0});
    append_int(out, static_cast<std::int8_t>(magic));
    append_int(out, static_cast<std::int8_t>(attributes));
    if (magic == 1) append_int(out, timestamp.value_or(-1));
    append_nullable(out, key);
    append_nullable(out, value);
    store_big_endian(out.data() + 8, static_cast<std::int32_t>(out.size() - 12));
    store_big_endian(out.data() + 12, static_cast<std::uint32_t>(crc32_z(
                                          0, reinterpret_cast<const Bytef*>(out.data() + 16), out.size() - 16)));
    return out;
}

bytes joined(std::initializer_list<bytes> parts) {
    bytes out;
    for (const auto& part : parts) out.insert(out.end(), part.begin(), part.end());
    return out;
}

bytes wrapped(std::int64_t offset, int magic, codec which, int more_attributes, timestamp_ms timestamp,
              bytes_view inner) {
    scratch_buffer packed;
    *compress(which, {}, inner, packed, magic == 0 ? lz4_variant::magic0 : lz4_variant::standard);
    return message(offset, magic, static_cast<int>(which) | more_attributes, timestamp, {}, as_text(packed.view()));
}

std::string shown(const result<std::span<const record_view>>& records) {
    if (!records) return records.error().message();
    std::string out;
    for (const auto& record : *records)
        out += std::string{record.value ? as_text(*record.value) : "null"} + "@" + std::to_string(record.offset) + "/" +
               std::to_string(record.timestamp) + " ";
    return out;
}

}  // namespace

TEST_CASE("old messages are read with absolute offsets, whatever wraps them") {
    legacy_reader reader;
    for (const auto which : {codec::gzip, codec::snappy, codec::lz4}) {
        CAPTURE(codec_name(which));
        const auto zero = wrapped(
            22, 0, which, 0, 0,
            joined({message(20, 0, 0, {}, "a", "1"), message(21, 0, 0, {}, {}, "2"), message(22, 0, 0, {}, "c", {})}));
        CHECK(shown(reader.read(*legacy_entry::open(zero))) == "1@20/-1 2@21/-1 null@22/-1 ");
        const auto inner = joined(
            {message(0, 1, 0, 1000, "a", "1"), message(1, 1, 0, 1001, {}, "2"), message(3, 1, 0, 1002, "c", "3")});
        const auto one = wrapped(53, 1, which, 0, 1002, inner);
        CHECK(shown(reader.read(*legacy_entry::open(one))) == "1@50/1000 2@51/1001 3@53/1002 ");
        const auto append_time = wrapped(53, 1, which, 8, 7777, inner);
        CHECK(shown(reader.read(*legacy_entry::open(append_time))) == "1@50/7777 2@51/7777 3@53/7777 ");
    }
}

TEST_CASE("old messages of both kinds and new batches may follow each other") {
    const auto set = joined({message(1, 0, 0, {}, "a", "1"), message(2, 1, 0, 5, "b", "2"), build_plain({}, 2)});
    record_set walk{set};
    std::string magics;
    while (const auto entry = walk.next()) magics += std::to_string(entry->magic());
    CHECK(magics == "012");
    CHECK(walk.verdict() == set_verdict::ok);
    CHECK(examine(set).records == 4);
    CHECK(examine(bytes_view{set}.first(set.size() - 1)).verdict == set_verdict::incomplete);
}

TEST_CASE("broken old messages are refused") {
    legacy_reader reader{100000};
    const auto read = [&](const bytes& entry) { return shown(reader.read(*legacy_entry::open(entry))); };
    const auto inner = message(0, 1, 0, 1, "a", "1");
    auto wrong_crc = inner;
    wrong_crc.back() ^= std::byte{1};
    CHECK(read(wrapped(1, 1, codec::gzip, 0, 1, wrong_crc)).find("wrong checksum") != std::string::npos);
    CHECK(read(wrapped(1, 1, codec::gzip, 0, 1, message(0, 0, 0, {}, "a", "1"))).find("another magic") !=
          std::string::npos);
    CHECK(read(wrapped(1, 1, codec::gzip, 0, 1, wrapped(1, 1, codec::gzip, 0, 1, inner))).find("compressed again") !=
          std::string::npos);
    CHECK(read(wrapped(1, 1, codec::gzip, 0, 1, {})).find("without messages") != std::string::npos);
    CHECK(read(wrapped(1, 1, codec::zstd, 0, 1, inner)).find("does not have") != std::string::npos);
    CHECK(read(wrapped(1, 1, codec::gzip, 0, 1, bytes_view{inner}.first(20))).find("do not parse") !=
          std::string::npos);
    CHECK(read(message(1, 1, 1, 1, {}, {})).find("without a value") != std::string::npos);
    CHECK(read(message(1, 1, 1, 1, {}, "no gzip")).find("does not decompress") != std::string::npos);
    const bytes zeros(1000000);
    CHECK(reader.read(*legacy_entry::open(wrapped(1, 1, codec::gzip, 0, 1, zeros))).code() == errc::message_too_large);

    auto key_too_long = message(1, 0, 0, {}, "a", "1");
    store_big_endian(key_too_long.data() + 18, std::int32_t{1000});
    CHECK(read(key_too_long).find("leaves the message") != std::string::npos);
    CHECK(examine(key_too_long).verdict == set_verdict::bad_crc);
}
