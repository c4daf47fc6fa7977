// Produces records and prints messages per second and per client CPU second; produce_librdkafka.cpp does the same. Both hear the
// outcome of each record in one callback of the producer's; `told` gives each record a callback of its own.
//   produce_weir <bootstrap> <topic> <messages> <bytes> [latency | told | first <partitions>]
#include "client_bench.hpp"

#include <weir/producer.hpp>

#include <atomic>

int main(int argc, char** argv) {
    const auto run = weir::bench::parse_produce(argc, argv);
    weir::client kafka{run.bootstrap};
    std::atomic<std::size_t> refused{0}, heard{0};
    const auto all = run.told ? run.messages : run.messages + 1;  // the first one is waited for
    const auto hear = [&](const weir::result<weir::record_metadata>& outcome) {
        if (!outcome) ++refused;
        if (++heard == all) heard.notify_one();
    };
    weir::producer_config config;
    if (!run.told && !run.latency) config.on_acknowledgement = hear;
    weir::producer out{kafka, std::move(config)};
    const weir::topic<weir::none, std::string> to{run.topic};
    const weir::topic<std::optional<std::string>, std::string> placed{run.topic};
    const std::string value(run.bytes, 'x');
    if (!out.send(to, value).get()) return 1;
    if (run.latency) {
        weir::bench::latency_report report{"weir"};
        for (std::size_t i = 0; i < run.messages; ++i) {
            const auto began = report.now();
            if (!out.send(to, value).get()) return 1;
            report.add(began);
        }
        return 0;
    }
    weir::bench::throughput_report report{"weir"};
    weir::send_options options;
    for (std::size_t i = 0; i < run.messages; ++i) {
        if (run.told) {
            out.send(to, value).then(hear);
            continue;
        }
        if (run.first == 0) {
            (void)out.send(to, value);
            continue;
        }
        options.partition = static_cast<std::int32_t>(i) % run.first;
        (void)out.send(placed, std::nullopt, value, options);
    }
    const auto delivered = out.flush().get();
    for (auto so_far = heard.load(); so_far < all; so_far = heard.load()) heard.wait(so_far);
    report.print(run.messages, run.messages * run.bytes);
    return delivered && refused == 0 ? 0 : 1;
}
