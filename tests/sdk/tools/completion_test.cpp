// What a shell offers.
#include <doctest/doctest.h>

#include "completion.hpp"
#include "tool.hpp"

#include <algorithm>
#include <set>

using namespace weir::tools;

namespace {

std::set<std::string> offered(std::vector<std::string_view> words) {
    std::set<std::string> found;
    for (const auto& each : complete(words)) found.insert(each.substr(0, each.find('\t')));
    return found;
}

}  // namespace

TEST_CASE("the first word is a tool") {
    CHECK(offered({"weir", "dump"}) == std::set<std::string>{"dump-log"});
    CHECK(offered({"weir", "comp"}) == std::set<std::string>{"completion"});
    CHECK(offered({"weir", ""}).size() > all_tools().size());
}

TEST_CASE("options are those of the tool, under both of its names") {
    const std::set<std::string> expected{"--max-bytes", "--max-message-size"};
    CHECK(offered({"weir", "dump-log", "--max"}) == expected);
    CHECK(offered({"kafka-dump-log.sh", "--max"}) == expected);
    CHECK(offered({"/usr/bin/kafka-dump-log", "--files", "x", "--max"}) == expected);
}

TEST_CASE("an option that was given is not offered again") {
    CHECK(!offered({"weir", "dump-log", "--files", "a.log", "--"}).contains("--files"));
    CHECK(offered({"weir", "dump-log", "--"}).contains("--files"));
}

TEST_CASE("values that are known are offered") {
    CHECK(offered({"weir", "dump-log", "--output", ""}) == std::set<std::string>{"json", "text"});
    CHECK(offered({"weir", "dump-log", "--output=j"}) == std::set<std::string>{"--output=json"});
    CHECK(offered({"weir", "dump-log", "--files", ""}).empty());
}

TEST_CASE("each shell has a script, and only these") {
    for (const auto shell : {"bash", "zsh", "fish"}) {
        const auto script = completion_script(shell);
        CHECK(script.find("kafka-dump-log.sh") != script.npos);
        CHECK(script.find('@' + std::string{"NAMES"}) == script.npos);
    }
    CHECK(completion_script("csh").empty());
}

TEST_CASE("tools have different names, in alphabetical order") {
    const auto all = all_tools();
    CHECK(std::is_sorted(all.begin(), all.end(), [](const tool* a, const tool* b) { return a->name < b->name; }));
    for (const auto* each : all) {
        CHECK(find_tool(each->name) == each);
        std::set<std::string_view> names;
        for (const auto& option : each->options) CHECK_MESSAGE(names.insert(option.name).second, each->name, " declares --", option.name, " twice");
        for (const auto& option : each->options)
            if (!option.replacement.empty()) CHECK_MESSAGE(names.contains(option.replacement), each->name, ": --", option.name, " stands for nothing");
    }
}
