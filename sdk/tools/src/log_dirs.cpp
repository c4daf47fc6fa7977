// weir log-dirs: which replicas lie in which directory, and how large they are.
#include "common_options.hpp"
#include "connect.hpp"
#include "numbers.hpp"
#include "output.hpp"

#include <weir/admin.hpp>
#include <weir/base/split_list.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace weir::tools {

namespace log_dirs_tool {
namespace {

constexpr option options[] = {
    bootstrap_server.required(),
    command_config,
    flag("describe", "Show the log directories.").required(),
    value("broker-list", "0,1,...", "Of these brokers; of all otherwise."),
    value("topic-list", "t1,t2,...", "Replicas of these topics; of all otherwise."),
    output_format,
};

void write_directory(json_writer& into, const log_dir& directory, const std::vector<std::string>& topics) {
    into.begin_object();
    into.key("partitions");
    into.begin_array();
    for (const auto& [where, size] : directory.replicas) {
        if (!topics.empty() && std::find(topics.begin(), topics.end(), where.topic) == topics.end()) continue;
        into.begin_object();
        into.key("partition");
        into.string(to_string(where));
        into.key("size");
        into.number(size.bytes);
        into.key("offsetLag");
        into.number(size.lag);
        into.key("isFuture");
        into.boolean(size.future);
        into.end_object();
    }
    into.end_array();
    into.key("error");
    if (directory.failure) into.string(directory.failure.message());
    else into.null();
    into.key("logDir");
    into.string(directory.path);
    into.end_object();
}

int run(const invocation& call) {
    const auto& args = call.args;
    const admin at{connect(args, "log-dirs-tool")};
    broker_ids there, asked, missing;
    for (const auto& each : (*at.describe_cluster().get()).nodes) there.push_back(each.id);
    for (const auto& each : split_list(args.text("broker-list"))) {
        const auto id = parse_id(each);
        if (!id) throw usage_error{"'" + each + "' in --broker-list is no broker id"};
        asked.push_back(*id);
        if (std::find(there.begin(), there.end(), asked.back()) == there.end()) missing.push_back(asked.back());
    }
    if (!missing.empty())
        throw exception{error{errc::broker_not_available, fmt::format("ERROR: The given brokers do not exist from --broker-list: {}. Current existent brokers: {}",
                                                                      fmt::join(missing, ","), fmt::join(there, ","))}};
    if (asked.empty()) asked = there;
    if (!call.out.json()) call.out.line("Querying brokers for log directories information");
    const auto answers = *at.describe_log_dirs(asked).get();
    if (auto why = answers.first_error()) throw exception{why};
    if (!call.out.json()) call.out.line(fmt::format("Received log directory information from brokers {}", fmt::join(asked, ",")));
    json_writer document;
    document.begin_object();
    document.key("brokers");
    document.begin_array();
    const auto topics = split_list(args.text("topic-list"));
    for (const auto& [broker, directories] : answers) {
        document.begin_object();
        document.key("broker");
        document.number(std::int64_t{broker});
        document.key("logDirs");
        document.begin_array();
        for (const auto& each : *directories) write_directory(document, each, topics);
        document.end_array();
        document.end_object();
    }
    document.end_array();
    document.key("version");
    document.number(std::int64_t{1});
    document.end_object();
    call.out.line(std::move(document));
    return 0;
}

}  // namespace
}  // namespace log_dirs_tool

extern const tool log_dirs;
constinit const tool log_dirs{"log-dirs", "Show which replicas lie in which log directory of a broker, and how large they are.", log_dirs_tool::options, {}, {}, {}, log_dirs_tool::run};

}  // namespace weir::tools
