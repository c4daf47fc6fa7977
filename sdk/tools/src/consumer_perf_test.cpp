// weir consumer-perf-test: how fast records can be read.
#include "output.hpp"
#include "perf/consumer_test.hpp"
#include "perf/metrics_table.hpp"
#include "perf/stopwatch.hpp"

#include <weir/consumer.hpp>

#include <fmt/format.h>

#include <atomic>
#include <csignal>
#include <cstdio>

namespace weir::tools {

namespace consumer_perf_test_tool {
namespace {

constexpr option own[] = {
    value("topic", "name", "The topic to read."),
    value("include", "regex", "Every topic whose whole name matches, instead."),
    value("group", "id", "The group; one of its own by default."),
    flag("from-latest", "Begin at the end, not at the beginning, where the group has no offset."),
    value("fetch-size", "bytes", "max.partition.fetch.bytes; 1048576 by default."),
    flag("show-detailed-stats", "Print a line for each --reporting-interval instead of one at the end."),
    output_format,
};
constexpr auto options = joined(consumer_test_options, own);

double rate(double amount, std::int64_t ms) { return ms <= 0 ? 0.0 : amount / (static_cast<double>(ms) / 1'000.0); }

properties test_settings(const arguments& args) {
    auto settings = consumer_test_settings(args, "perf-consumer-client", "max.partition.fetch.bytes");
    auto random = random_source::from_system();
    if (args.has("group")) settings.set("group.id", std::string{args.text("group")}, "--group");
    else if (!settings.find("group.id")) settings.set("group.id", "perf-consumer-" + std::to_string(random.below(100'000)));
    settings.set("auto.offset.reset", args.has("from-latest") ? "latest" : "earliest");
    return settings;
}

struct totals {
    std::int64_t records = 0, bytes = 0;
};

void write(output& out, const totals& all, timestamp_ms start, timestamp_ms end, std::int64_t joins, std::string_view format) {
    json_writer document;
    const auto number = [&](std::string_view name, auto value) {
        document.key(name);
        document.number(value);
    };
    const auto text = [&](std::string_view name, std::string_view value) {
        document.key(name);
        document.string(value);
    };
    const auto megabytes = static_cast<double>(all.bytes) / megabyte;
    document.begin_object();
    text("startTime", format_time(start, format));
    text("endTime", format_time(end, format));
    number("megabytes", megabytes);
    number("megabytesPerSecond", rate(megabytes, end - start));
    number("records", all.records);
    number("recordsPerSecond", rate(static_cast<double>(all.records), end - start));
    number("rebalanceMs", joins);
    number("fetchMs", end - start - joins);
    document.end_object();
    out.line(std::move(document));
}

int run(const invocation& call) {
    const auto& args = call.args;
    const consumer_test test{args};
    if (args.has("topic") == args.has("include")) throw usage_error{"Exactly one of the following arguments is required: [topic], [include]"};
    if (!args.has("hide-header") && !call.out.json())
        call.out.line(fmt::format("{}, data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, rebalance.time.ms, fetch.time.ms, fetch.MB.sec, fetch.nMsg.sec",
                                  test.detailed ? "time, threadId" : "start.time, end.time"));
    call.out.flush();

    stopwatch time;
    const auto start = time.wall_now();
    (void)format_time(start, test.format);  // one that cannot be is refused before the work
    std::atomic<std::int64_t> joining_since{start}, joined{0};
    const client kafka{test_settings(args)};
    consumer<> in{kafka, consumer_config{}};
    in.stop_on({SIGINT, SIGTERM});
    in.on_rebalance({.assigned = [&](auto) { joined += time.wall_now() - joining_since; }, .revoked = [&](auto) { joining_since = time.wall_now(); }});
    if (args.has("include")) in.subscribe_matching(std::string{args.text("include")});
    else in.subscribe({std::string{args.text("topic")}});

    totals all, before;
    std::int64_t joined_before = 0;
    auto reported = start, consumed = start, now = start;
    error failure;
    progress bar{"reading", test.wanted};
    while (all.records < test.wanted && now - consumed <= test.timeout) {
        const auto batch = in.poll(milliseconds{100}).get();
        now = time.wall_now();
        if (!batch) {
            if (batch.code() != errc::closed) failure = batch.error();
            break;
        }
        if (!batch->empty()) consumed = now;
        for (const auto& each : *batch) {
            ++all.records;
            all.bytes += static_cast<std::int64_t>(each.key.size() + each.value.size());
        }
        bar.at(all.records);
        if (now - reported < test.interval) continue;
        if (test.detailed && !call.out.json()) {
            bar.clear();
            const auto elapsed = now - reported, joins = joined - joined_before;
            const auto megabytes = static_cast<double>(all.bytes - before.bytes) / megabyte;
            const auto records = static_cast<double>(all.records - before.records);
            call.out.line(fmt::format("{}, 0, {:.4f}, {:.4f}, {}, {:.4f}, {}, {}, {:.4f}, {:.4f}", format_time(now, test.format), static_cast<double>(all.bytes) / megabyte,
                                      rate(megabytes, elapsed), all.records, rate(records, elapsed), joins, elapsed - joins, rate(megabytes, elapsed - joins),
                                      rate(records, elapsed - joins)));
            call.out.flush();
        }
        reported = now;
        before = all;
        joined_before = joined;
    }
    bar.clear();
    const auto end = time.wall_now();
    if (failure) throw exception{failure};
    if (all.records < test.wanted && !call.out.json()) call.out.line(test.cut_short());
    if (call.out.json()) {
        write(call.out, all, start, end, joined, test.format);
    } else if (!test.detailed) {
        const auto megabytes = static_cast<double>(all.bytes) / megabyte;
        const auto records = static_cast<double>(all.records);
        const std::int64_t elapsed = end - start, joins = joined;
        call.out.line(fmt::format("{}, {}, {:.4f}, {:.4f}, {}, {:.4f}, {}, {}, {:.4f}, {:.4f}", format_time(start, test.format), format_time(end, test.format), megabytes,
                                  rate(megabytes, elapsed), all.records, rate(records, elapsed), joins, elapsed - joins, rate(megabytes, elapsed - joins),
                                  rate(records, elapsed - joins)));
    }
    if (args.has("print-metrics")) print_metrics(call.out, kafka.metrics());
    call.out.flush();
    return *in.close().get(), 0;
}

}  // namespace
}  // namespace consumer_perf_test_tool

extern const tool consumer_perf_test;
constinit const tool consumer_perf_test{"consumer-perf-test", "Measure how fast records are read.", consumer_perf_test_tool::options, {}, {}, {}, consumer_perf_test_tool::run};

}  // namespace weir::tools
