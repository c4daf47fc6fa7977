// Asynchronous in three ways: a coroutine, a callback, any Asio completion token.
#include "../model.hpp"

#include <weir/asio.hpp>
#include <weir/producer.hpp>

#include <boost/asio/use_future.hpp>

#include <iostream>

using namespace std::chrono_literals;

weir::awaitable<void> produce(weir::producer& out) {
    page_view view{.user = "alice", .page = "/home"};
    auto done = co_await out.send(page_views, "alice", view);  // delivered, or why not
    if (!done) std::cerr << done.error() << '\n';
    for (int i = 0; i < 1'000'000; ++i) {  // pipelined: suspends only while the buffer is full
        view.page = "/" + std::to_string(i);
        *co_await out.enqueue(page_views, "alice", view);  // '*' gives the value, or throws weir::exception
    }
    auto last = out.send(page_views, "bob", {.user = "bob", .page = "/"});  // under way; other work here
    *co_await std::move(last);
}

int main() {
    weir::client kafka{"localhost:9092", {.client_id = "web"}};
    weir::producer out{kafka, {.linger = 20ms, .compression = weir::compression::zstd}};
    weir::run(produce(out));  // a coroutine
    out.send(page_views, "carol", {.user = "carol", .page = "/"}).then([](weir::result<weir::record_metadata> r) {  // a callback
        if (r) std::cout << r->offset << '\n';
    });
    auto sent = out.send(page_views, "dave", {.user = "dave", .page = "/"})(boost::asio::use_future);  // any Asio token
    return sent.get() ? 0 : 1;
}
