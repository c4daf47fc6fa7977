// weir verifiable-share-consumer: reads as a member of a share group and tells what happens, for system tests.
#include "common_options.hpp"
#include "connect.hpp"
#include "perf/verifiable.hpp"

#include <weir/admin.hpp>
#include <weir/share_consumer.hpp>

#include <atomic>
#include <csignal>
#include <limits>
#include <map>
#include <set>

namespace weir::tools {

namespace verifiable_share_consumer_tool {
namespace {

constexpr option options[] = {
    bootstrap_server,
    command_config,
    value("topic", "name", "The topic to read.").required(),
    value("group-id", "id", "The share group.").required(),
    value("max-messages", "count", "End when this many were acknowledged; -1, the default: at a signal."),
    value("acknowledgement-mode", "mode", "How records are acknowledged: with the next poll (the default), or by a commit of their own that is waited for or not.").one_of("auto|sync|async"),
    value("offset-reset-strategy", "where", "Where the group begins without an offset: its share.auto.offset.reset is set to this first.").one_of("earliest|latest"),
    flag("verbose", "Print each record, too."),
};

constexpr duration poll_timeout{5'000};

using text_topic = topic<std::optional<std::string>, std::optional<std::string>>;
using text_consumer = share_consumer<std::optional<std::string>, std::optional<std::string>>;
using offsets_of = std::map<topic_partition, std::set<std::int64_t>>;

void write_offsets(json_writer& line, const offsets_of& all) {
    line.key("partitions");
    line.begin_array();
    for (const auto& [where, offsets] : all) {
        line.begin_object();
        write_text(line, "topic", where.topic);
        write_number(line, "partition", where.partition);
        write_number(line, "count", static_cast<std::int64_t>(offsets.size()));
        line.key("offsets");
        line.begin_array();
        for (const auto each : offsets) line.number(each);
        line.end_array();
        line.end_object();
    }
    line.end_array();
}

void tell_records(event_lines& events, const std::vector<text_consumer::record_type>& batch, bool verbose) {
    offsets_of all;
    for (const auto& each : batch) {
        all[{std::string{each.info.topic}, each.info.partition}].insert(each.info.offset);
        if (verbose) tell_record(events, each);
    }
    events.print("records_consumed", [&](json_writer& line) {
        write_number(line, "count", static_cast<std::int64_t>(batch.size()));
        write_offsets(line, all);
    });
}

/// How many counted.
std::int64_t tell_verdicts(event_lines& events, const std::vector<acknowledged>& verdicts) {
    offsets_of all;
    std::int64_t count = 0;
    error why;
    for (const auto& each : verdicts) {
        for (auto offset = each.first; offset <= each.last; ++offset) all[each.where].insert(offset);
        count += each.last - each.first + 1;
        if (each.why && !why) why = each.why;
    }
    events.print("offsets_acknowledged", [&](json_writer& line) {
        write_number(line, "count", count);
        write_offsets(line, all);
        if (why) write_text(line, "error", why.message());
        line.key("success");
        line.boolean(!why);
    });
    return why ? 0 : count;
}

void begin_group_at(const client& on, const std::string& group, std::string_view where) {
    const config_alteration change{{config_kind::group, group}, {{"share.auto.offset.reset", std::string{where}}}};
    const auto changed = *admin{on}.incremental_alter_configs({change}).get();
    if (auto why = changed.first_error()) throw exception{std::move(why)};
}

int run(const invocation& call) {
    const auto& args = call.args;
    const auto most = args.number_or("max-messages", -1, -1, std::numeric_limits<std::int32_t>::max());
    const auto mode = args.text("acknowledgement-mode", "auto");
    auto settings = client_settings(args, "verifiable-share-consumer");
    settings.set("group.id", std::string{args.text("group-id")}, "--group-id");
    const client on{settings};
    const text_topic from{std::string{args.text("topic")}};
    event_lines events{call.out};
    events.print("startup_complete");
    if (const auto where = args.text("offset-reset-strategy"); !where.empty()) {
        begin_group_at(on, std::string{args.text("group-id")}, where);
        events.print("offset_reset_strategy_set", [&](json_writer& line) { write_text(line, "offsetResetStrategy", std::string{where}); });
    }

    std::atomic<std::int64_t> counted{0};
    share_consumer_config config;
    config.on_acknowledged = [&](const std::vector<acknowledged>& verdicts) { counted += tell_verdicts(events, verdicts); };
    text_consumer in{on, std::move(config), from};
    in.stop_on({SIGINT, SIGTERM});
    const auto failure = each_batch([&] { return in.poll(poll_timeout); }, [&] { return most < 0 || counted < most; }, [&](const auto& batch) {
        tell_records(events, batch, args.has("verbose"));
        if (mode == "auto") return;
        auto committing = in.commit();
        if (mode == "sync") static_cast<void>(committing.get());  // what failed is told as verdicts are
    });
    return shut_down(events, in, failure);
}

}  // namespace
}  // namespace verifiable_share_consumer_tool

extern const tool verifiable_share_consumer;
constinit const tool verifiable_share_consumer{"verifiable-share-consumer", "Read as a member of a share group and print JSON lines of what happens, for system tests.", verifiable_share_consumer_tool::options, {}, {}, {}, verifiable_share_consumer_tool::run};

}  // namespace weir::tools
