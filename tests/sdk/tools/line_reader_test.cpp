// Lines into records: how the console producer reads.
#include <doctest/doctest.h>

#include "console/input_lines.hpp"
#include "console/line_reader.hpp"

using namespace weir;
using namespace weir::tools;

namespace {

using settings = std::vector<std::pair<std::string, std::string>>;

std::string shown(const result<line_record>& read) {
    if (!read) return std::string{read.error().what()};
    const auto text = [](const std::optional<std::string_view>& part) { return part ? "'" + std::string{*part} + "'" : std::string{"null"}; };
    std::string line = text(read->key) + "=" + text(read->value);
    for (const auto& [name, value] : read->headers) line += " " + std::string{name} + ":" + text(value);
    return line;
}

std::string read(const settings& how, std::string_view line) {
    auto reader = line_reader::make(how);
    return reader ? shown(reader->read(line)) : std::string{reader.error().what()};
}

}  // namespace

TEST_CASE("a line is a value unless the properties say more") {
    CHECK(read({}, "hello\tworld") == "null='hello\tworld'");
    CHECK(read({}, "") == "null=''");
    CHECK(read({{"parse.key", "TRUE "}}, "k\tv\tw") == "'k'='v\tw'");
    CHECK(read({{"parse.key", "true"}, {"key.separator", "::"}}, "k::v") == "'k'='v'");
    CHECK(read({{"parse.key", "true"}}, "\tv") == "''='v'");
}

TEST_CASE("headers come first, then the key") {
    const settings how{{"parse.key", "true"}, {"parse.headers", "true"}};
    CHECK(read(how, "a:1,b:2\tk\tv") == "'k'='v' a:'1' b:'2'");
    CHECK(read(how, "a:\tk\tv") == "'k'='v' a:''");
    CHECK(read({{"parse.headers", "true"}}, "a:1\tv") == "null='v' a:'1'");
    CHECK(read(how, "a:1,b\tk\tv") == "No header key separator found in pair 'b' on line number 1");
    CHECK(read({{"parse.headers", "true"}, {"ignore.error", "true"}}, "b\tv") == "null='v' b:null");
}

TEST_CASE("a marker stands for null") {
    const settings how{{"parse.key", "true"}, {"parse.headers", "true"}, {"null.marker", "NULL"}};
    CHECK(read(how, "a:NULL\tNULL\tNULL") == "null=null a:null");
    CHECK(read(how, "NULL\tk\tv") == "'k'='v'");
    CHECK(read(how, "NULL:1\tk\tv") == "Header keys should not be equal to the null marker 'NULL' as they can't be null");
}

TEST_CASE("a line without its separator names itself, or is taken as it is") {
    CHECK(read({{"parse.key", "true"}}, "plain") == "No key separator found on line number 1: 'plain'");
    CHECK(read({{"parse.key", "true"}, {"ignore.error", "true"}}, "plain") == "null='plain'");
}

TEST_CASE("properties that cannot be are refused with the nearest name") {
    CHECK(read({{"parse.keys", "true"}}, "") == "parse.keys is no property of the line reader; did you mean parse.key?");
    CHECK(read({{"headers.separator", ":"}}, "") == "headers.separator and headers.key.separator may not be equal");
    CHECK(read({{"null.marker", "\t"}}, "") == "null.marker and key.separator may not be equal");
}

TEST_CASE("the last line may lack its end, and what cannot be read is no end of the lines") {
    std::FILE* lines = std::tmpfile();
    REQUIRE(lines);
    std::fputs("one\r\n\nlast", lines);
    std::rewind(lines);
    input_lines in{lines, "input"};
    CHECK(**in.next() == "one");
    CHECK((**in.next()).empty());
    CHECK(**in.next() == "last");
    CHECK(!*in.next());
    std::fclose(lines);

    std::FILE* folder = std::fopen("/", "r");
    REQUIRE(folder);
    CHECK(input_lines{folder, "standard input"}.next().error().message() == "IO_ERROR: standard input: Is a directory");
    std::fclose(folder);
}
