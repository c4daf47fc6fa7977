// Consumes records from the beginning and prints messages per second and per client CPU second; consume_librdkafka.cpp does
// the same.
//   consume_weir <bootstrap> <topic> <partitions> <messages>          one record after the other, as bytes
//   consume_weir <bootstrap> <topic> <partitions> <messages> slow     a millisecond each, and how much memory that took
#include "client_bench.hpp"

#include <weir/consumer.hpp>

#include <thread>

int main(int argc, char** argv) {
    const auto run = weir::bench::parse_consume(argc, argv);
    weir::consumer_config config;
    config.auto_commit = false;
    const auto budget = config.buffer_memory;
    weir::consumer in{weir::client{run.bootstrap}, std::move(config)};
    std::vector<weir::topic_partition> all;
    for (std::int32_t i = 0; i < run.partitions; ++i) all.push_back({run.topic, i});
    in.assign(all, weir::at::earliest);
    std::size_t count = 0, bytes = 0;
    weir::bench::throughput_report report{"weir"};
    for (const auto& each : in) {
        bytes += each.value.size();
        if (run.slow) std::this_thread::sleep_for(std::chrono::milliseconds{1});
        if (++count == 1) report.begin();
        if (count == run.messages) break;
    }
    report.print(count, bytes);
    if (run.slow) std::printf("%-10s peak_mb=%.1f budget_mb=%.1f\n", "weir", weir::bench::peak_bytes() / 1e6, static_cast<double>(budget) / 1e6);
    return count == run.messages ? 0 : 1;
}
