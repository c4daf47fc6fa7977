// weir verifiable-producer: sends counting values and tells of each, for system tests.
#include "common_options.hpp"
#include "connect.hpp"
#include "perf/event_lines.hpp"

#include <weir/producer.hpp>

#include <atomic>
#include <csignal>
#include <limits>
#include <memory>

namespace weir::tools {

namespace verifiable_producer_tool {
namespace {

constexpr option options[] = {
    bootstrap_server,
    command_config,
    value("topic", "name", "The topic to write to.").required(),
    value("max-messages", "count", "How many records to send; -1, the default: until a signal."),
    value("throughput", "rate", "Records a second; -1, the default: as fast as possible."),
    value("acks", "acks", "0, 1 or -1, the default: all replicas in sync."),
    value("message-create-time", "ms", "The time of the first record; later ones move with the clock. The present by default."),
    value("value-prefix", "number", "Values are PREFIX.0, PREFIX.1, ..."),
    value("repeating-keys", "count", "Keys are 0, 1, ... and begin again after this many; none by default."),
    value("producer.config", "file", "").instead("command-config"),
};

std::atomic<bool> stopping{false};

struct counters {
    std::atomic<std::int64_t> acked{0};
    std::atomic<bool> lost{false};  ///< there is no hope for any record
};

void tell(event_lines& events, counters& all, const std::string& topic, const std::optional<std::string>& key, const std::string& value, const result<record_metadata>& outcome) {
    if (outcome) {
        ++all.acked;
        events.print("producer_send_success", [&](json_writer& line) {
            write_text(line, "key", key);
            write_text(line, "value", value);
            write_number(line, "offset", outcome->offset);
            write_text(line, "topic", outcome->topic);
            write_number(line, "partition", outcome->partition);
        });
        return;
    }
    if (hopeless(outcome.error())) all.lost = true;
    events.print("producer_send_error", [&](json_writer& line) {
        write_text(line, "key", key);
        write_text(line, "value", value);
        write_text(line, "topic", topic);
        write_text(line, "exception", std::string{describe(outcome.code()).name});
        write_text(line, "message", outcome.error().message());
    });
}

int run(const invocation& call) {
    const auto& args = call.args;
    constexpr auto most = std::numeric_limits<std::int64_t>::max();
    const auto count = args.number_or("max-messages", -1, -1, most);
    const auto rate = args.number_or("throughput", -1, -1, most);
    const auto keys = args.number("repeating-keys", 1, most);
    const auto create_time = args.number_or("message-create-time", -1, -1, most);
    const topic<std::optional<std::string>, std::string> to{std::string{args.text("topic")}};

    auto settings = client_settings(args, "verifiable-producer");
    if (!settings.find("acks")) settings.set("acks", std::string{args.text("acks", "-1")}, "--acks");
    producer out{client{settings}, producer_config{}};
    const auto events = std::make_shared<event_lines>(call.out);
    const auto all = std::make_shared<counters>();
    for (const int each : {SIGINT, SIGTERM}) std::signal(each, [](int) { stopping = true; });

    const auto started = events->time().wall_now();
    events->print("startup_complete");
    pacer pace{events->time(), static_cast<double>(rate)};
    std::int64_t sent = 0;
    for (; (count < 0 || sent < count) && !stopping && !all->lost; ++sent) {
        const auto key = keys ? std::optional{std::to_string(sent % *keys)} : std::nullopt;
        const auto value = args.has("value-prefix") ? std::string{args.text("value-prefix")} + "." + std::to_string(sent) : std::to_string(sent);
        send_options how;
        if (create_time >= 0) how.time = timestamp{duration{create_time + events->time().wall_now() - started}};
        out.send(to, key, value, how).then([events, all, name = to.name(), key, value](result<record_metadata> outcome) { tell(*events, *all, name, key, value, outcome); });
        pace.after(sent + 1);
    }
    static_cast<void>(out.close().get());
    events->print("shutdown_complete");
    const auto elapsed = std::max<std::int64_t>(1, events->time().wall_now() - started);
    events->print("tool_data", [&](json_writer& line) {
        write_number(line, "sent", sent);
        write_number(line, "acked", all->acked);
        write_number(line, "target_throughput", rate);
        line.key("avg_throughput");
        line.number(1'000.0 * static_cast<double>(all->acked) / static_cast<double>(elapsed));
    });
    return all->lost ? 1 : 0;
}

}  // namespace
}  // namespace verifiable_producer_tool

extern const tool verifiable_producer;
constinit const tool verifiable_producer{"verifiable-producer", "Send counting values and print a JSON line for each, for system tests.", verifiable_producer_tool::options, {}, {}, {}, verifiable_producer_tool::run};

}  // namespace weir::tools
