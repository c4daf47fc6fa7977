// How soon an embedded broker serves: from its constructor's begin to its end, and to the first acknowledged record.
#include "client_bench.hpp"

#include <weir/broker/embedded.hpp>
#include <weir/producer.hpp>

int main() {
    const weir::topic<std::string, std::string> orders{"orders"};
    std::vector<double> ready, acknowledged;
    for (int i = 0; i < 20; ++i) {
        const auto began = std::chrono::steady_clock::now();
        const auto since = [&] { return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count(); };
        weir::broker::embedded_config config;
        config.topics.push_back({.name = "orders", .partitions = 1});
        const weir::broker::embedded cluster{config};
        ready.push_back(since());
        weir::producer out{weir::client{cluster}};
        if (!out.send(orders, "k", "v").get()) return 1;
        acknowledged.push_back(since());
    }
    const auto median = [](std::vector<double>& all) {
        std::sort(all.begin(), all.end());
        return all[all.size() / 2];
    };
    std::printf("%-10s ready_ms=%.2f acknowledged_ms=%.2f\n", "embedded", median(ready), median(acknowledged));
    return 0;
}
