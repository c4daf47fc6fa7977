// weir e2e-latency: how long a record takes from a producer to a consumer.
#include "common_options.hpp"
#include "connect.hpp"
#include "output.hpp"
#include "perf/payloads.hpp"
#include "perf/stopwatch.hpp"

#include <weir/admin.hpp>
#include <weir/consumer.hpp>
#include <weir/producer.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace weir::tools {

namespace e2e_latency_tool {
namespace {

constexpr option options[] = {
    bootstrap_server.required(),
    command_config,
    value("topic", "name", "The topic; made with one partition when it is not there.").required(),
    value("num-records", "count", "How many records to send, one after the other.").required(),
    value("producer-acks", "acks", "Whose acknowledgement to wait for.").required().one_of("1|all"),
    value("record-size", "bytes", "The size of each value.").required(),
    value("record-key-size", "bytes", "The size of each key; 0, the default: no key."),
    value("num-headers", "count", "How many headers each record has."),
    value("record-header-key-size", "bytes", "The size of each header's name."),
    value("record-header-size", "bytes", "The size of each header's value; -1: null."),
    output_format,
};

constexpr std::string_view by_place[] = {"bootstrap-server", "topic", "num-records", "producer-acks", "record-size", "command-config"};

constexpr milliseconds poll_timeout{60'000};

struct shape {
    std::size_t value, key, headers, header_name;
    std::int64_t header_value;
};

shape shape_of(const arguments& args) {
    constexpr auto most = std::numeric_limits<std::int32_t>::max();
    const auto size = [&](std::string_view name) { return static_cast<std::size_t>(args.number_or(name, 0, 0, most)); };
    return {size("record-size"), size("record-key-size"), size("num-headers"), size("record-header-key-size"), args.number_or("record-header-size", 0, -1, most)};
}

void make_topic(const admin& at, const std::string& name, output& out) {
    for (const auto& each : *at.list_topics().get())
        if (each.name == name) return;
    out.line(fmt::format("Topic \"{}\" does not exist. Will create topic with 1 partition(s) and replication factor = 1", name));
    new_topic topic;
    topic.name = name;
    topic.partitions = topic.replication = 1;
    const auto made = *at.create_topics({topic}).get();
    if (const auto why = made.first_error(); why && why.code() != errc::topic_already_exists) throw exception{why};
}

int run(const invocation& call) {
    const auto& args = call.args;
    const auto count = *args.number("num-records", 1, std::numeric_limits<std::int32_t>::max());
    const auto sizes = shape_of(args);
    const topic<bytes_view, bytes_view> to{std::string{args.text("topic")}};

    auto settings = client_settings(args, "e2e-latency");
    settings.set("linger.ms", "0");
    settings.set("acks", std::string{args.text("producer-acks")}, "--producer-acks");
    settings.set("fetch.max.wait.ms", "0");
    const client on{settings};
    const admin at{on};
    make_topic(at, to.name(), call.out);
    std::vector<topic_partition> partitions;
    const auto described = *at.describe_topics({to.name()}).get();
    for (const auto& each : (*described.front().outcome).partitions) partitions.push_back({to.name(), each.id});
    consumer<> in{on, consumer_config{}};
    in.assign(partitions, at::latest);
    for (const auto& each : partitions) *in.position(each).get();  // known, before the first record is sent
    producer out{on, producer_config{}};

    stopwatch time;
    auto values_to_send = payloads::of_size(sizes.value), keys = payloads::of_size(sizes.key), names = payloads::of_size(sizes.header_name),
         header_values = payloads::of_size(static_cast<std::size_t>(std::max<std::int64_t>(0, sizes.header_value)));
    std::vector<nanoseconds> latencies;
    progress bar{"measuring", count};
    for (std::int64_t index = 0; index < count; ++index) {
        send_options how;
        for (std::size_t each = 0; each < sizes.headers; ++each)
            how.headers.push_back({std::string{as_text(names.next())}, sizes.header_value < 0 ? std::nullopt : std::optional{to_bytes(header_values.next())}});
        const auto key = sizes.key > 0 ? keys.next() : bytes_view{};
        const auto value = values_to_send.next();
        const auto begin = time.now();
        *out.send(to, key, value, how).get();
        const auto batch = *in.poll(poll_timeout).get();
        latencies.push_back(time.now() - begin);
        if (batch.empty()) throw exception{error{errc::timed_out, fmt::format("poll() timed out before finding a result (timeout:[{}ms])", poll_timeout.count())}};
        if (as_text(batch[0].value) != as_text(value)) throw exception{error{errc::invalid_record, "The message read did not match the message sent: does somebody else write to the topic?"}};
        if (batch.size() != 1) throw exception{error{errc::invalid_record, fmt::format("Only one result was expected during this test. We found [{}]", batch.size())}};
        bar.at(index + 1);
        if (index % 1'000 == 0 && !call.out.json()) {
            bar.clear();
            call.out.line(fmt::format("{}\t{}", index, static_cast<double>(latencies.back().count()) / 1e6));
            call.out.flush();
        }
    }
    bar.clear();
    nanoseconds sum{};
    for (const auto each : latencies) sum += each;
    std::sort(latencies.begin(), latencies.end());
    const auto share = [&](double part) { return latencies[static_cast<std::size_t>(part * static_cast<double>(latencies.size()))]; };
    const auto average = static_cast<double>(sum.count()) / static_cast<double>(count) / 1e6;
    if (call.out.json()) {
        json_writer document;
        document.begin_object();
        document.key("averageMs");
        document.number(average);
        for (const auto& [name, part] : {std::pair{"p50Ms", 0.5}, {"p99Ms", 0.99}, {"p999Ms", 0.999}}) {
            document.key(name);
            document.number(static_cast<double>(share(part).count()) / 1e6);
        }
        document.end_object();
        call.out.line(std::move(document));
    } else {
        const auto whole = [&](double part) { return std::chrono::duration_cast<milliseconds>(share(part)).count(); };
        call.out.line(fmt::format("Avg latency: {:.4f} ms", average));
        call.out.line(fmt::format("Percentiles: 50th = {}, 99th = {}, 99.9th = {}", whole(0.5), whole(0.99), whole(0.999)));
    }
    return 0;
}

}  // namespace
}  // namespace e2e_latency_tool

extern const tool e2e_latency;
constinit const tool e2e_latency{"e2e-latency", "Measure how long a record takes from a producer to a consumer.", e2e_latency_tool::options, {}, e2e_latency_tool::by_place, {}, e2e_latency_tool::run};

}  // namespace weir::tools
