// weir console-producer: each line of standard input becomes a record.
#include "common_options.hpp"
#include "connect.hpp"
#include "console/input_lines.hpp"
#include "console/line_reader.hpp"
#include "output.hpp"

#include <weir/producer.hpp>

#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <limits>
#include <mutex>

namespace weir::tools {

namespace console_producer_tool {
namespace {

constexpr option options[] = {
    bootstrap_server.required(),
    command_config,
    value("command-property", "name=value", "A setting of the client.").repeatable(),
    value("topic", "name", "The topic to write to.").required(),
    value("reader-property", "name=value", "How lines are read: parse.key, key.separator (tab), parse.headers, headers.delimiter (tab), headers.separator (,), "
                                           "headers.key.separator (:), null.marker, ignore.error. A line is headers, key, value.").repeatable(),
    value("reader-config", "file", "A properties file with the same; --reader-property wins."),
    value("line-reader", "class", "Only Kafka's LineMessageReader is built in."),
    flag("sync", "Wait for each record before the next one is read."),
    maybe_value("compression-codec", "codec", "none, gzip, snappy, lz4 or zstd; gzip when the option stands alone."),
    value("request-required-acks", "acks", "acks: all (-1), 1 or 0."),
    value("batch-size", "bytes", "batch.size"),
    value("timeout", "ms", "linger.ms"),
    value("request-timeout-ms", "ms", "request.timeout.ms"),
    value("message-send-max-retries", "count", "retries"),
    value("retry-backoff-ms", "ms", "retry.backoff.ms"),
    value("max-block-ms", "ms", "max.block.ms"),
    value("max-memory-bytes", "bytes", "buffer.memory"),
    value("metadata-expiry-ms", "ms", "metadata.max.age.ms"),
    value("socket-buffer-size", "bytes", "send.buffer.bytes"),
    value("property", "name=value", "").repeatable().instead("reader-property"),
    value("producer-property", "name=value", "").repeatable().instead("command-property"),
    value("producer.config", "file", "").instead("command-config"),
    value("max-partition-memory-bytes", "bytes", "").instead("batch-size"),
};

/// Options that are settings under another name.
constexpr std::pair<std::string_view, std::string_view> setting_options[] = {
    {"request-required-acks", "acks"}, {"batch-size", "batch.size"}, {"timeout", "linger.ms"}, {"request-timeout-ms", "request.timeout.ms"},
    {"message-send-max-retries", "retries"}, {"retry-backoff-ms", "retry.backoff.ms"}, {"max-block-ms", "max.block.ms"}, {"max-memory-bytes", "buffer.memory"},
    {"metadata-expiry-ms", "metadata.max.age.ms"}, {"socket-buffer-size", "send.buffer.bytes"},
};

properties producer_settings(const arguments& args) {
    auto settings = client_settings(args, "console-producer", {"command-property"});
    if (args.has("compression-codec")) settings.set("compression.type", std::string{args.text("compression-codec", "gzip")}, "--compression-codec");
    for (const auto& [option, name] : setting_options)
        if (args.has(option)) settings.set(std::string{name}, std::string{args.text(option)}, "--" + std::string{option});
    return settings;
}

line_reader make_reader(const arguments& args) {
    std::vector<std::pair<std::string, std::string>> how;
    if (args.has("reader-config"))
        for (const auto& each : read_properties(args.text("reader-config"))) how.emplace_back(each.name, each.value);
    for (auto& each : args.pairs("reader-property")) how.push_back(std::move(each));
    if (const auto name = args.text("line-reader"); !name.empty() && !name.ends_with("LineMessageReader"))
        throw exception{error{errc::invalid_setting, "there is no line reader '" + std::string{name} + "' here: LineMessageReader is; Java classes cannot be loaded"}};
    return *line_reader::make(how);
}

bytes_view as_field(const std::optional<std::string_view>& part) {
    static constexpr std::byte nothing{};
    if (!part) return {};
    return part->empty() ? bytes_view{&nothing, 0} : as_bytes(*part);
}

int run(const invocation& call) {
    const auto& args = call.args;
    auto reader = make_reader(args);
    const topic<bytes_view, bytes_view> to{std::string{args.text("topic")}};
    std::atomic<bool> lost = false;
    producer_config config;
    const auto tell = [&](const error& why) {
        lost = true;
        std::fprintf(stderr, "Error when sending message to topic %s: %s\n", to.name().c_str(), why.message().c_str());
    };
    config.on_lost = tell;
    producer out{client{producer_settings(args)}, std::move(config)};
    const bool prompt = ::isatty(STDIN_FILENO) && ::isatty(STDOUT_FILENO);
    input_lines lines{stdin, "standard input"};
    error unread;
    for (;;) {
        if (prompt) {
            call.out.print(">");
            call.out.flush();
        }
        const auto line = lines.next();
        unread = line.error();
        if (!line || !*line) break;
        const auto read = *reader.read(**line);
        send_options how;
        for (const auto& [name, value] : read.headers)
            how.headers.push_back({std::string{name}, value ? std::optional{to_bytes(*value)} : std::nullopt});
        auto sent = out.send(to, as_field(read.key), as_field(read.value), how);
        if (args.has("sync")) *sent.get();
        if (args.has("sync") || !sent.ready()) continue;
        // What never was in a batch is told here, not by on_lost.
        const auto outcome = sent.get();
        if (hopeless(outcome.error())) throw exception{outcome.error()};
        if (!outcome) tell(outcome.error());
    }
    // What was lost has been told, but for the last batches.
    if (const auto closed = out.close().get(); !closed && !lost) throw exception{closed.error()};
    if (unread) throw exception{unread};
    return lost ? 1 : 0;
}

}  // namespace
}  // namespace console_producer_tool

extern const tool console_producer;
constinit const tool console_producer{"console-producer", "Send the lines of standard input to a topic, each as a record.", console_producer_tool::options, {}, {}, {}, console_producer_tool::run};

}  // namespace weir::tools
