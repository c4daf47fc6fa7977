// weir console-share-consumer: takes records of a share group and prints them.
#include "common_options.hpp"
#include "connect.hpp"
#include "console/reading.hpp"

#include <weir/share_consumer.hpp>

#include <csignal>

namespace weir::tools {

namespace console_share_consumer_tool {
namespace {

constexpr option options[] = {
    bootstrap_server.required(),
    command_config,
    value("command-property", "name=value", "A setting of the client.").repeatable(),
    value("topic", "name", "The topic to read."),
    value("group", "id", "The share group; console-share-consumer by default."),
    value("max-messages", "count", "End after this many records; the others go back to the group."),
    value("timeout-ms", "ms", "End when no record has come for this long."),
    flag("release", "Give each record back after it was printed, for another try. Records are accepted otherwise."),
    flag("reject", "Reject each record after it was printed: nobody gets it again."),
    flag("reject-message-on-error", "Reject records that cannot be printed, and go on."),
    formatter_class,
    formatter_property,
    formatter_config,
    key_deserializer,
    value_deserializer,
    flag("enable-systest-events", "Print shutdown_complete at the end."),
    output_format,
    value("property", "name=value", "").repeatable().instead("formatter-property"),
    value("consumer-property", "name=value", "").repeatable().instead("command-property"),
    value("consumer-config", "file", "").instead("command-config"),
};

properties share_settings(const arguments& args) {
    auto settings = client_settings(args, "console-share-consumer", {"command-property"});
    set_group(args, settings);
    if (!settings.find("group.id")) settings.set("group.id", "console-share-consumer");
    return settings;
}

int run(const invocation& call) {
    const auto& args = call.args;
    if (!args.has("topic")) throw usage_error{"--topic is a required argument"};
    if (args.has("release") && args.has("reject")) throw usage_error{"At most one of --reject and --release may be specified."};
    const auto verdict = args.has("release") ? acknowledgement::release : args.has("reject") ? acknowledgement::reject : acknowledgement::accept;
    auto formatter = make_formatter(args);
    const auto until = limits_of(args);
    std::signal(SIGPIPE, SIG_IGN);

    const client on{share_settings(args)};
    share_consumer_config config;
    config.explicit_ack = true;  // what was not printed goes back
    const topic<bytes_view, bytes_view> from{std::string{args.text("topic")}};
    using bytes_consumer = share_consumer<bytes_view, bytes_view>;
    bytes_consumer in{on, std::move(config), from};
    in.stop_on({SIGINT, SIGTERM});

    std::int64_t count = 0;
    std::vector<const bytes_consumer::record_type*> printed_ones;
    const auto failure = take_records(in, until, call.out, count, [&](const auto& each) -> error {
        const bool goes_on = args.has("reject-message-on-error");
        const auto printed = print_or_tell(formatter, {each.info, each.key, each.value, each.delivery_count()}, call.out, goes_on ? ", rejecting this message" : "");
        if (printed) printed_ones.push_back(&each);
        else if (goes_on) each.reject();
        else return printed.error();
        return {};
    }, [&] {
        for (const auto* each : printed_ones) each->loan.decide(verdict);
        printed_ones.clear();
    });
    static_cast<void>(in.close().get());
    return end_of_records(args, call.out, count, failure);
}

}  // namespace
}  // namespace console_share_consumer_tool

extern const tool console_share_consumer;
constinit const tool console_share_consumer{"console-share-consumer", "Take records of a share group and print them.", console_share_consumer_tool::options, {}, {}, {}, console_share_consumer_tool::run};

}  // namespace weir::tools
