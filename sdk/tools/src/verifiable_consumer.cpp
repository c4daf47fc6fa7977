// weir verifiable-consumer: reads as a member of a group and tells what happens, for system tests.
#include "common_options.hpp"
#include "connect.hpp"
#include "perf/verifiable.hpp"

#include <weir/consumer.hpp>

#include <csignal>
#include <limits>

namespace weir::tools {

namespace verifiable_consumer_tool {
namespace {

constexpr option options[] = {
    bootstrap_server,
    command_config,
    value("topic", "name", "The topic to read.").required(),
    value("group-id", "id", "The group.").required(),
    value("group-instance-id", "id", "Be a static member of this name."),
    value("group-protocol", "protocol", "classic (the default) or consumer.").one_of("classic|consumer"),
    value("group-remote-assignor", "name", "The assignor of the coordinator, with --group-protocol consumer."),
    value("assignment-strategy", "names", "Assignors of the classic protocol: Kafka's classes, or range, roundrobin, sticky, cooperative-sticky."),
    value("session-timeout", "ms", "session.timeout.ms; 30000 by default."),
    value("max-messages", "count", "End after this many; -1, the default: at a signal."),
    value("reset-policy", "where", "Where to begin without an offset; earliest by default.").one_of("earliest|latest|none"),
    flag("enable-autocommit", "Commit now and then, instead of after each batch."),
    flag("verbose", "Print each record, too."),
    value("consumer.config", "file", "").instead("command-config"),
};

properties group_settings(const arguments& args) {
    auto settings = client_settings(args, "verifiable-consumer");
    const auto set = [&](std::string_view option, const char* name, std::string_view otherwise) {
        const auto text = args.text(option, otherwise);
        if (args.has(option) || (!otherwise.empty() && !settings.find(name))) settings.set(name, std::string{text}, "--" + std::string{option});
    };
    const bool classic = args.text("group-protocol", "classic") == "classic";
    set("group-id", "group.id", "");
    set("group-instance-id", "group.instance.id", "");
    set("group-protocol", "group.protocol", "classic");
    if (classic) {
        set("session-timeout", "session.timeout.ms", "30000");
        set("assignment-strategy", "partition.assignment.strategy", "range");
    } else {
        set("group-remote-assignor", "group.remote.assignor", "");
    }
    set("reset-policy", "auto.offset.reset", "earliest");
    settings.set("enable.auto.commit", args.has("enable-autocommit") ? "true" : "false");
    return settings;
}

void write_partitions(json_writer& line, std::span<const topic_partition> partitions) {
    line.key("partitions");
    line.begin_array();
    for (const auto& each : partitions) {
        line.begin_object();
        write_text(line, "topic", each.topic);
        write_number(line, "partition", each.partition);
        line.end_object();
    }
    line.end_array();
}

using text_consumer = consumer<std::optional<std::string>, std::optional<std::string>>;
using text_records = records<std::optional<std::string>, std::optional<std::string>>;

/// At most `most` records of the batch, partition by partition; tells of them and gives what to commit.
std::vector<partition_offset> take(event_lines& events, const text_records& batch, std::int64_t most, bool verbose, std::int64_t& taken) {
    struct summary {
        topic_partition where;
        std::int64_t count, first, last;
    };
    std::vector<summary> all;
    std::vector<partition_offset> offsets;
    for (const auto& part : batch.by_partition()) {
        const auto count = std::min<std::int64_t>(static_cast<std::int64_t>(part.size()), most);
        if (count == 0) break;
        most -= count;
        taken += count;
        const auto& last = part.first[count - 1].info;
        all.push_back({part.where, count, part.first->info.offset, last.offset});
        offsets.push_back({part.where, last.offset + 1, last.leader_epoch});
        if (!verbose) continue;
        for (std::int64_t each = 0; each < count; ++each) tell_record(events, part.first[each]);
    }
    events.print("records_consumed", [&](json_writer& line) {
        write_number(line, "count", static_cast<std::int64_t>(batch.size()));
        line.key("partitions");
        line.begin_array();
        for (const auto& each : all) {
            line.begin_object();
            write_text(line, "topic", each.where.topic);
            write_number(line, "partition", each.where.partition);
            write_number(line, "count", each.count);
            write_number(line, "minOffset", each.first);
            write_number(line, "maxOffset", each.last);
            line.end_object();
        }
        line.end_array();
    });
    return offsets;
}

void tell_commit(event_lines& events, const std::vector<partition_offset>& offsets, const result<>& outcome) {
    events.print("offsets_committed", [&](json_writer& line) {
        line.key("offsets");
        line.begin_array();
        for (const auto& each : offsets) {
            line.begin_object();
            write_text(line, "topic", each.where.topic);
            write_number(line, "partition", each.where.partition);
            write_number(line, "offset", each.offset);
            line.end_object();
        }
        line.end_array();
        if (!outcome) write_text(line, "error", outcome.error().message());
        line.key("success");
        line.boolean(outcome.has_value());
    });
}

int run(const invocation& call) {
    const auto& args = call.args;
    const auto count = args.number_or("max-messages", -1, -1, std::numeric_limits<std::int64_t>::max());
    const auto most = count < 0 ? std::numeric_limits<std::int64_t>::max() : count;
    const topic<std::optional<std::string>, std::optional<std::string>> from{std::string{args.text("topic")}};
    event_lines events{call.out};
    text_consumer in{client{group_settings(args)}, consumer_config{}, from};
    in.stop_on({SIGINT, SIGTERM});
    in.on_rebalance({.assigned = [&](auto which) { events.print("partitions_assigned", [&](json_writer& line) { write_partitions(line, which); }); },
                     .revoked = [&](auto which) { events.print("partitions_revoked", [&](json_writer& line) { write_partitions(line, which); }); }});
    events.print("startup_complete");
    in.subscribe({from.name()});

    std::int64_t taken = 0;
    const auto failure = each_batch([&] { return in.poll(); }, [&] { return taken < most; }, [&](const text_records& batch) {
        const auto offsets = take(events, batch, most - taken, args.has("verbose"), taken);
        if (!args.has("enable-autocommit")) tell_commit(events, offsets, in.commit(offsets).get());
    });
    events.print("shutdown_requested");
    return shut_down(events, in, failure);
}

}  // namespace
}  // namespace verifiable_consumer_tool

extern const tool verifiable_consumer;
constinit const tool verifiable_consumer{"verifiable-consumer", "Read as a member of a group and print JSON lines of what happens, for system tests.", verifiable_consumer_tool::options, {}, {}, {}, verifiable_consumer_tool::run};

}  // namespace weir::tools
