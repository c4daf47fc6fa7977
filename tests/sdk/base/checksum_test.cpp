#include <weir/base/crc32c.hpp>

#include <doctest/doctest.h>

using namespace weir;

TEST_CASE("the checksum is the standard CRC-32C") {
    CHECK(crc32c(0, as_bytes("123456789")) == 0xe3069283);
    CHECK(crc32c(0, {}) == 0);
    CHECK(crc32c(0, bytes(32, std::byte{0})) == 0x8a9136aa);
    CHECK(crc32c(0, bytes(32, std::byte{0xff})) == 0x62a8ab43);
}

TEST_CASE("a checksum goes on where another ended") {
    const auto whole = as_bytes("the quick brown fox jumps over the lazy dog");
    for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
        CHECK(crc32c(crc32c(0, whole.first(cut)), whole.subspan(cut)) == crc32c(0, whole));
    }
}
