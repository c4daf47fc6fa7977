// A broker on a real disk and real sockets, in the test's own process.
#pragma once
#include "temporary_folder.hpp"

#include <weir/base/asio_runtime.hpp>
#include <weir/broker/broker_node.hpp>

#include <doctest/doctest.h>

#include <future>
#include <memory>
#include <optional>

namespace weir::test {

class real_broker {
public:
    explicit real_broker(const std::string& partitions = "3", std::vector<std::string> settings = {}) {
        settings.insert(settings.end(), {"log.dirs=" + folder_.path, "listeners=PLAINTEXT://127.0.0.1:0", "num.partitions=" + partitions, "group.initial.rebalance.delay.ms=0"});
        auto parsed = broker::parse_config("", "", settings);
        REQUIRE_MESSAGE(parsed, parsed.error().message());
        broker::environment world{{&threads_.loop(0)}, threads_.net(), *files_, 1};
        world.host_name = "localhost";
        node_.emplace(parsed->config, std::move(world), [](const error&) {});
        threads_.start();
        std::promise<result<void>> started;
        threads_.loop(0).post([&] { spawn(start(*node_, started)); });
        const auto outcome = started.get_future().get();
        REQUIRE_MESSAGE(outcome, outcome.error().message());
    }
    ~real_broker() {
        std::promise<void> stopped;
        threads_.loop(0).post([&] { spawn(stop(*node_, stopped)); });
        stopped.get_future().wait();
        threads_.stop();
        threads_.join();
    }
    std::string bootstrap() const { return to_string(node_->listeners().front().bound); }

private:
    static task<void> start(broker::broker_node& node, std::promise<result<void>>& outcome) {
        auto starting = node.start();
        auto started = co_await starting;
        outcome.set_value(std::move(started));
    }
    static task<void> stop(broker::broker_node& node, std::promise<void>& done) {
        auto stopping = node.stop();
        static_cast<void>(co_await stopping);
        done.set_value();
    }
    test::temporary_folder folder_;
    runtime threads_{1};
    std::unique_ptr<file_system> files_ = make_posix_files();  // its threads tell the loops what is on the disk: it ends first
    std::optional<broker::broker_node> node_;
};

}  // namespace weir::test
