// weir get-offsets: where partitions begin and end, or are at some time.
#include "common_options.hpp"
#include "connect.hpp"
#include "output.hpp"
#include "partition_filter.hpp"

#include <weir/admin.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace weir::tools {

namespace get_offsets_tool {
namespace {

constexpr option options[] = {
    bootstrap_server.required(),
    command_config,
    value("topic", "name", "A topic, or a regular expression; every topic otherwise."),
    value("partitions", "0,1,...", "These partitions only."),
    value("topic-partitions", "t1:1,t2:0-3,t3,t4:5-,t5:-3", "Topics with partitions: a number, a range without its end, or all. In place of --topic and --partitions."),
    value("time", "when", "latest (-1), earliest (-2), max-timestamp (-3), earliest-local (-4), latest-tiered (-5), earliest-pending-upload (-6), or milliseconds "
                          "since 1970: the first record of that time or later. latest by default."),
    flag("exclude-internal-topics", "Leave out the cluster's own topics."),
    output_format,
};

at::position position_of(std::string_view text) {
    if (text == "latest" || text == "-1") return at::latest;
    if (text == "earliest" || text == "-2") return at::earliest;
    if (text == "max-timestamp" || text == "-3") return at::max_timestamp;
    if (text == "earliest-local" || text == "-4") return at::earliest_local;
    if (text == "latest-tiered" || text == "-5") return at::latest_tiered;
    if (text == "earliest-pending-upload" || text == "-6") return at::earliest_pending_upload;
    const auto time = parse_number(text);
    if (!time)
        throw exception{error{errc::invalid_setting, fmt::format("Malformed time argument {}. Please use -1 or latest / -2 or earliest / -3 or max-timestamp / -4 or "
                                                                 "earliest-local / -5 or latest-tiered / -6 or earliest-pending-upload, or a specified long format timestamp", text)}};
    return at::time(timestamp{duration{*time}});
}

int run(const invocation& call) {
    const auto& args = call.args;
    if (args.has("topic-partitions") && (args.has("topic") || args.has("partitions")))
        throw exception{error{errc::invalid_request, "--topic-partitions cannot be used with --topic or --partitions"}};
    const auto where = position_of(args.text("time", "latest"));
    const auto filter = args.has("topic-partitions") ? partition_filter::of_rules(args.text("topic-partitions"))
                                                     : partition_filter::of_topic(args.text("topic", ".*"), args.text("partitions"));
    const admin at{connect(args, "GetOffsetShell")};
    list_topics_options listing;
    listing.internal = !args.has("exclude-internal-topics");
    std::vector<std::string> names;
    for (const auto& each : *at.list_topics(listing).get())
        if (filter.matches(each.name)) names.push_back(each.name);
    std::map<topic_partition, at::position> wanted;
    if (!names.empty())
        for (const auto& [name, topic] : *at.describe_topics(names).get())
            for (const auto& each : (*topic).partitions)
                if (filter.matches(name, each.id)) wanted.emplace(topic_partition{name, each.id}, where);
    if (wanted.empty()) throw exception{error{errc::unknown_topic_or_partition, "Could not match any topic-partitions with the specified filters"}};

    const auto offsets = *at.list_offsets(wanted).get();
    // Kafka's order is that of "topic-partition" as text.
    std::map<std::string, std::pair<topic_partition, listed_offset>> found;
    for (const auto& [partition, outcome] : offsets) {
        if (!outcome) std::fprintf(stderr, "Skip getting offsets for topic-partition %s due to error: %s\n", to_string(partition).c_str(), outcome.error().message().c_str());
        else if (outcome->offset >= 0) found.emplace(to_string(partition), std::pair{partition, *outcome});
    }
    table offsets_table{{{"TOPIC", "topic"}, {"PARTITION", "partition", true}, {"OFFSET", "offset", true}}};
    for (const auto& [text, each] : found) {
        if (call.out.json()) offsets_table.row({each.first.topic, std::to_string(each.first.partition), std::to_string(each.second.offset)});
        else call.out.line(fmt::format("{}:{}:{}", each.first.topic, each.first.partition, each.second.offset));
    }
    if (call.out.json()) offsets_table.print(call.out);
    return 0;
}

}  // namespace
}  // namespace get_offsets_tool

extern const tool get_offsets;
constinit const tool get_offsets{"get-offsets", "Print offsets of partitions: their ends, their beginnings, or those of a time.", get_offsets_tool::options, {}, {}, {"Error occurred: "}, get_offsets_tool::run};

}  // namespace weir::tools
