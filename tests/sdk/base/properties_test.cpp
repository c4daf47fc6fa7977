#include <weir/base/properties.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace weir;

namespace {

std::string shown(std::string_view text) {
    const auto entries = parse_properties(text);
    if (!entries) return std::string{entries.error().what()};
    std::string all;
    for (const auto& entry : *entries) all += std::to_string(entry.line) + "[" + entry.name + "|" + entry.value + "]";
    return all;
}

}  // namespace

TEST_CASE("names end at '=', ':' or white space, and values keep their trailing spaces") {
    CHECK(shown("a=b") == "1[a|b]");
    CHECK(shown("  a  =  b c ") == "1[a|b c ]");
    CHECK(shown("a:b=c") == "1[a|b=c]");
    CHECK(shown("a b") == "1[a|b]");
    CHECK(shown("a\t=\tb") == "1[a|b]");
    CHECK(shown("a") == "1[a|]");
    CHECK(shown("a=") == "1[a|]");
    CHECK(shown("=b") == "1[|b]");
    CHECK(shown("a\\=b\\ c=d") == "1[a=b c|d]");
}

TEST_CASE("comments, blank lines and all line ends are understood, and lines are counted") {
    CHECK(shown("# one\n\n! two\r\na=1\rb=2\n  # three\nc=3") == "4[a|1]5[b|2]7[c|3]");
    CHECK(shown("") == "");
    CHECK(shown("\n\n") == "");
}

TEST_CASE("a backslash at the end continues the line, an even number of them does not") {
    CHECK(shown("a=1,\\\n   2,\\\r\n\t3\nb=4") == "1[a|1,2,3]4[b|4]");
    CHECK(shown("a=1\\\\\nb=2") == "1[a|1\\]2[b|2]");
    CHECK(shown("a=1\\") == "1[a|1]");
    CHECK(shown("a=1\\\n# no comment") == "1[a|1# no comment]");
}

TEST_CASE("escapes") {
    CHECK(shown("a=\\t\\n\\r\\f\\q\\\\") == "1[a|\t\n\r\fq\\]");
    CHECK(shown("a=\\u0041\\u00e9\\u20ac") == "1[a|A\xc3\xa9\xe2\x82\xac]");
    CHECK(shown("a=\\ud83d\\ude00") == "1[a|\xf0\x9f\x98\x80]");
    CHECK(shown("a=\\ud83dx") == "1[a|\xef\xbf\xbdx]");
    CHECK(shown("x=1\na=\\u00g0") == "line 2: \\u needs four hexadecimal digits");
    CHECK(shown("a=\\u00").starts_with("line 1"));
}

TEST_CASE("what is printed reads back the same") {
    const property odd[] = {{"a b=c:d#e!f", " leading and trailing ", 1},
                            {"tab\t", "new\nline\\ and \x01", 2},
                            {"cluster.id", "MkU3OEVBNTcwNTJENDM2Qg", 3},
                            {"directory", "/data:1=2", 4},
                            {"", "", 5}};
    const auto text = print_properties(odd);
    const auto back = parse_properties(text);
    REQUIRE(back);
    REQUIRE(back->size() == 5);
    for (std::size_t i = 0; i < 5; ++i) CHECK((*back)[i] == odd[i]);
    CHECK(text.find("cluster.id=MkU3OEVBNTcwNTJENDM2Qg\n") != std::string::npos);
}
