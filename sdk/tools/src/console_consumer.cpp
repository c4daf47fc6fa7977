// weir console-consumer: prints the records of topics.
#include "common_options.hpp"
#include "connect.hpp"
#include "console/reading.hpp"
#include "perf/stopwatch.hpp"
#include "topic_filter.hpp"

#include <weir/admin.hpp>
#include <weir/consumer.hpp>

#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <limits>
#include <map>

namespace weir::tools {

namespace console_consumer_tool {
namespace {

constexpr option options[] = {
    bootstrap_server.required(),
    command_config,
    value("command-property", "name=value", "A setting of the client.").repeatable(),
    value("topic", "name", "The topic to read."),
    value("include", "regex", "Every topic whose whole name matches."),
    value("group", "id", "Share the work with the other members of this group, and go on where it stopped. Without it all partitions are read, and nothing is "
                         "remembered."),
    value("partition", "number", "Only this partition of the topic."),
    value("offset", "where", "With --partition: earliest, latest (the default), or an offset."),
    flag("from-beginning", "Begin with the earliest record, where no group has an offset to go on from."),
    value("max-messages", "count", "End after this many records."),
    value("timeout-ms", "ms", "End when no record has come for this long."),
    value("isolation-level", "level", "read_committed leaves out records of open and aborted transactions.").one_of("read_uncommitted|read_committed"),
    formatter_class,
    formatter_property,
    formatter_config,
    key_deserializer,
    value_deserializer,
    flag("skip-message-on-error", "Go on behind a record that cannot be printed."),
    flag("enable-systest-events", "Print shutdown_complete at the end."),
    output_format,
    value("property", "name=value", "").repeatable().instead("formatter-property"),
    value("consumer-property", "name=value", "").repeatable().instead("command-property"),
    value("consumer.config", "file", "").instead("command-config"),
};

at::position start_of(const arguments& args) {
    const auto text = args.text("offset", args.has("from-beginning") ? "earliest" : "latest");
    if (text == "earliest") return at::earliest;
    if (text == "latest") return at::latest;
    const auto offset = parse_number(text);
    if (!offset || *offset < 0) throw usage_error{fmt::format("The provided offset value '{}' is incorrect. Valid values are 'earliest', 'latest', or a non-negative long.", text)};
    return at::offset(*offset);
}

properties consumer_settings(const arguments& args) {
    auto settings = client_settings(args, "console-consumer", {"command-property"});
    const auto* reset = settings.find("auto.offset.reset");
    if (args.has("from-beginning") && reset && reset->value != "earliest")
        throw usage_error{fmt::format("Can't simultaneously specify --from-beginning and 'auto.offset.reset={}', please remove one option", reset->value)};
    if (!reset) settings.set("auto.offset.reset", args.has("from-beginning") ? "earliest" : "latest");
    if (args.has("isolation-level")) settings.set("isolation.level", std::string{args.text("isolation-level")}, "--isolation-level");
    set_group(args, settings);
    if (settings.find("group.id") && args.has("partition")) throw usage_error{"Options group and partition cannot be specified together."};
    return settings;
}

void check(const arguments& args) {
    if (args.has("topic") == args.has("include")) throw usage_error{"Exactly one of the following arguments is required: [topic], [include]"};
    if (args.has("partition") && !args.has("topic")) throw usage_error{"The topic is required when partition is specified."};
    if (args.has("partition") && args.has("offset") && args.has("from-beginning")) throw usage_error{"Options from-beginning and offset cannot be specified together."};
    if (args.has("offset") && !args.has("partition")) throw usage_error{"The partition is required when offset is specified."};
}

/// All partitions of the topics that are meant.
std::vector<topic_partition> partitions_of(const client& on, const arguments& args) {
    if (args.has("partition")) return {{std::string{args.text("topic")}, static_cast<std::int32_t>(*args.number("partition", 0, std::numeric_limits<std::int32_t>::max()))}};
    const admin at{on};
    std::vector<std::string> names;
    if (args.has("include")) {
        const topic_filter filter{args.text("include")};
        for (const auto& each : *at.list_topics().get())
            if (filter.matches(each.name)) names.push_back(each.name);
        if (names.empty()) throw exception{error{errc::unknown_topic_or_partition, fmt::format("no topic matches '{}'; weir topics --list shows those there are", args.text("include"))}};
    }
    std::vector<topic_partition> all;
    for (const auto& [name, outcome] : *at.describe_topics(names).get())
        for (const auto& each : (*outcome).partitions) all.push_back({name, each.id});
    return all;
}

/// Asking for a topic that is not there yet may make it, or somebody else may: as long as nobody stops the consumer, or for `most`.
std::vector<topic_partition> partitions_of(consumer<>& in, const std::string& topic, duration most) {
    constexpr milliseconds soon{250};
    stopwatch time;
    const auto began = time.now();
    auto asked = in.partitions_for(topic);
    auto found = asked.get_for(std::min(most, soon));
    if (found.code() == errc::timed_out) {
        std::fprintf(stderr, "Waiting for topic %s\n", topic.c_str());
        while (!asked.ready())
            if (time.now() - began >= std::min(most, duration{std::chrono::hours{24}}) || !in.poll(milliseconds{100}).get()) return {};
        found = asked.get();
    }
    std::vector<topic_partition> all;
    for (const auto& each : *found) all.push_back({topic, each.partition});
    return all;
}

int run(const invocation& call) {
    const auto& args = call.args;
    check(args);
    auto formatter = make_formatter(args);
    const auto start = start_of(args);
    const auto until = limits_of(args);
    const auto settings = consumer_settings(args);
    const bool in_group = settings.find("group.id") != nullptr;
    std::signal(SIGPIPE, SIG_IGN);  // a reader that is gone ends the loop, and the group hears of it

    const client on{settings};
    consumer_config config;
    config.on_error = [](const error& why) { std::fprintf(stderr, "%s\n", why.message().c_str()); };
    consumer<> in{on, std::move(config)};
    in.stop_on({SIGINT, SIGTERM});
    if (!in_group) {
        const bool plain = !args.has("include") && !args.has("partition");
        in.assign(plain ? partitions_of(in, std::string{args.text("topic")}, until.idle.value_or(duration::max())) : partitions_of(on, args), start);
    }
    else if (args.has("include")) in.subscribe_matching(std::string{args.text("include")});
    else in.subscribe({std::string{args.text("topic")}});

    std::int64_t count = 0;
    std::map<topic_partition, std::int64_t> printed_to, done;
    const auto failure = take_records(in, until, call.out, count, [&](const auto& each) -> error {
        const bool goes_on = args.has("skip-message-on-error");
        const auto printed = print_or_tell(formatter, {each.info, each.key, each.value}, call.out, goes_on ? ", skipping this message" : "");
        if (!printed && !goes_on) return printed.error();
        if (in_group) printed_to[each.info.where()] = each.info.offset + 1;
        return {};
    }, [&] { done = printed_to; });
    // The last batch may have been printed in part: what was printed is what the group goes on behind.
    const auto* commit = settings.find("enable.auto.commit");
    if (in_group && !done.empty() && (!commit || commit->value != "false")) {
        std::vector<partition_offset> offsets;
        for (const auto& [where, offset] : done) offsets.push_back({where, offset});
        if (auto committed = in.commit(offsets).get(); !committed) std::fprintf(stderr, "%s\n", committed.error().message().c_str());
    }
    static_cast<void>(in.close().get());
    return end_of_records(args, call.out, count, failure);
}

}  // namespace
}  // namespace console_consumer_tool

extern const tool console_consumer;
constinit const tool console_consumer{"console-consumer", "Print the records of topics, and those that come.", console_consumer_tool::options, {}, {}, {}, console_consumer_tool::run};

}  // namespace weir::tools
