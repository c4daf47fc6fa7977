#include <weir/base/sim/manual_loop.hpp>
#include <weir/base/task.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

using namespace weir;
using namespace std::chrono_literals;

namespace {

/// Notes that it is gone.
struct witness {
    explicit witness(int& gone) : gone(&gone) {}
    witness(const witness&) = delete;
    ~witness() { ++*gone; }
    int* gone;
};

task<int> add_later(event_loop& loop, int a, int b) {
    co_await pause_for(loop, 10ms);
    co_return a + b;
}

task<void> sum_into(event_loop& loop, int& sum, int& gone) {
    witness here{gone};
    sum = co_await add_later(loop, 1, 2);
    sum += co_await add_later(loop, 3, 4);
}

task<void> await_callback(function<void(int)>& kept, int& got, int& gone) {
    witness here{gone};
    got = co_await completion<int>([&](function<void(int)> done) { kept = std::move(done); });
}

task<int> nested_callback(function<void(int)>& kept, int& gone) {
    witness here{gone};
    const auto got = co_await completion<int>([&](function<void(int)> done) { kept = std::move(done); });
    co_return got + 1;
}

task<void> await_nested(function<void(int)>& kept, int& got, int& gone) {
    witness here{gone};
    got = co_await nested_callback(kept, gone);
}

task<void> await_all(std::vector<task<void>> parts, bool& ended, int& gone) {
    witness here{gone};
    co_await when_all(std::move(parts));
    ended = true;
}

task<void> throwing() {
    throw std::runtime_error{"inside"};
    co_return;
}

task<void> catching(std::string& caught) {
    try {
        co_await throwing();
    } catch (const std::runtime_error& why) {
        caught = why.what();
    }
}

}  // namespace

TEST_CASE("a spawned task runs at once until it waits, and goes on in the loop's time") {
    sim::manual_loop loop;
    int sum = 0, gone = 0;
    spawn(sum_into(loop, sum, gone));
    CHECK(sum == 0);
    loop.advance(10ms);
    CHECK(sum == 3);
    loop.advance(10ms);
    CHECK(sum == 10);
    CHECK(gone == 1);
}

TEST_CASE("a task nobody awaits never starts and frees itself") {
    sim::manual_loop loop;
    int sum = 0, gone = 0;
    { const auto idle = sum_into(loop, sum, gone); }
    CHECK(sum == 0);
    CHECK(gone == 0);
}

TEST_CASE("a callback resumes the coroutine, whether it comes later or at once") {
    function<void(int)> kept;
    int got = 0, gone = 0;
    spawn(await_callback(kept, got, gone));
    CHECK(got == 0);
    kept(7);
    CHECK(got == 7);
    CHECK(gone == 1);

    struct inline_answer {
        static task<void> run(int& got) {
            got = co_await completion<int>([](function<void(int)> done) { done(8); });
        }
    };
    spawn(inline_answer::run(got));
    CHECK(got == 8);
}

TEST_CASE("a dropped callback takes the coroutine and all that await it along") {
    int got = 0, gone = 0;
    {
        function<void(int)> kept;
        spawn(await_nested(kept, got, gone));
        CHECK(gone == 0);
    }
    CHECK(gone == 2);
    CHECK(got == 0);

    struct never_answers {
        static task<void> run(int& got, int& gone) {
            witness here{gone};
            got = co_await completion<int>([](function<void(int)>) {});
        }
    };
    spawn(never_answers::run(got, gone));
    CHECK(gone == 3);
    CHECK(got == 0);
}

TEST_CASE("a loop that goes takes its waiting coroutines along") {
    int sum = 0, gone = 0;
    {
        sim::manual_loop loop;
        spawn(sum_into(loop, sum, gone));
        loop.advance(10ms);
        CHECK(gone == 0);
    }
    CHECK(gone == 1);
    CHECK(sum == 3);
}

TEST_CASE("when_all goes on after the last part, and at once when there is none") {
    sim::manual_loop loop;
    function<void(int)> one, two;
    int got = 0, gone = 0;
    bool ended = false;
    std::vector<task<void>> parts;
    parts.push_back(await_callback(one, got, gone));
    parts.push_back(await_callback(two, got, gone));
    spawn(await_all(std::move(parts), ended, gone));
    two(1);
    CHECK_FALSE(ended);
    one(2);
    CHECK(ended);
    CHECK(gone == 3);

    ended = false;
    spawn(await_all({}, ended, gone));
    CHECK(ended);
}

TEST_CASE("when a part is dropped, so is who waits for all, once the other parts have ended") {
    function<void(int)> one, two;
    int got = 0, gone = 0;
    bool ended = false;
    std::vector<task<void>> parts;
    parts.push_back(await_callback(one, got, gone));
    parts.push_back(await_callback(two, got, gone));
    spawn(await_all(std::move(parts), ended, gone));
    one = nullptr;
    CHECK(gone == 1);
    two(5);
    CHECK(gone == 3);
    CHECK_FALSE(ended);
}

TEST_CASE("an exception reaches the awaiting coroutine") {
    std::string caught;
    spawn(catching(caught));
    CHECK(caught == "inside");
}
