#include "support.hpp"

#include <weir/protocol/codec.hpp>
#include <weir/protocol/messages/create_topics.hpp>
#include <weir/protocol/messages/describe_client_quotas.hpp>
#include <weir/protocol/messages/fetch.hpp>
#include <weir/protocol/messages/metadata.hpp>
#include <weir/protocol/messages/offset_fetch.hpp>

#include <doctest/doctest.h>

using namespace weir;
using namespace weir::protocol;
using weir::test::names;

TEST_CASE("fields that a version lacks read as their defaults, which are not always zero") {
    const auto read = decode<fetch_request>(*encode(fetch_request{}, 4), 4);
    REQUIRE(read);
    CHECK(read->session_epoch == -1);
    CHECK(read->max_bytes == 2147483647);
    CHECK(fetch_request::fetch_partition{}.high_watermark == 9223372036854775807);
    CHECK((*decode<metadata_request>(*encode(metadata_request{}, 0), 0)).allow_auto_topic_creation);
}

TEST_CASE("a value the version lacks is dropped when ignorable, and refused when the receiver would miss it") {
    CHECK(encode(fetch_request{.rack_id = "a"}, 4));
    const auto refused = encode(metadata_request{.allow_auto_topic_creation = false}, 3);
    CHECK(refused.code() == errc::unsupported_version);
    CHECK(names(refused, {"MetadataRequest version 3", "allow_auto_topic_creation"}));
}

TEST_CASE("a struct of another version's shape is refused as well") {
    offset_fetch_request request{.group_id = "g"};
    request.groups.push_back({.group_id = "h"});
    CHECK(names(encode(request, 1), {"OffsetFetchRequest version 1", "groups"}));
}

TEST_CASE("a double is written most significant byte first") {
    describe_client_quotas_response answer;
    auto& values = answer.entries.emplace().emplace_back().values;
    values.push_back({.key = "k", .value = 1.0});
    const auto content = encode(answer, 0);
    REQUIRE(content);
    const auto tail = to_bytes(bytes_view{*content}.last(8));
    CHECK(tail == test::raw({0x3f, 0xf0, 0, 0, 0, 0, 0, 0}));
    CHECK(*decode<describe_client_quotas_response>(*content, 0) == answer);
}

TEST_CASE("a writer that failed works again after clear()") {
    writer out;
    CHECK_FALSE(encode(metadata_request{.allow_auto_topic_creation = false}, 3, out));
    out.clear();
    REQUIRE(encode(metadata_request{}, 9, out));
    CHECK(*out.take_bytes() == *encode(metadata_request{}, 9));
}
