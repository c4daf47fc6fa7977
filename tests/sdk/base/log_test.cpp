#include <weir/base/log.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

using namespace weir;

namespace {

struct captured_lines {
    captured_lines() {
        log::set_sink([this](log::level severity, std::string_view logger, std::string_view message) {
            lines.push_back(std::string{log::to_string(severity)} + " " + std::string{logger} + " " + std::string{message});
        });
    }
    ~captured_lines() { log::set_sink(nullptr); }
    std::vector<std::string> lines;
};

}  // namespace

TEST_CASE("loggers are silent until there is a sink, and again after it") {
    const log::logger logs{"test.silent"};
    logs.error("nobody hears");
    CHECK_FALSE(logs.enabled(log::level::fatal));
    {
        const captured_lines captured;
        logs.info("heard");
        logs.debug("too fine");
        CHECK(captured.lines == std::vector<std::string>{"INFO test.silent heard"});
    }
    CHECK_FALSE(logs.enabled(log::level::error));
}

TEST_CASE("a level holds for everything below its name that has none of its own") {
    const captured_lines captured;
    const log::logger parent{"test.a"}, child{"test.a.b"}, other{"test.ab"};
    log::set_level("test.a", log::level::debug);
    CHECK(parent.enabled(log::level::debug));
    CHECK(child.enabled(log::level::debug));
    CHECK_FALSE(other.enabled(log::level::debug));
    log::set_level("test.a.b", log::level::off);
    CHECK_FALSE(child.enabled(log::level::fatal));
    const log::logger later{"test.a.b.c"};
    CHECK_FALSE(later.enabled(log::level::fatal));
    CHECK(log::clear_level("test.a.b"));
    CHECK_FALSE(log::clear_level("test.a.b"));
    CHECK(later.enabled(log::level::debug));
    CHECK(log::clear_level("test.a"));
    CHECK_FALSE(parent.enabled(log::level::debug));
}

TEST_CASE("every logger is listed with the level in force, root first") {
    const log::logger zebra{"test.zebra"}, ant{"test.ant"};
    log::set_level("root", log::level::warn);
    const auto all = log::levels();
    log::set_level("root", log::level::info);
    CHECK(all.front().name == "root");
    CHECK(std::is_sorted(all.begin() + 1, all.end(), [](const auto& a, const auto& b) { return a.name < b.name; }));
    const auto found = std::find_if(all.begin(), all.end(), [](const auto& each) { return each.name == "test.zebra"; });
    REQUIRE(found != all.end());
    CHECK(found->severity == log::level::warn);
    CHECK_FALSE(log::clear_level("root"));
}
