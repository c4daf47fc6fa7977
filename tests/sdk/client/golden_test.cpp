// Vectors made by running Apache Kafka 4.3.1: its serializers, and its producer's choice of a partition.
#include <weir/protocol/hashes.hpp>
#include <weir/topic.hpp>

#include <doctest/doctest.h>

using namespace weir;

namespace {

template <class T>
void check(const T& value, std::string_view hex) {
    byte_sink sink;
    serde_traits<T>::encode(value, sink);
    std::string written;
    for (const auto byte : sink.view()) {
        written += "0123456789abcdef"[std::to_integer<int>(byte) >> 4];
        written += "0123456789abcdef"[std::to_integer<int>(byte) & 15];
    }
    CHECK(written == hex);
    T back{};
    CHECK_FALSE(serde_traits<T>::decode(sink.view(), back));
    CHECK(back == value);
}

}  // namespace

TEST_CASE("values are written and read as Kafka's serializers write them") {
    check(std::string{"h\xc3\xa9"}, "68c3a9");
    check(std::int16_t{-2}, "fffe");
    check(std::int32_t{258}, "00000102");
    check(std::int64_t{-1}, "ffffffffffffffff");
    check(1.5f, "3fc00000");
    check(1.5, "3ff8000000000000");
    check(true, "01");
    check(uuid{0x0123456789abcdef, 0x0123456789abcdef}, "30313233343536372d383961622d636465662d303132332d343536373839616263646566");
}

TEST_CASE("a key goes to the partition where Kafka's producer puts it") {
    struct vector {
        std::string_view key;
        std::int32_t hash, of_3, of_10, of_50;
    };
    const vector vectors[] = {
        {"", 275646681, 0, 1, 31},      {"a", -1563381124, 1, 4, 24},      {"ab", 316155434, 2, 4, 34},     {"abc", 479470107, 0, 7, 7},
        {"abcd", -1323649548, 2, 0, 0}, {"key-1", 193331640, 0, 0, 40},    {"kafka", -798503068, 1, 0, 30}, {"21", -973932308, 0, 0, 40},
        {"foobar", -790332482, 0, 6, 16}, {"a-little-bit-long-string", -985981536, 2, 2, 12}, {"\xc3\xa9\xe4\xb8\xad", -289825924, 1, 4, 24},
    };
    for (const auto& each : vectors) {
        INFO(each.key);
        const auto key = as_bytes(each.key);
        CHECK(protocol::murmur2(key) == each.hash);
        CHECK(protocol::partition_for_key(key, 3) == each.of_3);
        CHECK(protocol::partition_for_key(key, 10) == each.of_10);
        CHECK(protocol::partition_for_key(key, 50) == each.of_50);
    }
}
