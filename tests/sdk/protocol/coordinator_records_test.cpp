#include "support.hpp"

#include <weir/protocol/coordinator_records.hpp>

#include <doctest/doctest.h>

using namespace weir;
using namespace weir::protocol;
using weir::test::names;
using weir::test::raw;

TEST_CASE("a key starts with its type, a value with its version") {
    CHECK(*encode_record_key(group_metadata_key{.group = "g"}) == raw({0, 2, 0, 1, 'g'}));
    const auto value = *encode_record_value(consumer_group_metadata_value{.epoch = 5}, 0);
    CHECK(value == raw({0, 0, 0, 0, 0, 5, 0}));
}

TEST_CASE("keys and values come back as the alternative that was written") {
    const group_record_key key = offset_commit_key{.group = "g", .topic = "t", .partition = 3};
    const auto read_key = decode_group_record_key(*encode_record_key(key));
    REQUIRE(read_key);
    CHECK(*read_key == key);
    for (std::int16_t version = 0; version <= offset_commit_value::max_version; ++version) {
        const group_record_value value = offset_commit_value{.offset = 12, .metadata = "m", .commit_timestamp = 9};
        const auto read = decode_group_record_value(*read_key, *encode_record_value(value, version));
        REQUIRE(read);
        CHECK(*read == value);
    }
}

TEST_CASE("an old offset key reads as a present one, and so does its value") {
    const auto read = decode_group_record_key(
        *encode_record_key(legacy_offset_commit_key{.group = "g", .topic = "t", .partition = 3}));
    REQUIRE(read);
    CHECK(std::get<offset_commit_key>(*read) == offset_commit_key{.group = "g", .topic = "t", .partition = 3});
    const auto value =
        *encode_record_value(legacy_offset_commit_value{.offset = 7, .metadata = "m", .commit_timestamp = 1}, 0);
    CHECK(std::get<offset_commit_value>(*decode_group_record_value(*read, value)).offset == 7);
}

TEST_CASE("types and versions of a newer broker are told apart from damage") {
    CHECK(names(decode_group_record_key(raw({0, 99})), {"__consumer_offsets", "type 99"}));
    CHECK(decode_group_record_key(raw({0, 99})).code() == errc::unsupported_version);
    CHECK(decode_group_record_key(raw({0})).code() == errc::malformed);
    CHECK(decode_group_record_key(raw({0, 1, 0, 9})).code() == errc::malformed);
    const group_record_key key = group_metadata_key{.group = "g"};
    CHECK(decode_group_record_value(key, raw({0, 77})).code() == errc::unsupported_version);
    CHECK(decode_group_record_value(key, {}).code() == errc::malformed);
}

TEST_CASE("transaction and share records have types of their own") {
    const transaction_record_key transaction = transaction_log_key{.transactional_id = "t"};
    CHECK(*decode_transaction_record_key(*encode_record_key(transaction)) == transaction);
    const share_record_key update = share_update_key{.group_id = "g", .topic_id = {1, 2}, .partition = 3};
    const auto content = encode_record_key(update);
    REQUIRE(content);
    CHECK((*content)[1] == std::byte{1});
    CHECK(*decode_share_record_key(*content) == update);
}
