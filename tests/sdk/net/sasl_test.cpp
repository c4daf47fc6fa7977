// SASL mechanisms as values: vectors of the RFCs, and brokers that lie.
#include "sasl/mechanism.hpp"

#include <doctest/doctest.h>

using namespace weir;
using namespace weir::net;

namespace {

std::string say(sasl::mechanism& exchange, std::string_view heard) {
    auto said = exchange.step(as_bytes(heard));
    REQUIRE_MESSAGE(said, said.error().message());
    REQUIRE(*said);
    return std::string{as_text(**said)};
}
error fail(sasl::mechanism& exchange, std::string_view heard) {
    auto said = exchange.step(as_bytes(heard));
    REQUIRE_FALSE(said);
    CHECK(said.error().code() == errc::sasl_authentication_failed);
    CHECK(said.error().message().find("pencil") == std::string::npos);
    return said.error();
}

constexpr std::string_view nonce = "rOprNGfwEbeRWgbNEkqO";
constexpr std::string_view challenge = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";

std::unique_ptr<sasl::mechanism> pencil(sasl::scram_hash hash = sasl::scram_hash::sha_256, bool token = false) {
    return sasl::scram(hash, {"user", "pencil", token}, std::string{nonce});
}

}  // namespace

TEST_CASE("PLAIN says who and with which password, and has no more to say") {
    const auto exchange = sasl::plain("alice", "s3cret");
    CHECK(say(*exchange, "") == std::string{"\0alice\0s3cret", 13});
    auto over = exchange->step({});
    REQUIRE(over);
    CHECK_FALSE(*over);
}

TEST_CASE("SCRAM-SHA-256: the example of RFC 7677") {
    const auto exchange = pencil();
    CHECK(say(*exchange, "") == "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
    CHECK(say(*exchange, challenge) == "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
    auto over = exchange->step(as_bytes("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
    REQUIRE(over);
    CHECK_FALSE(*over);
    fail(*exchange, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
}

TEST_CASE("SCRAM-SHA-512: the same exchange, as Python's hashlib computes it") {
    const auto exchange = pencil(sasl::scram_hash::sha_512);
    say(*exchange, "");
    CHECK(say(*exchange, challenge) == "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=gMGXRcevScNtxZ6/8lQYpGtnsNAc3mGcmNomv+xnoOMw+3R2xNJdMNnzMlTN8PPC6wdp6dybEmDYXYTxwnYPJQ==");
    auto over = exchange->step(as_bytes("v=ZQnYEgWQMFmmsM8aQMF0nDDCy/AgCzkwk8CmMZYcMg0vSVlKDanekLtifDSeVGT4+5ZxXnJq199RVG2rR7N7Zw=="));
    REQUIRE(over);
    CHECK_FALSE(*over);
}

TEST_CASE("SCRAM: commas and equals signs of a user are escaped, and a delegation token says that it is one") {
    const auto exchange = sasl::scram(sasl::scram_hash::sha_256, {"a=b,c", "pencil", true}, "abc");
    CHECK(say(*exchange, "") == "n,,n=a=3Db=2Cc,r=abc,tokenauth=true");
}

TEST_CASE("SCRAM: a broker that does not know the password, or takes another's words, is found out") {
    const auto exchange = pencil();
    say(*exchange, "");
    SUBCASE("a wrong signature") {
        say(*exchange, challenge);
        CHECK(fail(*exchange, "v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=").message().find("could not prove") != std::string::npos);
    }
    SUBCASE("no signature") {
        say(*exchange, challenge);
        fail(*exchange, "");
    }
    SUBCASE("a cut signature") {
        say(*exchange, challenge);
        fail(*exchange, "v=6rriTRBi23WpRR/w");
    }
    SUBCASE("an error") {
        say(*exchange, challenge);
        CHECK(fail(*exchange, "e=unknown-user").what() == "unknown-user");
    }
    SUBCASE("somebody else's nonce") { fail(*exchange, "r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"); }
    SUBCASE("our nonce alone") { fail(*exchange, "r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"); }
    SUBCASE("too few iterations") { CHECK(fail(*exchange, "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4095").message().find("4095 iterations, allowed are 4096") != std::string::npos); }
    SUBCASE("too many") { fail(*exchange, "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=1000001"); }
    SUBCASE("no number") { fail(*exchange, "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096x"); }
    SUBCASE("no salt") { fail(*exchange, "r=rOprNGfwEbeRWgbNEkqOx,s=,i=4096"); }
    SUBCASE("nothing") { fail(*exchange, ""); }
}

TEST_CASE("nonces differ, and are printable without commas") {
    const auto one = sasl::fresh_nonce(), other = sasl::fresh_nonce();
    CHECK(one != other);
    CHECK(one.size() == 32);
    CHECK(one.find(',') == std::string::npos);
}

TEST_CASE("OAUTHBEARER: the token and its extensions, and a refusal") {
    const auto exchange = sasl::oauth_bearer("abc.def.ghi", {{"logicalCluster", "lkc-1"}, {"identityPoolId", "pool"}});
    CHECK(say(*exchange, "") == "n,,\1auth=Bearer abc.def.ghi\1logicalCluster=lkc-1\1identityPoolId=pool\1\1");
    SUBCASE("accepted") {
        auto over = exchange->step({});
        REQUIRE(over);
        CHECK_FALSE(*over);
    }
    SUBCASE("refused") {
        CHECK(say(*exchange, R"({"status":"invalid_token","scope":"kafka"})") == "\1");
        CHECK(fail(*exchange, "").what() == "the broker refuses the token, status: invalid_token, scope: kafka");
    }
}
