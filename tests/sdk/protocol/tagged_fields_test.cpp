#include "support.hpp"

#include <weir/protocol/codec.hpp>
#include <weir/protocol/messages/api_versions.hpp>
#include <weir/protocol/messages/fetch.hpp>
#include <weir/protocol/messages/group_coordinator_records.hpp>
#include <weir/protocol/messages/metadata_records.hpp>

#include <doctest/doctest.h>

#include <algorithm>

using namespace weir;
using namespace weir::protocol;
using weir::test::names;
using weir::test::raw;
using weir::test::operator+;

namespace {
// BeginTransactionRecord has one field: name, tag 0.
result<begin_transaction_record> read(const bytes& content) { return decode<begin_transaction_record>(content, 0); }
}  // namespace

TEST_CASE("unknown tags are kept and written back in ascending order, merged with the known ones") {
    const auto content = raw({3, 0, 3, 3, 'a', 'b', 5, 1, 9, 200, 1, 2, 7, 7});
    const auto record = read(content);
    REQUIRE(record);
    CHECK(record->name == "ab");
    CHECK(record->unknown_tags.size() == 2);
    CHECK(*encode(*record, 0) == content);
}

TEST_CASE("tags may come in any order; they leave sorted") {
    const auto record = read(raw({3, 9, 1, 1, 4, 0, 0, 2, 2, 'x'}));
    REQUIRE(record);
    CHECK(*encode(*record, 0) == raw({3, 0, 2, 2, 'x', 4, 0, 9, 1, 1}));
}

TEST_CASE("many unknown tags in descending order take no longer than sorted ones") {
    // 100,000 tags of two to four bytes; quadratic work would show as a test that does not end.
    writer out;
    constexpr std::uint32_t tags = 100'000;
    out.unsigned_varint(tags);
    for (std::uint32_t tag = tags; tag > 0; --tag) {
        out.unsigned_varint(tag);
        out.unsigned_varint(0);
    }
    const auto record = read(*out.take_bytes());
    REQUIRE(record);
    CHECK(record->unknown_tags.size() == tags);
    CHECK(std::ranges::is_sorted(record->unknown_tags, {}, &tagged_fields::field::tag));
}

TEST_CASE("a tag that occurs twice is malformed") {
    CHECK(names(read(raw({2, 7, 0, 7, 0})), {"BeginTransactionRecord", "twice"}));
}

TEST_CASE("the size of a tagged field is binding") {
    CHECK(read(raw({1, 0, 4, 3, 'a', 'b', 0})).code() == errc::malformed);  // longer than its content
    CHECK(read(raw({1, 0, 2, 3, 'a', 'b'})).code() == errc::malformed);     // shorter
    CHECK(read(raw({1, 9, 5, 0})).code() == errc::malformed);               // beyond the input
    CHECK(read(raw({0xff, 0xff, 0xff, 0xff, 0x07})).code() == errc::malformed);
}

TEST_CASE("a field at its default is not written, a null that is not the default is") {
    CHECK(*encode(begin_transaction_record{}, 0) == raw({0}));
    const consumer_group_member_metadata_value plain{.classic_member_metadata = std::nullopt};
    const auto content = *encode(plain, 0);
    CHECK(to_bytes(bytes_view{content}.last(4)) == raw({1, 0, 1, 0}));
    CHECK_FALSE((*decode<consumer_group_member_metadata_value>(content, 0)).classic_member_metadata.has_value());
    CHECK((*decode<consumer_group_member_metadata_value>(*encode(consumer_group_member_metadata_value{}, 0), 0))
              .classic_member_metadata.has_value());
}

TEST_CASE("a payload of more than 127 bytes gets a size of two bytes or more") {
    for (const std::size_t length : {126u, 127u, 128u, 16382u, 16383u, 16384u, 32767u}) {
        CAPTURE(length);
        const begin_transaction_record record{.name = std::string(length, 'n')};
        const auto content = encode(record, 0);
        REQUIRE(content);
        CHECK(*read(*content) == record);
    }
}

TEST_CASE("tagged structs nest") {
    fetch_response answer;
    for (int node = 0; node < 40; ++node)
        answer.node_endpoints.push_back({.node_id = node, .host = "host", .port = 9092});
    auto& partition = answer.responses.emplace_back().partitions.emplace_back();
    partition.current_leader = {.leader_id = 4, .leader_epoch = 2};
    partition.diverging_epoch = {.epoch = 1, .end_offset = 10};
    const auto content = encode(answer, 16);
    REQUIRE(content);
    CHECK(*decode<fetch_response>(*content, 16) == answer);
}

TEST_CASE("a tag that belongs to other versions is malformed") {
    // Fetch 12 knows replica_state (tag 1) only from version 15 on.
    auto content = *encode(fetch_request{}, 12);
    content.back() = std::byte{1};
    content = content + raw({1, 1, 0});
    CHECK(names(decode<fetch_request>(content, 12), {"FetchRequest version 12", "replica_state"}));
}

TEST_CASE("unknown tags cannot be written in a version without tagged sections") {
    api_versions_request request;
    request.unknown_tags.set(3, raw({1}));
    CHECK(names(encode(request, 2), {"ApiVersionsRequest version 2", "tagged"}));
    CHECK(encode(request, 3));
}

TEST_CASE("tagged fields compare by value, copy deeply and replace by tag") {
    tagged_fields left;
    left.set(5, raw({1}));
    left.set(2, raw({2}));
    left.set(5, raw({3}));
    CHECK(left.size() == 2);
    CHECK(left.begin()->tag == 2);
    auto right = left;
    CHECK(right == left);
    right.set(2, raw({9}));
    CHECK_FALSE(right == left);
    CHECK(tagged_fields{} == tagged_fields{});
}
