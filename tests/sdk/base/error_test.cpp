#include <weir/base/error.hpp>
#include <weir/base/network.hpp>
#include <weir/base/uuid.hpp>

#include <doctest/doctest.h>

#include <set>
#include <sstream>
#include <string>

using namespace weir;

TEST_CASE("an error says what failed and what led to it, in one line") {
    const error cause{errc::io_error, "/data/x.log: cannot write"};
    const error outer{errc::kafka_storage_error, "orders-3", cause};
    CHECK(outer.code() == errc::kafka_storage_error);
    CHECK(outer.message().find("orders-3 (caused by ") != std::string::npos);
    CHECK(outer.message().find("/data/x.log") != std::string::npos);
    CHECK_FALSE(error{});
}

TEST_CASE("errors that are only a code share what they are made of, and what is made of one changes no other") {
    const error plain{errc::closed};
    const auto last = plain.as_fatal();
    const auto placed = plain.located("orders", 3);
    CHECK(last.fatal());
    CHECK(placed.topic() == "orders");
    const error another{errc::closed};
    CHECK(another.code() == errc::closed);
    CHECK(another.what().empty());
    CHECK(another.message() == "CLOSED");
    CHECK_FALSE(another.fatal());
    CHECK(another.topic().empty());
    CHECK(error{static_cast<errc>(-9'999)}.code() == static_cast<errc>(-9'999));
    CHECK_FALSE(error{errc::none});
}

TEST_CASE("an error may say which records it is about, whether another try helps, and whether anything but closing is left") {
    const error plain{errc::malformed, "a boolean is 0 or 1"};
    CHECK(plain.topic().empty());
    CHECK(plain.partition() == -1);
    const auto placed = plain.located("orders", 3, 42);
    CHECK(placed.topic() == "orders");
    CHECK(placed.partition() == 3);
    CHECK(placed.offset() == 42);
    CHECK(placed.message() == plain.message());
    CHECK_FALSE(error{}.located("orders", 3));
    CHECK(error{errc::producer_fenced}.fatal());
    CHECK(error{errc::producer_fenced}.permanent());
    CHECK(error{errc::tls_failed}.permanent());
    CHECK_FALSE(error{errc::tls_failed}.fatal());
    CHECK_FALSE(error{errc::not_leader_or_follower}.permanent());
    CHECK_FALSE(error{errc::not_leader_or_follower}.fatal());
    const auto last = error{errc::unsupported_version, "no transactions here"}.as_fatal().located("orders", 3);
    CHECK(last.fatal());
    CHECK(last.code() == errc::unsupported_version);
    CHECK(last.message() == "UNSUPPORTED_VERSION: no transactions here");
    std::ostringstream out;
    out << placed;
    CHECK(out.str() == placed.message());
}

TEST_CASE("reading the value of a failed result throws what it says") {
    const result<int> failed = error{errc::not_found, "the thing"};
    CHECK_FALSE(failed);
    try {
        static_cast<void>(*failed);
        FAIL("no exception");
    } catch (const exception& why) {
        CHECK(why.error().code() == errc::not_found);
        CHECK(std::string_view{why.what()}.find("the thing") != std::string_view::npos);
    }
    CHECK(result<int>{3}.value_or(4) == 3);
    CHECK(result<int>{errc::closed}.value_or(4) == 4);
}

TEST_CASE("codes: every number of the protocol is known, others and local ones become what a peer understands") {
    for (int number = -1; number <= 133; ++number) {
        const auto code = errc_from_wire(static_cast<std::int16_t>(number));
        CHECK(static_cast<int>(code) == number);
        CHECK_FALSE(describe(code).name.empty());
    }
    CHECK(errc_from_wire(9999) == errc::unknown_server_error);
    CHECK(errc_from_wire(-100) == errc::unknown_server_error);
    CHECK(wire_code(errc::no_space) == 56);
    CHECK(wire_code(errc::refused) == -1);
    CHECK(describe(errc::not_leader_or_follower).retriable);
    CHECK(describe(errc::not_leader_or_follower).refresh);
    CHECK_FALSE(describe(errc::message_too_large).retriable);
}

TEST_CASE("uuids come back from their text, and random ones are of version 4") {
    random_source random{1};
    std::set<uuid> seen;
    for (int i = 0; i < 1000; ++i) {
        const auto id = random_uuid(random);
        const auto text = to_string(id);
        CHECK(text.size() == 22);
        CHECK(text.front() != '-');
        CHECK((id.high >> 12 & 0xf) == 4);
        const auto back = parse_uuid(text);
        REQUIRE(back);
        CHECK(*back == id);
        seen.insert(id);
    }
    CHECK(seen.size() == 1000);
    CHECK(to_string(uuid{}) == "AAAAAAAAAAAAAAAAAAAAAA");
    CHECK(parse_uuid("short").code() == errc::malformed);
    CHECK(parse_uuid("AAAAAAAAAAAAAAAAAAAA=!").code() == errc::malformed);
}

TEST_CASE("endpoints show brackets around an IPv6 address") {
    CHECK(to_string(endpoint{"broker.example", 9092}) == "broker.example:9092");
    CHECK(to_string(endpoint{"::1", 9092}) == "[::1]:9092");
}

TEST_CASE("random numbers follow from the seed and stay below their bound") {
    random_source a{42}, b{42}, c{43};
    bool differs = false;
    for (int i = 0; i < 100; ++i) {
        const auto value = a();
        CHECK(value == b());
        differs = differs || value != c();
    }
    CHECK(differs);
    std::set<std::uint64_t> seen;
    for (int i = 0; i < 1000; ++i) seen.insert(a.below(7));
    CHECK(seen == std::set<std::uint64_t>{0, 1, 2, 3, 4, 5, 6});
}

TEST_CASE("errc::none is no error, and a failure that is made of it says that it was a bug") {
    CHECK_FALSE(error{errc::none, "fine"});
    CHECK(result<void>{errc::none});
    CHECK(result<int>{errc::none}.code() == errc::unknown_server_error);
    CHECK(result<int>{error{}}.error().message() == "UNKNOWN_SERVER_ERROR: a failed result was made of no error");
}
