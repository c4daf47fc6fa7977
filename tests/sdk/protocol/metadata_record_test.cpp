#include "support.hpp"

#include <weir/protocol/metadata_record.hpp>

#include <doctest/doctest.h>

using namespace weir;
using namespace weir::protocol;
using weir::test::names;
using weir::test::raw;

TEST_CASE("a metadata record is framed by frame version, type and version") {
    CHECK(*encode_metadata_record(no_op_record{}, 0) == raw({1, 20, 0, 0}));
    const metadata_record topic = topic_record{.name = "foo", .topic_id = {1, 2}};
    const auto content = encode_metadata_record(topic, 0);
    REQUIRE(content);
    const auto read = decode_metadata_record(*content);
    REQUIRE(read);
    CHECK(read->record == topic);
    CHECK(read->version == 0);
    CHECK(name_of(read->record) == "TopicRecord");
}

TEST_CASE("the version of a record is kept") {
    const partition_record partition{.topic_id = {1, 2}, .replicas = {1, 2}, .isr = {1}, .leader = 1};
    for (std::int16_t version = 0; version <= latest_version_of(partition); ++version) {
        const auto read = decode_metadata_record(*encode_metadata_record(partition, version));
        REQUIRE(read);
        CHECK(read->version == version);
        CHECK(std::get<partition_record>(read->record) == partition);
    }
}

TEST_CASE("a record that this build does not know is refused, so that nobody runs past it") {
    CHECK(names(decode_metadata_record(raw({2, 20, 0, 0})), {"frame version 2"}));
    CHECK(names(decode_metadata_record(raw({1, 99, 0, 0})), {"type 99"}));
    CHECK(names(decode_metadata_record(raw({1, 20, 7, 0})), {"NoOpRecord", "7"}));
    CHECK(decode_metadata_record(raw({1, 99, 0, 0})).code() == errc::unsupported_version);
}

TEST_CASE("a frame that is cut or holds impossible numbers is malformed") {
    CHECK(decode_metadata_record({}).code() == errc::malformed);
    CHECK(decode_metadata_record(raw({1, 2})).code() == errc::malformed);
    CHECK(decode_metadata_record(raw({1, 2, 0, 4, 'f'})).code() == errc::malformed);
    CHECK(decode_metadata_record(raw({1, 0xff, 0xff, 0xff, 0xff, 0x0f, 0})).code() == errc::malformed);
}
