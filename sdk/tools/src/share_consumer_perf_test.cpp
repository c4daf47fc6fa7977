// weir share-consumer-perf-test: how fast a share group takes records.
#include "output.hpp"
#include "perf/consumer_test.hpp"
#include "perf/metrics_table.hpp"
#include "perf/stopwatch.hpp"

#include <weir/share_consumer.hpp>

#include <fmt/format.h>

#include <atomic>
#include <csignal>
#include <memory>
#include <mutex>
#include <thread>

namespace weir::tools {

namespace share_consumer_perf_test_tool {
namespace {

constexpr option own[] = {
    value("topic", "name", "The topic to read.").required(),
    value("group", "id", "The share group; perf-share-consumer by default."),
    value("threads", "count", "How many consumers; 1 by default."),
    value("fetch-size", "bytes", "fetch.max.bytes; 1048576 by default."),
    flag("show-detailed-stats", "Print a line for each --reporting-interval of each consumer."),
    flag("show-consumer-stats", "Print a line for each consumer at the end."),
};
constexpr auto options = joined(consumer_test_options, own);

/// Of the consumer with this number: several do not share a client id.
std::string client_id(const properties& settings, std::int64_t threads, std::size_t number) {
    const auto& given = settings.find("client.id")->value;
    return threads == 1 ? given : fmt::format("{}-{}", given, number);
}

/// "start, end, MB, MB/s, records/s, records, ms".
std::string figures(timestamp_ms start, timestamp_ms end, std::int64_t all_bytes, std::int64_t bytes, std::int64_t all_records, std::int64_t records, std::string_view format) {
    const auto seconds = static_cast<double>(std::max<std::int64_t>(1, end - start)) / 1'000.0;
    return fmt::format("{}, {}, {:.4f}, {:.4f}, {:.4f}, {}, {}", format_time(start, format), format_time(end, format), static_cast<double>(all_bytes) / megabyte,
                       static_cast<double>(bytes) / megabyte / seconds, static_cast<double>(records) / seconds, all_records, end - start);
}

/// One consumer of the group, on a thread of its own.
class worker {
public:
    worker(const properties& settings, const std::string& topic_name) : on_(settings), in_(on_, share_consumer_config{}, topic<bytes_view, bytes_view>{topic_name}) {
        in_.stop_on({SIGINT, SIGTERM});
    }
    void run(const consumer_test& what, std::atomic<std::int64_t>& group_records, output& out, std::mutex& printing, int number) {
        auto now = time_.wall_now(), consumed = now, reported = now;
        std::int64_t records_before = 0, bytes_before = 0;
        while (group_records < what.wanted && now - consumed <= what.timeout) {
            const auto batch = in_.poll(milliseconds{100}).get();
            now = time_.wall_now();
            if (!batch) {
                if (batch.code() != errc::closed) failure = batch.error();
                return;
            }
            if (!batch->empty()) consumed = now;
            for (const auto& each : *batch) bytes += static_cast<std::int64_t>(each.key.size() + each.value.size());
            records += static_cast<std::int64_t>(batch->size());
            group_records += static_cast<std::int64_t>(batch->size());
            if (now - reported < what.interval) continue;
            if (what.detailed) {
                const std::lock_guard lock{printing};
                out.line(fmt::format("{} for share consumer {}", figures(reported, now, bytes, bytes - bytes_before, records, records - records_before, what.format), number));
                out.flush();
            }
            reported = now;
            records_before = records;
            bytes_before = bytes;
        }
    }
    result<void> finish() {
        if (auto told = in_.commit().get(); !told) return told.error();
        return in_.close().get();
    }
    client_metrics metrics() const { return on_.metrics(); }
    std::int64_t records = 0, bytes = 0;
    error failure;

private:
    client on_;
    share_consumer<bytes_view, bytes_view> in_;
    stopwatch time_;
};

int run(const invocation& call) {
    const auto& args = call.args;
    const consumer_test what{args};
    const auto threads = args.number_or("threads", 1, 1, 1'000);
    if (!args.has("hide-header")) call.out.line("start.time, end.time, data.consumed.in.MB, MB.sec, nMsg.sec, data.consumed.in.nMsg, fetch.time.ms");
    call.out.flush();

    auto settings = consumer_test_settings(args, "perf-share-consumer-client", "fetch.max.bytes");
    settings.set("group.id", std::string{args.text("group", "perf-share-consumer")}, "--group");
    std::vector<std::unique_ptr<worker>> workers;
    for (std::int64_t each = 0; each < threads; ++each) {
        auto mine = settings;
        mine.set("client.id", client_id(settings, threads, workers.size() + 1), "--threads");
        workers.push_back(std::make_unique<worker>(mine, std::string{args.text("topic")}));
    }
    stopwatch time;
    const auto start = time.wall_now();
    (void)format_time(start, what.format);  // one that cannot be is refused before the work
    std::atomic<std::int64_t> records{0};
    std::mutex printing;
    std::vector<std::thread> running;
    for (std::size_t each = 0; each < workers.size(); ++each)
        running.emplace_back([&, each] { workers[each]->run(what, records, call.out, printing, static_cast<int>(each) + 1); });
    for (auto& each : running) each.join();
    const auto end = time.wall_now();

    std::int64_t bytes = 0;
    for (std::size_t each = 0; each < workers.size(); ++each) {
        const auto& of = *workers[each];
        if (of.failure) throw exception{of.failure};
        bytes += of.bytes;
        if (args.has("show-consumer-stats"))
            call.out.line(fmt::format("Share consumer {} having client id {} consumption metrics- {}", each + 1, client_id(settings, threads, each + 1),
                                      figures(start, end, of.bytes, of.bytes, of.records, of.records, what.format)));
    }
    if (records < what.wanted) call.out.line(what.cut_short());
    call.out.line(figures(start, end, bytes, bytes, records, records, what.format));
    if (args.has("print-metrics"))
        for (const auto& each : workers) print_metrics(call.out, each->metrics());
    for (auto& each : workers)
        if (auto done = each->finish(); !done) throw exception{done.error()};
    return 0;
}

}  // namespace
}  // namespace share_consumer_perf_test_tool

extern const tool share_consumer_perf_test;
constinit const tool share_consumer_perf_test{"share-consumer-perf-test", "Measure how fast a share group takes records.", share_consumer_perf_test_tool::options, {}, {}, {}, share_consumer_perf_test_tool::run};

}  // namespace weir::tools
