// weir delete-records: cuts off the oldest records of partitions.
#include "common_options.hpp"
#include "connect.hpp"
#include "output.hpp"
#include "partition_file.hpp"

#include <weir/admin.hpp>

#include <fmt/format.h>

namespace weir::tools {
namespace delete_records_tool {
namespace {

constexpr option options[] = {
    bootstrap_server.required(),
    command_config,
    value("offset-json-file", "file", "What is to go: {\"version\":1,\"partitions\":[{\"topic\":\"t\",\"partition\":0,\"offset\":7}]}; an offset of -1 is the high watermark.").required(),
    output_format,
};

int run(const invocation& call) {
    std::map<topic_partition, std::int64_t> before;
    for (const auto& each : read_partitions(std::string{call.args.text("offset-json-file")})) {
        if (!each.offset) throw usage_error{fmt::format("{} has no offset in the file", to_string(each.where))};
        if (!before.emplace(each.where, *each.offset).second) throw usage_error{fmt::format("Offset json file contains duplicate topic partitions: {}", to_string(each.where))};
    }
    const admin at{connect(call.args, "delete-records")};
    table all{{{"TOPIC", "topic"}, {"PARTITION", "partition", true}, {"LOW-WATERMARK", "lowWatermark", true}, {"ERROR", "error"}}};
    if (!call.out.json()) call.out.line("Executing records delete operation");
    const auto answers = *at.delete_records(before).get();
    if (!call.out.json()) call.out.line("Records delete operation completed:");
    for (const auto& [where, outcome] : answers) {
        if (call.out.json()) all.row({where.topic, std::to_string(where.partition), outcome ? std::to_string(*outcome) : "-", outcome ? "" : sentence(outcome.error())});
        else if (outcome) call.out.line(fmt::format("partition: {}\tlow_watermark: {}", to_string(where), *outcome));
        else call.out.line(fmt::format("partition: {}\terror: {}", to_string(where), sentence(outcome.error())));
    }
    if (call.out.json()) all.print(call.out);
    return answers ? 0 : 1;
}

}  // namespace
}  // namespace delete_records_tool

extern const tool delete_records;
constinit const tool delete_records{"delete-records", "Cut off the oldest records of partitions.", delete_records_tool::options, {}, {}, {"Error: ", false}, delete_records_tool::run};

}  // namespace weir::tools
