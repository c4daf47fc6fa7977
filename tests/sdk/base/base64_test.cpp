#include <weir/base/base64.hpp>

#include <doctest/doctest.h>

using namespace weir;

TEST_CASE("base64: RFC 4648's examples, and the alphabet of URLs") {
    for (const auto& [text, coded] : {std::pair{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}}) {
        CHECK(to_base64(as_bytes(std::string_view{text})) == coded);
        CHECK(from_base64(coded) == to_bytes(std::string_view{text}));
    }
    CHECK(from_base64("-_8") == from_base64("+/8="));
    CHECK(from_base64("Zm8") == from_base64("Zm8="));
    CHECK_FALSE(from_base64("Zm9vY"));
    CHECK_FALSE(from_base64("Zm8==="));
    CHECK_FALSE(from_base64("Zm9v="));
    CHECK_FALSE(from_base64("Zm9v!"));
}
