#include "support.hpp"

#include <weir/protocol/frames.hpp>
#include <weir/protocol/messages/api_versions.hpp>
#include <weir/protocol/messages/fetch.hpp>

#include <doctest/doctest.h>

using namespace weir;
using namespace weir::protocol;
using weir::test::names;
using weir::test::raw;
using weir::test::operator+;

namespace {
// ApiVersions (key 18) in a version, correlation id 7, client id "me" in the old encoding.
bytes api_versions_header(int version) { return raw({0, 18, 0, version, 0, 0, 0, 7, 0, 2, 'm', 'e'}); }
}  // namespace

TEST_CASE("ApiVersions in an unknown version is recognised, and its body is not looked at") {
    const auto request = parse_request_frame(api_versions_header(99) + raw({0, 0xde, 0xad}));
    REQUIRE(request);
    CHECK(request->unknown_version);
    CHECK(request->api->key == api_key::api_versions);
    CHECK(request->correlation_id == 7);
    CHECK(request->client_id == "me");
}

TEST_CASE("ApiVersions in an unknown version without a tagged section is malformed") {
    CHECK(parse_request_frame(api_versions_header(99)).code() == errc::malformed);
}

TEST_CASE("any other unknown version, an unknown key and a removed API are refused by name") {
    CHECK(names(parse_request_frame(raw({0, 0, 0, 99, 0, 0, 0, 1, 0, 0})), {"Produce", "99", "3 to 13"}));
    CHECK(names(parse_request_frame(raw({0x7f, 0, 0, 0, 0, 0, 0, 1, 0, 0})), {"key 32512"}));
    CHECK(names(parse_request_frame(raw({0, 4, 0, 0, 0, 0, 0, 1, 0, 0})), {"key 4"}));
    CHECK(parse_request_frame(raw({0, 4, 0, 0, 0, 0, 0, 1, 0, 0})).code() == errc::unsupported_version);
}

TEST_CASE("a header cut at any byte is malformed") {
    const auto whole = api_versions_header(3) + raw({0});
    for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
        CAPTURE(bytes);
        CHECK(parse_request_frame(bytes_view{whole}.first(bytes)).code() == errc::malformed);
    }
    CHECK(parse_request_frame(whole));
}

TEST_CASE("a null client id, an empty one and one with a length below -1 are told apart as Kafka does") {
    const auto with_length = [](int high, int low) {
        return parse_request_frame(raw({0, 18, 0, 0, 0, 0, 0, 7, high, low}));
    };
    CHECK_FALSE((*with_length(0xff, 0xff)).client_id.has_value());
    CHECK_FALSE((*with_length(0x80, 0x00)).client_id.has_value());
    CHECK((*with_length(0, 0)).client_id == "");
}

TEST_CASE("an answer to ApiVersions has no tagged section in its header") {
    const auto pieces = encode_response_frame(api_versions_response{.error_code = 35}, 3, 7);
    REQUIRE(pieces);
    REQUIRE(pieces->size() == 1);
    // size, correlation id, error code, empty array, throttle time, tagged section of the body
    CHECK(to_bytes((*pieces)[0].memory) == raw({0, 0, 0, 12, 0, 0, 0, 7, 0, 35, 1, 0, 0, 0, 0, 0}));
}

TEST_CASE("a request frame that one side writes is read by the other") {
    const api_versions_request asked{.client_software_name = "weir", .client_software_version = "1"};
    const auto pieces = encode_request_frame(asked, 4, -5, "client");
    REQUIRE(pieces);
    const auto frame = (*pieces)[0].memory;
    CHECK(load_big_endian<std::int32_t>(frame.data()) == static_cast<std::int32_t>(frame.size()) - 4);
    const auto request = parse_request_frame(frame.subspan(4));
    REQUIRE(request);
    CHECK(request->correlation_id == -5);
    CHECK(request->client_id == "client");
    CHECK_FALSE(request->unknown_version);
    CHECK(*decode<api_versions_request>(request->body, request->version) == asked);
}

TEST_CASE("a response header is read and leaves the body") {
    const auto pieces = encode_response_frame(fetch_response{.session_id = 9}, 12, 77);
    REQUIRE(pieces);
    reader in{(*pieces)[0].memory.subspan(4)};
    const auto correlation_id = parse_response_header(in, api_key::fetch, 12);
    REQUIRE(correlation_id);
    CHECK(*correlation_id == 77);
    CHECK((*decode<fetch_response>(in, 12)).session_id == 9);
    CHECK(in.remaining() == 0);
}
