// Produces records and prints messages per second and per client CPU second; produce_librdkafka.cpp does the same.
//   produce_weir <bootstrap> <topic> <messages> <bytes> [latency | told | first <partitions>]
#include "client_bench.hpp"

#include <weir/producer.hpp>

int main(int argc, char** argv) {
    const auto run = weir::bench::parse_produce(argc, argv);
    weir::client kafka{run.bootstrap};
    weir::producer out{kafka};
    const weir::topic<weir::none, std::string> to{run.topic};
    const weir::topic<std::optional<std::string>, std::string> placed{run.topic};
    const std::string value(run.bytes, 'x');
    std::size_t refused = 0;
    const auto count_refused = [&](const weir::result<weir::record_metadata>& outcome) { refused += !outcome; };
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
            out.send(to, value).then(count_refused);
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
    report.print(run.messages, run.messages * run.bytes);
    return delivered && refused == 0 ? 0 : 1;
}
