// What the kinds of vectors share: hex, comparison of JSON, and the report of a line that fails.
#pragma once
#include <weir/base/bytes.hpp>
#include <weir/base/error.hpp>

#include <fmt/format.h>
#include <boost/json.hpp>

#include <cstdint>
#include <istream>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace weir::golden {

bytes from_hex(std::string_view hex);
std::string to_hex(bytes_view data);

/// What is wrong with one line; the first few findings are enough to see it.
class findings {
public:
    void add(std::string what);
    template <class A, class B>
    void expect(std::string_view what, const A& found, const B& expected) {
        if (!(found == expected)) add(fmt::format("{}: found {}, expected {}", what, found, expected));
    }
    /// Both in hex, cut to where they begin to differ.
    void expect_bytes(std::string_view what, bytes_view found, bytes_view expected);
    /// Adds the error when there is one; true when there is none.
    template <class T>
    bool succeeded(std::string_view what, const result<T>& outcome) {
        if (!outcome) add(fmt::format("{}: {}", what, outcome.error().message()));
        return outcome.has_value();
    }
    const std::vector<std::string>& list() const { return list_; }
    bool empty() const { return list_.empty(); }

private:
    std::vector<std::string> list_;
};

/// Differences, with the path to each. Numbers are equal when their values are; the order of keys does not matter.
void compare_json(findings& out, const std::string& path, const boost::json::value& found,
                  const boost::json::value& expected);

std::int64_t number(const boost::json::object& from, std::string_view key);
std::string text(const boost::json::object& from, std::string_view key);

/// Calls `check` for every line, logs the lines with findings under the name `label` gives them, and counts.
template <class Label, class Check>
int run_lines(std::istream& input, std::ostream& log, int& lines, Label label, Check check) {
    int failed = 0;
    std::string line;
    for (lines = 0; std::getline(input, line);) {
        if (line.empty()) continue;
        ++lines;
        findings out;
        std::string name = "?";
        try {
            const auto value = boost::json::parse(line);
            name = label(value.as_object());
            check(out, value.as_object());
        } catch (const std::exception& why) { out.add(why.what()); }
        if (out.empty()) continue;
        ++failed;
        log << "line " << lines << ": " << name << '\n';
        for (const auto& finding : out.list()) log << "    " << finding << '\n';
    }
    return failed;
}

}  // namespace weir::golden
