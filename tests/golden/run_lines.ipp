// Body of the template of vectors.hpp.
#pragma once
#include <boost/json.hpp>

#include <istream>
#include <ostream>

namespace weir::golden {

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
        } catch (const std::exception& why) {
            out.add(why.what());
        }
        if (out.empty()) continue;
        ++failed;
        log << "line " << lines << ": " << name << '\n';
        for (const auto& finding : out.list()) log << "    " << finding << '\n';
    }
    return failed;
}

}  // namespace weir::golden
