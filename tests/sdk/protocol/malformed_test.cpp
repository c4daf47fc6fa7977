#include "support.hpp"

#include <weir/protocol/codec.hpp>
#include <weir/protocol/json.hpp>
#include <weir/protocol/messages/api_versions.hpp>
#include <weir/protocol/messages/fetch.hpp>
#include <weir/protocol/messages/join_group.hpp>
#include <weir/protocol/messages/metadata.hpp>
#include <weir/protocol/messages/metadata_records.hpp>
#include <weir/protocol/messages/produce.hpp>

#include <doctest/doctest.h>

using namespace weir;
using namespace weir::protocol;
using weir::test::names;
using weir::test::raw;
using weir::test::operator+;

namespace {

produce_request some_produce(std::int16_t version) {
    produce_request request{.transactional_id = "txn", .acks = -1, .timeout_ms = 1000};
    auto& topic = request.topic_data.emplace_back();
    if (version >= 13)
        topic.topic_id = {1, 2};
    else
        topic.name = "orders";
    topic.partition_data.push_back({.index = 1, .records = record_data{to_bytes("not looked at")}});
    topic.partition_data.push_back({.index = 2});
    return request;
}

fetch_request some_fetch(std::int16_t version) {
    fetch_request request{.max_wait_ms = 500, .min_bytes = 1};
    if (version < 15) request.replica_id = 3;
    auto& topic = request.topics.emplace_back();
    if (version >= 13)
        topic.topic_id = {7, 8};
    else
        topic.topic = "orders";
    topic.partitions.push_back({.partition = 4, .fetch_offset = 99, .partition_max_bytes = 1 << 20});
    return request;
}

// A prefix of an encoded message never decodes, and never reads outside of itself (a copy ends where the prefix does).
template <class M>
void check_every_cut(const M& message, std::int16_t version) {
    const auto whole = encode(message, version);
    REQUIRE(whole);
    CHECK(*decode<M>(*whole, version) == message);
    for (std::size_t bytes = 0; bytes < whole->size(); ++bytes) {
        CAPTURE(version);
        CAPTURE(bytes);
        const auto cut = to_bytes(bytes_view{*whole}.first(bytes));
        const auto read = decode<M>(cut, version);
        CHECK(read.code() == errc::malformed);
        CHECK(names(read, {M::message_name, "field"}));
    }
}

}  // namespace

TEST_CASE("a message cut at any byte is malformed, and the error names message and field") {
    for (std::int16_t version = produce_request::min_version; version <= produce_request::max_version; ++version)
        check_every_cut(some_produce(version), version);
    for (std::int16_t version = fetch_request::min_version; version <= fetch_request::max_version; ++version)
        check_every_cut(some_fetch(version), version);
    for (std::int16_t version = 0; version <= metadata_request::max_version; ++version) {
        metadata_request request;
        request.topics.emplace().push_back({.name = "orders"});
        check_every_cut(request, version);
    }
}

TEST_CASE("a count that the rest of the input cannot hold is refused before anything is reserved") {
    // Metadata version 1: 2147483647 topics, and not one of them.
    CHECK(names(decode<metadata_request>(raw({0x7f, 0xff, 0xff, 0xff}), 1), {"MetadataRequest version 1", "topics"}));
    // Version 9, compact: the largest varint, and the largest that a signed length can say.
    CHECK(decode<metadata_request>(raw({0xff, 0xff, 0xff, 0xff, 0x0f}), 9).code() == errc::malformed);
    CHECK(decode<metadata_request>(raw({0xff, 0xff, 0xff, 0xff, 0x07}), 9).code() == errc::malformed);
    // 3 topics in 5 bytes: an empty name takes two bytes in version 1.
    CHECK(decode<metadata_request>(raw({0, 0, 0, 3, 0, 0, 0, 0, 0}), 1).code() == errc::malformed);
    CHECK((*decode<metadata_request>(raw({0, 0, 0, 3, 0, 0, 0, 0, 0, 0}), 1)).topics->size() == 3);
}

TEST_CASE("a negative count or length other than null is malformed") {
    CHECK(decode<metadata_request>(raw({0xff, 0xff, 0xff, 0xfe}), 1).code() == errc::malformed);
    CHECK(names(decode<metadata_request>(raw({0, 0, 0, 1, 0x80, 0}), 1), {"topics.name", "negative"}));
}

TEST_CASE("a null is accepted in the versions that allow it and refused in the others, both ways") {
    CHECK_FALSE((*decode<metadata_request>(raw({0xff, 0xff, 0xff, 0xff}), 1)).topics.has_value());
    CHECK(names(decode<metadata_request>(raw({0xff, 0xff, 0xff, 0xff}), 0), {"topics", "null"}));
    const metadata_request all_topics{.topics = std::nullopt};
    CHECK(encode(all_topics, 1));
    CHECK(names(encode(all_topics, 0), {"MetadataRequest version 0", "topics", "null"}));
    // The name of a topic may be null from version 10 on.
    CHECK(names(decode<metadata_request>(raw({2, 0, 0, 1, 0, 0, 0}), 9), {"topics.name", "null"}));
}

TEST_CASE("strings have at most 32767 bytes in both encodings") {
    const std::string longest(32767, 'a');
    const api_versions_request fits{.client_software_name = longest, .client_software_version = "1"};
    CHECK(*decode<api_versions_request>(*encode(fits, 3), 3) == fits);
    const api_versions_request too_long{.client_software_name = longest + "a", .client_software_version = "1"};
    CHECK(encode(too_long, 3).code() == errc::malformed);
    const auto by_hand = raw({0x81, 0x80, 0x02}) + to_bytes(longest + "a") + raw({2, '1', 0});
    CHECK(names(decode<api_versions_request>(by_hand, 3), {"client_software_name", "32767"}));
}

TEST_CASE("a variable-length integer of six bytes, or with bits that do not fit, is malformed") {
    CHECK(decode<api_versions_request>(raw({0x80, 0x80, 0x80, 0x80, 0x80, 0x01}), 3).code() == errc::malformed);
    CHECK(decode<api_versions_request>(raw({0x80, 0x80, 0x80, 0x80, 0x10}), 3).code() == errc::malformed);
    // Longer than needed is fine: 1 in two bytes is the empty string.
    CHECK((*decode<api_versions_request>(raw({0x81, 0x00, 1, 0}), 3)).client_software_name.empty());
}

TEST_CASE("a message in a version that the schema lacks is refused by name") {
    CHECK(names(decode<fetch_request>(raw({0}), 3), {"FetchRequest", "3", "4 to 18"}));
    CHECK(names(encode(fetch_request{}, 19), {"FetchRequest", "19", "4 to 18"}));
    CHECK(encode(fetch_request{}, -1).code() == errc::unsupported_version);
}

TEST_CASE("bytes after a message are left to the reader") {
    const auto content = *encode(join_group_request{.group_id = "g"}, 0) + raw({1, 2, 3});
    reader in{content};
    CHECK((*decode<join_group_request>(in, 0)).group_id == "g");
    CHECK(in.remaining() == 3);
}

TEST_CASE("every message of every schema survives each prefix of its default encoding") {
    std::size_t messages = 0;
    for (const auto schema : schemas()) {
        for (const auto& type : messages_of(schema)) {
            for (auto version = type.min_version; version <= type.max_version; ++version) {
                CAPTURE(type.name);
                CAPTURE(version);
                writer out;
                const auto fresh = type.make();
                REQUIRE(encode(type, fresh.get(), version, out));
                const auto whole = *out.take_bytes();
                for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
                    const auto cut = to_bytes(bytes_view{whole}.first(bytes));
                    reader in{cut};
                    CHECK(decode(type, in, version).code() == errc::malformed);
                }
                reader in{whole};
                const auto read = decode(type, in, version);
                REQUIRE(read);
                CHECK(type.equal(fresh.get(), read->get()));
                ++messages;
            }
        }
    }
    CHECK(messages > 739);
}
