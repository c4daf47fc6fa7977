// weir console-share-consumer: takes records of a share group and prints them.
#include "common_options.hpp"
#include "connect.hpp"
#include "console/formatting.hpp"

#include <weir/share_consumer.hpp>

#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <limits>

namespace weir::tools {

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
    const auto most = args.number_or("max-messages", -1, -1, std::numeric_limits<std::int64_t>::max());
    const auto idle = args.number_or("timeout-ms", -1, -1, std::numeric_limits<std::int32_t>::max());
    std::signal(SIGPIPE, SIG_IGN);

    const client on{share_settings(args)};
    share_consumer_config config;
    config.explicit_ack = true;  // what was not printed goes back
    const topic<bytes_view, bytes_view> from{std::string{args.text("topic")}};
    share_consumer<bytes_view, bytes_view> in{on, std::move(config), from};
    in.stop_on({SIGINT, SIGTERM});

    std::int64_t count = 0;
    error failure;
    while ((most < 0 || count < most) && !failure && !call.out.failed()) {
        auto batch = in.poll(idle >= 0 ? duration{idle} : duration::max()).get();
        if (!batch) {
            if (batch.code() != errc::closed) failure = batch.error();
            break;
        }
        if (batch->empty() && idle >= 0) break;
        for (const auto& each : *batch) {
            if (most >= 0 && count >= most) break;
            ++count;
            const auto printed = formatter.print({each.info, each.key, each.value, each.delivery_count()}, call.out);
            if (printed) {
                each.loan.decide(verdict);
                continue;
            }
            const auto why = error{printed.code(), fmt::format("{}-{} at offset {}: {}", each.info.topic, each.info.partition, each.info.offset, printed.error().what())};
            std::fprintf(stderr, "Error processing message%s: %s\n", args.has("reject-message-on-error") ? ", rejecting this message" : "", why.message().c_str());
            if (args.has("reject-message-on-error")) {
                each.reject();
            } else {
                failure = why;
                break;
            }
        }
        call.out.flush();
    }
    if (call.out.failed()) std::fprintf(stderr, "Unable to write to standard out, closing consumer.\n");
    static_cast<void>(in.close().get());
    std::fprintf(stderr, "Processed a total of %lld messages\n", static_cast<long long>(count));
    if (args.has("enable-systest-events")) call.out.line("shutdown_complete");
    if (failure && failure.code() != errc::malformed) std::fprintf(stderr, "%s\n", failure.message().c_str());
    return failure ? 1 : 0;
}

}  // namespace

extern const tool console_share_consumer;
constinit const tool console_share_consumer{"console-share-consumer", "Take records of a share group and print them.", options, {}, {}, {}, run};

}  // namespace weir::tools
