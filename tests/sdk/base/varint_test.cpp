#include <weir/base/varint.hpp>

#include <doctest/doctest.h>

#include <initializer_list>
#include <limits>

using namespace weir;

namespace {

bytes octets(std::initializer_list<int> values) {
    bytes made;
    for (const int value : values) made.push_back(static_cast<std::byte>(value));
    return made;
}

}  // namespace

TEST_CASE("unsigned varints have their known bytes") {
    const std::pair<std::uint32_t, bytes> known[] = {
        {0, octets({0})},           {127, octets({0x7f})},
        {128, octets({0x80, 1})},   {16383, octets({0xff, 0x7f})},
        {16384, octets({0x80, 0x80, 1})}, {0xffffffff, octets({0xff, 0xff, 0xff, 0xff, 0x0f})},
    };
    for (const auto& [value, encoded] : known) {
        bytes written;
        append_unsigned_varint(written, value);
        CHECK(written == encoded);
        CHECK(size_of_unsigned_varint(value) == encoded.size());
        const auto read = read_unsigned_varint(encoded);
        CHECK(read.value == value);
        CHECK(read.bytes == static_cast<int>(encoded.size()));
    }
}

TEST_CASE("zigzag keeps small numbers of both signs short") {
    const std::pair<std::int32_t, bytes> known[] = {
        {0, octets({0})}, {-1, octets({1})}, {1, octets({2})}, {-64, octets({0x7f})}, {64, octets({0x80, 1})},
        {std::numeric_limits<std::int32_t>::max(), octets({0xfe, 0xff, 0xff, 0xff, 0x0f})},
        {std::numeric_limits<std::int32_t>::min(), octets({0xff, 0xff, 0xff, 0xff, 0x0f})},
    };
    for (const auto& [value, encoded] : known) {
        bytes written;
        append_varint(written, value);
        CHECK(written == encoded);
        CHECK(size_of_varint(value) == encoded.size());
        CHECK(read_varint(encoded).value == value);
    }
}

TEST_CASE("varlongs of every length come back") {
    for (int shift = 0; shift < 64; ++shift) {
        for (const std::int64_t sign : {1, -1}) {
            const auto bit = std::uint64_t{1} << shift;
            const auto value = static_cast<std::int64_t>(sign < 0 ? ~bit + 1 : bit);
            bytes written;
            append_varlong(written, value);
            CHECK(written.size() == size_of_varlong(value));
            const auto read = read_varlong(written);
            CHECK(read.value == value);
            CHECK(read.bytes == static_cast<int>(written.size()));
        }
    }
    bytes longest;
    append_varlong(longest, std::numeric_limits<std::int64_t>::min());
    CHECK(longest.size() == max_varlong_bytes);
    CHECK(read_varlong(longest).value == std::numeric_limits<std::int64_t>::min());
}

TEST_CASE("an encoding longer than needed is accepted") {
    const auto read = read_unsigned_varint(octets({0x81, 0x80, 0x80, 0x80, 0x00}));
    CHECK(read.value == 1);
    CHECK(read.bytes == 5);
}

TEST_CASE("a fifth byte that goes on, or has bits that do not fit, is malformed") {
    CHECK(read_unsigned_varint(octets({0x80, 0x80, 0x80, 0x80, 0x80, 0x01})).malformed());
    CHECK(read_unsigned_varint(octets({0xff, 0xff, 0xff, 0xff, 0x1f})).malformed());
    CHECK(read_unsigned_varlong(octets({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02})).malformed());
    CHECK_FALSE(read_varint(octets({0x80, 0x80, 0x80, 0x80, 0x80})));
}

TEST_CASE("input that ends inside a varint is incomplete") {
    CHECK(read_unsigned_varint({}).incomplete());
    CHECK(read_unsigned_varint(octets({0x80})).incomplete());
    CHECK(read_varlong(octets({0xff, 0xff, 0xff, 0xff, 0xff})).incomplete());
}
