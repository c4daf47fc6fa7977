// Ops as Asio operations, on an io_context of the user's.
#include "real_broker.hpp"

#include <weir/asio.hpp>
#include <weir/producer.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <doctest/doctest.h>

#include <thread>

using namespace weir;

namespace {

const topic<none, std::string> lines{"lines"};

awaitable<void> produce(producer& out, std::thread::id& resumed, std::vector<std::int64_t>& offsets) {
    for (int i = 0; i < 3; ++i) {
        auto handed = out.enqueue(lines, std::string{"x"});
        auto sent = co_await handed(boost::asio::use_awaitable);
        auto got = co_await (*sent)(boost::asio::use_awaitable);
        offsets.push_back(got ? got->offset : -1);
    }
    resumed = std::this_thread::get_id();
}

}  // namespace

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
