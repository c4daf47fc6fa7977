// The budget of bytes between sockets and answers.
#include "request_memory.hpp"

#include <weir/base/sim/manual_loop.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <utility>

using namespace weir;
using namespace weir::server;
using namespace std::chrono_literals;

namespace {

struct memory_fixture {
    sim::manual_loop loop;
    request_memory memory{loop, 10'000};
    std::vector<std::pair<char, request_buffer_ptr>> given;
    void ask(char who, std::size_t size) {
        memory.acquire(size, [this, who](request_buffer_ptr buffer) { given.emplace_back(who, std::move(buffer)); });
    }
    std::string order() const {
        std::string names;
        for (const auto& each : given) names += each.first;
        return names;
    }
    void drop(char who) {
        const auto at = std::find_if(given.begin(), given.end(), [&](const auto& each) { return each.first == who && each.second; });
        REQUIRE(at != given.end());
        at->second.reset();
    }
    ~memory_fixture() {  // a buffer that goes lets the next waiter in, which adds to `given`
        while (!given.empty()) std::exchange(given, {}).clear();
    }
};

}  // namespace

TEST_CASE_FIXTURE(memory_fixture, "what exceeds the budget waits until others have been answered, first come, first served") {
    ask('a', 3000);
    ask('b', 3000);
    ask('c', 1000);  // would fit, but is behind b
    CHECK(order() == "a");
    CHECK(memory.bytes_in_use() == 3000);
    drop('a');
    CHECK(order() == "abc");
    CHECK(memory.bytes_in_use() == 4000);
    CHECK(given[1].second->size == 3000);
    CHECK(given[1].second->data().size() == 3000);
}

TEST_CASE_FIXTURE(memory_fixture, "a request larger than the whole budget passes when no other large one is there") {
    ask('a', 1000);
    ask('b', 50'000);
    ask('c', 1000);
    CHECK(order() == "a");
    drop('a');
    CHECK(order() == "ab");
    drop('b');
    CHECK(order() == "abc");
}

TEST_CASE_FIXTURE(memory_fixture, "large requests that never end do not keep small ones waiting, nor the other way round") {
    ask('L', 5000);
    ask('l', 5000);
    for (int i = 0; i < 60; ++i) ask('s', 100);
    CHECK(order() == "L" + std::string(50, 's'));
    CHECK(memory.bytes_in_use() == 10'000);
    drop('L');
    CHECK(order() == "L" + std::string(50, 's') + "l");
    drop('s');
    CHECK(order() == "L" + std::string(50, 's') + "ls");
}

TEST_CASE_FIXTURE(memory_fixture, "a buffer is used again while there is work, and given back when there was none for a while") {
    ask('a', 5000);
    const auto* const first = given[0].second->data().data();
    drop('a');
    ask('b', 7000);  // the same class of sizes
    CHECK(given[1].second->data().data() == first);
    drop('b');
    CHECK(loop.next());
    loop.advance(11s);
    CHECK_FALSE(loop.next());  // a quiet broker has no timer
    CHECK(memory.bytes_in_use() == 0);
}

TEST_CASE_FIXTURE(memory_fixture, "who is served and done at once lets the next one in, however many there are") {
    ask('a', 10'000);
    int served = 0;
    for (int i = 0; i < 100'000; ++i) memory.acquire(9000, [&served](const request_buffer_ptr&) { ++served; });
    CHECK(served == 0);
    drop('a');
    CHECK(served == 100'000);
    CHECK(memory.bytes_in_use() == 0);
}
