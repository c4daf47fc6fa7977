#include "support.hpp"

#include <weir/protocol/streams_assignment.hpp>

#include <doctest/doctest.h>

using namespace weir;
using namespace weir::protocol;

namespace {
streams_assignment_info some_assignment(std::int32_t version) {
    streams_assignment_info info{.version = version};
    info.active = {{0, 4}, {1, 0}};
    info.standby = {{{1, 1}, {{"orders", 1}, {"clicks", 1}}}};
    if (version >= 2) info.by_host = {{"a", 9000, {{"orders", 4}}}, {"b", 9001, {{"clicks", 0}}}};
    if (version >= 3) info.commonly_supported_version = 11;
    if (version >= 4) info.error_code = 1;
    if (version >= 6) info.standby_by_host = {{"a", 9000, {{"clicks", 1}}}};
    if (version >= 7) info.next_rebalance_ms = 5;
    if (version >= 10) info.active[0].named_topology = u"blue";
    return info;
}
}  // namespace

TEST_CASE("an assignment of each version reads as it was written") {
    for (std::int32_t version = 1; version <= streams_assignment_info::max_version; ++version) {
        CAPTURE(version);
        const auto written = some_assignment(version);
        const auto content = encode_streams_assignment(written);
        REQUIRE(content);
        auto read = decode_streams_assignment(*content);
        REQUIRE(read);
        CHECK(read->dictionary.size() == (version >= 5 ? 2 : 0));
        read->dictionary.clear();  // the writer makes it up
        CHECK(*read == written);
    }
}

TEST_CASE("an assignment cut at any byte is malformed") {
    for (const std::int32_t version : {1, 4, 11}) {
        const auto whole = *encode_streams_assignment(some_assignment(version));
        for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
            const auto cut = to_bytes(bytes_view{whole}.first(bytes));
            CHECK(decode_streams_assignment(cut).code() == errc::malformed);
        }
    }
}

TEST_CASE("a topic number without a name, and a version outside 1 to 11, are refused") {
    auto content = *encode_streams_assignment({.version = 5, .by_host = {{"a", 1, {{"t", 0}}}}});
    // The topic index of the only partition: 12 bytes before the end (index, partition, error code).
    content[content.size() - 9] = std::byte{9};
    CHECK(decode_streams_assignment(content).code() == errc::malformed);
    CHECK(decode_streams_assignment(test::raw({0, 0, 0, 12})).code() == errc::unsupported_version);
    CHECK(encode_streams_assignment({.version = 0}).code() == errc::unsupported_version);
}
