// weir producer-perf-test: how fast records can be written, and how long each takes.
#include "common_options.hpp"
#include "connect.hpp"
#include "numbers.hpp"
#include "output.hpp"
#include "perf/metrics_table.hpp"
#include "perf/payloads.hpp"
#include "perf/send_statistics.hpp"
#include "perf/stopwatch.hpp"

#include <weir/base/posix_files.hpp>
#include <weir/producer.hpp>

#include <fmt/format.h>

#include <atomic>
#include <cstdio>
#include <limits>
#include <memory>
#include <optional>

namespace weir::tools {

namespace producer_perf_test_tool {
namespace {

constexpr option options[] = {
    bootstrap_server,
    command_config,
    values("command-property", "name=value", "Settings of the producer; they win over --command-config."),
    value("topic", "name", "The topic to write to.").required(),
    value("num-records", "count", "How many records to send.").required(),
    value("throughput", "rate", "Records a second; -1: as fast as possible.").required(),
    value("record-size", "bytes", "The size of each value, made of random letters."),
    value("payload-file", "file", "A text file with values, of which one is chosen at random each time."),
    value("payload-delimiter", "text", "What stands between the values of --payload-file; a line break by default."),
    flag("payload-monotonic", "Values are 0, 1, 2, ..."),
    value("transactional-id", "id", "Send in transactions, under this id."),
    value("transaction-duration-ms", "ms", "Send in transactions, and commit after this long; 3000 by default."),
    value("warmup-records", "count", "Leave so many first records out of a second summary."),
    value("reporting-interval", "ms", "Print a line this often; 5000 by default."),
    flag("print-metrics", "Print the client's metrics at the end."),
    output_format,
    values("producer-props", "name=value", "").instead("command-property"),
    value("producer.config", "file", "").instead("command-config"),
};

double throughput_of(const arguments& args) {
    const auto text = args.text("throughput");
    const auto rate = parse_decimal(text);
    if (!rate) throw usage_error{fmt::format("--throughput is '{}', which is no number", text)};
    return *rate;
}

payloads make_payloads(const arguments& args) {
    if (args.has("record-size") + args.has("payload-file") + args.has("payload-monotonic") != 1)
        throw usage_error{"exactly one of --record-size, --payload-file and --payload-monotonic must be given"};
    if (args.has("payload-monotonic")) return payloads::counting();
    if (const auto size = args.number("record-size", 1, std::numeric_limits<std::int32_t>::max())) return payloads::of_size(static_cast<std::size_t>(*size));
    const auto files = make_posix_files();
    auto delimiter = args.text("payload-delimiter", "\n");
    return *payloads::of_file(*files, std::string{args.text("payload-file")}, delimiter == "\\n" ? "\n" : delimiter);
}

/// What callbacks and the end of the test share. Callbacks of a client never overlap.
struct test {
    stopwatch time;
    send_statistics all;
    std::optional<send_statistics> steady;
    std::int64_t interval;
    std::int64_t failed = 0;
    std::atomic<bool> lost = false;  ///< there is no hope for any record
    output& out;
    progress bar;

    test(std::int64_t expected, std::int64_t report_every, output& to)
        : all(expected, time.wall_now()), interval(report_every), out(to), bar("sending", expected) {}

    void delivered(const result<record_metadata>& outcome, time_point since, std::size_t bytes, bool warm) {
        const auto now = time.wall_now();
        if (!outcome) {
            if (hopeless(outcome.error())) lost = true;
            if (++failed <= 10) std::fprintf(stderr, "%s\n", outcome.error().message().c_str());
            return;
        }
        const auto latency = std::chrono::duration_cast<milliseconds>(time.now() - since).count();
        all.record(latency, bytes);
        if (warm && steady) steady->record(latency, bytes);
        auto& shown = warm && steady ? *steady : all;
        bar.at(all.count());
        if (now - shown.window_start() < interval) return;
        bar.clear();
        const auto line = shown.window_line(now);
        if (out.json()) return;
        out.line(line);
        out.flush();
    }
};

void print_total(output& out, send_statistics& of, timestamp_ms now) {
    if (!out.json()) {
        out.line(of.total_line(now));
        return;
    }
    const auto shares = of.percentiles();
    const auto seconds = static_cast<double>(std::max<timestamp_ms>(1, now - of.start())) / 1'000.0;
    json_writer document;
    const auto number = [&](std::string_view name, auto value) {
        document.key(name);
        document.number(value);
    };
    document.begin_object();
    number("records", of.count());
    number("recordsPerSecond", static_cast<double>(of.count()) / seconds);
    number("megabytesPerSecond", static_cast<double>(of.total().bytes) / seconds / (1024.0 * 1024.0));
    number("averageLatencyMs", static_cast<double>(of.total().latency) / static_cast<double>(std::max<std::int64_t>(1, of.count())));
    number("maxLatencyMs", of.total().longest);
    number("p50Ms", shares[0]);
    number("p95Ms", shares[1]);
    number("p99Ms", shares[2]);
    number("p999Ms", shares[3]);
    document.end_object();
    out.line(std::move(document));
}

int run(const invocation& call) {
    const auto& args = call.args;
    constexpr auto most = std::numeric_limits<std::int64_t>::max();
    const auto count = *args.number("num-records", 1, most);
    const auto warmup = args.number_or("warmup-records", 0, 0, most);
    if (warmup >= count) throw usage_error{"The value for --warmup-records must be strictly fewer than the number of records in the test, --num-records."};
    const auto rate = throughput_of(args);
    auto values_to_send = make_payloads(args);
    const auto transaction_ms = args.number("transaction-duration-ms", 1, most);

    auto settings = client_settings(args, "perf-producer-client", {"command-property"});
    const bool transactional = transaction_ms || args.has("transactional-id") || settings.find("transactional.id");
    if (args.has("transactional-id")) settings.set("transactional.id", std::string{args.text("transactional-id")}, "--transactional-id");
    else if (transactional && !settings.find("transactional.id")) {
        auto random = random_source::from_system();
        settings.set("transactional.id", "performance-producer-" + to_string(random_uuid(random)));
    }
    const client kafka{settings};
    producer out{kafka, producer_config{}};
    const topic<none, bytes_view> to{std::string{args.text("topic")}};

    if (warmup > 0) call.out.line(fmt::format("Warmup first {} records. Steady state results will print after the complete test summary.", warmup));
    const auto shared = std::make_shared<test>(count, args.number_or("reporting-interval", 5'000, 1, most), call.out);
    pacer pace{shared->time, rate};
    std::optional<transaction> open;
    time_point opened;
    const auto commit = [&] {
        if (open) *open->commit().get();
        open.reset();
    };
    for (std::int64_t sent = 0; sent < count && !shared->lost; ++sent) {
        const auto value = values_to_send.next();
        if (transactional && !open) {
            open.emplace(*out.begin().get());
            opened = shared->time.now();
        }
        if (warmup > 0 && sent == warmup) shared->steady.emplace(count - warmup, shared->time.wall_now(), true);
        const auto since = shared->time.now();
        auto delivery = open ? open->send(to, value) : out.send(to, value);
        delivery.then([shared, since, size = value.size(), warm = sent >= warmup](result<record_metadata> outcome) { shared->delivered(outcome, since, size, warm); });
        if (open && shared->time.now() - opened >= milliseconds{transaction_ms.value_or(3'000)}) commit();
        pace.after(sent + 1);
    }
    commit();
    std::optional<client_metrics> metrics;
    if (args.has("print-metrics")) {
        (void)out.flush().get();
        metrics = kafka.metrics();
    }
    const auto closed = out.close().get();
    shared->bar.clear();
    const auto now = shared->time.wall_now();
    print_total(call.out, shared->all, now);
    if (shared->steady) print_total(call.out, *shared->steady, now);
    if (metrics) print_metrics(call.out, *metrics);
    if (shared->failed > 0) std::fprintf(stderr, "%lld records were not delivered\n", static_cast<long long>(shared->failed));
    else *closed;
    return shared->failed > 0 ? 1 : 0;
}

}  // namespace
}  // namespace producer_perf_test_tool

extern const tool producer_perf_test;
constinit const tool producer_perf_test{"producer-perf-test", "Measure how fast records are written, and how long each takes.", producer_perf_test_tool::options, {}, {}, {}, producer_perf_test_tool::run};

}  // namespace weir::tools
