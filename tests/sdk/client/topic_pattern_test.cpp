// Which topics a pattern means, where the client decides.
#include "consumer/topic_pattern.hpp"

#include <doctest/doctest.h>

using namespace weir;

TEST_CASE("a pattern means whole names") {
    const auto orders = weir::detail::compile_pattern("orders-(eu|us)|payments.*");
    REQUIRE(orders);
    CHECK((*orders)->matches("orders-eu"));
    CHECK((*orders)->matches("payments"));
    CHECK_FALSE((*orders)->matches("orders-eu-2"));
    CHECK_FALSE((*orders)->matches("my-payments"));
}

TEST_CASE("a pattern's syntax is RE2's, as where the coordinator matches") {
    const auto any_case = weir::detail::compile_pattern("(?i)orders-\\pL+");
    REQUIRE(any_case);
    CHECK((*any_case)->matches("Orders-EU"));
    CHECK_FALSE((*any_case)->matches("Orders-1"));
}

TEST_CASE("what is no pattern is refused, with its text") {
    for (const std::string broken : {"orders-(", "[z-a]", "(a)\\1", "(?=a)a"}) {
        const auto got = weir::detail::compile_pattern(broken);
        REQUIRE(got.code() == errc::invalid_regular_expression);
        CHECK(got.error().message().find(broken) != std::string::npos);
    }
}

// With backtracking each of these would outlive the build.
TEST_CASE("a name made to keep the matching busy does not") {
    const std::string longest(249, 'a');
    for (const std::string pattern : {"(a+)+b", "(a*)*b", "(a|aa)+b", "(.*a){20}b"}) {
        const auto made = weir::detail::compile_pattern(pattern);
        REQUIRE(made);
        CHECK_FALSE((*made)->matches(longest));
        CHECK((*made)->matches(longest.substr(1) + "b"));
    }
}
