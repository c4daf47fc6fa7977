// weir dump-log: what is in the files of a log directory, Kafka's or ours.
#include "arguments.hpp"
#include "common_options.hpp"
#include "dump_log/index_dump.hpp"

#include <weir/base/posix_files.hpp>
#include <weir/base/split_list.hpp>

#include <algorithm>
#include <cstdio>
#include <limits>

namespace weir::tools {

namespace dump_log_tool {
namespace {

constexpr option options[] = {
    value("files", "file1,file2,...", "The files to print: .log, .checkpoint, .index, .timeindex, .txnindex, .snapshot.").required(),
    flag("print-data-log", "Print keys and values too. Any decoder option does so by itself."),
    flag("deep-iteration", "Print each record, not only batches. --print-data-log does so by itself."),
    flag("skip-record-metadata", "Leave out what belongs to no key or value, and control records."),
    value("max-bytes", "bytes", "Stop after this much of each log."),
    value("max-message-size", "bytes", "The size of the largest batch that an index is checked with."),
    flag("verify-index-only", "Compare indexes with their logs without printing them."),
    flag("index-sanity-check", "Check only what a broker checks when it starts."),
    maybe_value("key-decoder-class", "decoder", "How keys are shown: string, integer, long, bytes, ... (or the name of Kafka's class)."),
    maybe_value("value-decoder-class", "decoder", "How values are shown."),
    flag("offsets-decoder", "The log is of __consumer_offsets."),
    flag("transaction-log-decoder", "The log is of __transaction_state."),
    flag("cluster-metadata-decoder", "The log or snapshot is of __cluster_metadata."),
    flag("remote-log-metadata-decoder", "The log is of __remote_log_metadata."),
    flag("share-group-state-decoder", "The log is of __share_group_state."),
    output_format,
};

record_kind kind_of(const arguments& args) {
    if (args.has("offsets-decoder")) return record_kind::offsets;
    if (args.has("transaction-log-decoder")) return record_kind::transactions;
    if (args.has("cluster-metadata-decoder")) return record_kind::cluster_metadata;
    if (args.has("remote-log-metadata-decoder")) return record_kind::remote_log_metadata;
    if (args.has("share-group-state-decoder")) return record_kind::share_state;
    return record_kind::plain;
}

int run(const invocation& call) {
    const auto& args = call.args;
    constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
    log_dump_settings log;
    log.decoder = {kind_of(args), *value_form_named(args.text("key-decoder-class", "string")), *value_form_named(args.text("value-decoder-class", "string"))};
    log.print_data = args.has("print-data-log") || args.has("key-decoder-class") || args.has("value-decoder-class") || log.decoder.kind != record_kind::plain;
    log.deep = args.has("deep-iteration") || log.print_data;
    log.skip_record_metadata = args.has("skip-record-metadata");
    if (const auto limit = args.number("max-bytes", 0, most); limit && *limit < most) log.max_bytes = static_cast<std::uint64_t>(*limit);
    const index_dump_settings index{args.has("index-sanity-check"), args.has("verify-index-only"),
                                    static_cast<std::uint64_t>(args.number_or("max-message-size", 5 << 20, 1, most))};

    const auto files = make_posix_files();
    findings wrong;
    const auto dump = [&](file_system& in, const std::string& path) -> result<void> {
        const std::string_view suffix = std::string_view{path}.substr(std::min(path.find_last_of('.'), path.size()));
        if (suffix == ".log" || suffix == ".checkpoint") return dump_log_file(in, path, log, call.out, wrong);
        if (suffix == ".index") return dump_offset_index(in, path, index, call.out, wrong);
        if (suffix == ".timeindex") return dump_time_index(in, path, index, call.out, wrong);
        if (suffix == ".txnindex") return dump_transaction_index(in, path, call.out);
        if (suffix == ".snapshot") return dump_producer_snapshot(in, path, call.out);
        std::fprintf(stderr, "Ignoring unknown file %s\n", path.c_str());
        return {};
    };
    for (const auto& path : split_list(args.text("files"))) {
        if (!call.out.json()) call.out.line("Dumping " + path);
        if (const auto dumped = dump(*files, path); !dumped) throw exception{dumped.error()};
    }
    call.out.flush();
    for (const auto& each : wrong) std::fprintf(stderr, "%s\n", each.c_str());
    return 0;
}

}  // namespace
}  // namespace dump_log_tool

extern const tool dump_log;
constinit const tool dump_log{"dump-log", "Print what is in the files of a log directory: segments, indexes, snapshots.", dump_log_tool::options, {}, {}, {}, dump_log_tool::run};

}  // namespace weir::tools
