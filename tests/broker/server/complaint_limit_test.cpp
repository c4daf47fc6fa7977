#include "complaint_limit.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace weir;
using namespace weir::server;
using namespace std::chrono_literals;

namespace {

struct told {
    log::logger logs{"test.complaints"};
    complaint_limit limit;
    time_point now{};
    std::vector<std::string> lines;
    int made = 0;

    told() {
        log::set_sink([this](log::level, std::string_view, std::string_view message) { lines.emplace_back(message); });
    }
    ~told() { log::set_sink({}); }
    void tell(const std::string& address, int times = 1) {
        for (int i = 0; i < times; ++i)
            limit.tell(logs, address, now, [&] {
                ++made;
                return address;
            });
    }
};

}  // namespace

TEST_CASE("ten lines about an address at once, then one a second, which tells how many were left out") {
    told here;
    here.tell("10.0.0.1", 15);
    CHECK(here.lines.size() == 10);
    here.tell("10.0.0.2");
    CHECK(here.lines.size() == 11);  // others are heard all the same
    here.now += 1s;
    here.tell("10.0.0.1", 3);
    REQUIRE(here.lines.size() == 12);
    CHECK(here.lines.back() == "10.0.0.1; 5 lines about this address were left out before");
    here.now += 3600s;
    here.tell("10.0.0.1", 12);
    CHECK(here.lines.size() == 22);
    CHECK(here.made == 22);  // a line that is left out is not even made
}

TEST_CASE("many addresses at once share what is told of them") {
    told here;
    for (int i = 0; i < 5000; ++i) here.tell("10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250));
    CHECK(here.lines.size() == 256 + 10);
    here.now += 60s;  // those that have been quiet are forgotten
    here.tell("10.9.9.9");
    CHECK(here.lines.back() == "10.9.9.9");
}
