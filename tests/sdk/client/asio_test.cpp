// Ops as Asio operations, on an io_context of the user's.
#include "real_broker.hpp"
#include "topics.hpp"

#include <weir/asio.hpp>
#include <weir/producer.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <doctest/doctest.h>

#include <future>
#include <optional>
#include <thread>

using namespace weir;

namespace {

using test::lines;

awaitable<void> produce(producer& out, std::thread::id& resumed, std::vector<std::int64_t>& offsets) {
    for (int i = 0; i < 3; ++i) {
        auto handed = out.enqueue(lines, std::string{"x"});
        auto sent = co_await handed(boost::asio::use_awaitable);
        auto got = co_await (*sent)(boost::asio::use_awaitable);
        offsets.push_back(got ? got->offset : -1);
    }
    resumed = std::this_thread::get_id();
}

awaitable<void> produce_plainly(producer& out, std::vector<std::int64_t>& offsets) {
    const std::string text = "x";
    auto done = co_await out.send(lines, text);
    offsets.push_back(done ? done->offset : -1);
    for (int i = 0; i < 100; ++i) *co_await out.enqueue(lines, text);
    auto last = out.send(lines, text);
    offsets.push_back((*co_await std::move(last)).offset);
}

awaitable<void> fail() {
    throw std::runtime_error{"no"};
    co_return;
}

awaitable<void> leave_open(producer& out, std::promise<std::thread::id>& where) {
    where.set_value(std::this_thread::get_id());
    const std::string_view value{"for ever"};
    for (;;) (void)co_await out.send(lines, value);
}

}  // namespace

TEST_CASE("run() runs a coroutine here, ops are awaited without a token, and what it throws comes out") {
    test::real_broker broker{"1"};
    producer out{client{broker.bootstrap()}};
    std::vector<std::int64_t> offsets;
    run(produce_plainly(out, offsets));
    CHECK(offsets == std::vector<std::int64_t>{0, 101});
    CHECK_THROWS_WITH(run(fail()), "no");
}

TEST_CASE("spawn() runs a coroutine on a thread of the client's, and the client's end drops it") {
    test::real_broker broker{"1"};
    client kafka{broker.bootstrap()};
    std::optional<producer> out{std::in_place, kafka};
    std::promise<std::thread::id> where;
    spawn(kafka, leave_open(*out, where));
    CHECK(where.get_future().get() != std::this_thread::get_id());
    REQUIRE(out->close().get());  // its sends fail from now on
    *kafka.close().get();
}

TEST_CASE("completions run on the io_context that run_on() was given") {
    test::real_broker broker{"1"};
    boost::asio::io_context mine;
    auto work = boost::asio::make_work_guard(mine);
    producer out{client{broker.bootstrap(), run_on(mine)}};
    std::thread::id where;
    out.send(lines, std::string_view{"x"}).then([&](const result<record_metadata>& got) {
        if (got) where = std::this_thread::get_id();
        work.reset();
    });
    mine.run();
    CHECK(where == std::this_thread::get_id());
}

TEST_CASE("a coroutine awaits ops and goes on where it runs; a future takes one too") {
    test::real_broker broker{"1"};
    producer out{client{broker.bootstrap()}};
    boost::asio::io_context mine;
    std::thread::id resumed;
    std::vector<std::int64_t> offsets;
    boost::asio::co_spawn(mine, produce(out, resumed, offsets), [](const std::exception_ptr& thrown) { CHECK(!thrown); });
    mine.run();
    CHECK(resumed == std::this_thread::get_id());
    CHECK(offsets == std::vector<std::int64_t>{0, 1, 2});
    auto last = out.send(lines, std::string{"y"});
    const auto got = last(boost::asio::use_future).get();
    REQUIRE(got);
    CHECK(got->offset == 3);
}
