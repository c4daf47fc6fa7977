// Batches in a coroutine, as views; and what the group decides.
#include "../model.hpp"

#include <weir/asio.hpp>
#include <weir/consumer.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <csignal>
#include <iostream>
#include <ranges>

void insert(auto&& rows) {
    for (const auto& row : rows) std::cout << row.value.id << ' ';
}

weir::awaitable<void> consume(weir::consumer<std::string, order>& in) {
    while (auto batch = co_await in.poll()) {  // an error: stopped, or what status() says
        insert(*batch | std::views::filter([](const auto& row) { return row.value.amount > 1'000; }));
        for (const auto& part : batch->by_partition()) {  // the same records, partition by partition
            if (part.begin()->value.amount < 0) in.pause({part.where});
        }
        if (auto done = co_await in.commit(); !done) std::cerr << done.error() << '\n';
    }
}

int main() {
    weir::consumer in{"localhost:9092", {.group_id = "big-orders", .auto_commit = false}, orders};
    in.stop_on({SIGINT, SIGTERM});
    in.on_rebalance({.assigned = [](auto parts) { std::cout << "got " << parts.size() << '\n'; },
                     .revoked = [](auto parts) { std::cout << "giving up " << parts.size() << '\n'; }});
    boost::asio::io_context mine;
    boost::asio::co_spawn(mine, consume(in), [](const std::exception_ptr& thrown) {
        if (thrown) std::rethrow_exception(thrown);
    });
    mine.run();
}
