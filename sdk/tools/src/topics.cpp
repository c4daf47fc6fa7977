// weir topics: topics and their partitions.
#include "common_options.hpp"
#include "connect.hpp"
#include "numbers.hpp"
#include "output.hpp"
#include "topics/describe.hpp"

#include <weir/admin.hpp>
#include <weir/base/split_list.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <set>

namespace weir::tools {

namespace topics_tool {
namespace {

constexpr option options[] = {
    bootstrap_server.required(),
    command_config,
    flag("create", "Create a topic."),
    flag("delete", "Delete topics."),
    flag("describe", "Show the partitions, replicas and settings of topics."),
    flag("list", "Print the names of topics."),
    flag("alter", "Change the number of partitions. (weir configs changes settings.)"),
    value("topic", "name", "The topic; except with --create a regular expression: escape its symbols with a backslash, as in \"my\\.topic\"."),
    value("topic-id", "id", "The topic to describe, by its id."),
    value("partitions", "count", "With --create and --alter: how many partitions there shall be; the cluster's default otherwise. More partitions "
                                 "send the records of a key elsewhere."),
    value("replication-factor", "count", "With --create: how many replicas each partition gets; the cluster's default otherwise."),
    value("replica-assignment", "b1:b2,b3:b4,...", "With --create and --alter: the brokers of each partition, instead of the two numbers."),
    value("config", "name=value", "With --create: a setting of the topic.").repeatable(),
    value("delete-config", "name", "Not supported since Kafka 4.0: use weir configs.").repeatable(),
    flag("if-exists", "With --alter, --delete and --describe: it is no error when there is no such topic."),
    flag("if-not-exists", "With --create: it is no error when the topic is there already."),
    flag("exclude-internal", "Leave out the cluster's own topics, which begin with __."),
    flag("topics-with-overrides", "With --describe: only topics with settings of their own."),
    flag("under-replicated-partitions", "With --describe: only partitions with replicas that are not in sync."),
    flag("unavailable-partitions", "With --describe: only partitions without a leader."),
    flag("under-min-isr-partitions", "With --describe: only partitions with fewer replicas in sync than min.insync.replicas."),
    flag("at-min-isr-partitions", "With --describe: only partitions with exactly min.insync.replicas in sync."),
    value("partition-size-limit-per-response", "count", "With --describe: partitions in one answer of the broker, at most."),
    output_format,
};

[[noreturn]] void fail(errc code, std::string why) { throw exception{error{code, std::move(why)}}; }

void check(const arguments& args) {
    const auto action = args.exactly_one({"list", "describe", "create", "alter", "delete"});
    const auto only_with = [&](std::string_view name, std::initializer_list<std::string_view> actions) {
        if (args.has(name) && std::find(actions.begin(), actions.end(), action) == actions.end())
            throw usage_error{fmt::format("Option \"[{}]\" can't be used with option \"[{}]\"", name, action)};
    };
    if (action == "alter" && args.has("config"))
        throw usage_error{"Option combination \"[[bootstrap-server], [config]]\" can't be used with option \"[alter]\" (To alter topic configurations, the kafka-configs tool can be used.)"};
    only_with("config", {"create"});
    only_with("partitions", {"create", "alter"});
    only_with("replication-factor", {"create"});
    only_with("replica-assignment", {"create", "alter"});
    only_with("topic-id", {"describe"});
    only_with("if-not-exists", {"create"});
    only_with("if-exists", {"alter", "delete", "describe"});
    only_with("exclude-internal", {"list", "describe"});
    only_with("partition-size-limit-per-response", {"describe"});
    only_with("topics-with-overrides", {"describe"});
    for (const auto each : report_options) only_with(each, {"describe"});
    for (const auto each : report_options) args.excludes(each, {"topics-with-overrides", report_options[0], report_options[1], report_options[2], report_options[3]});
    if (action == "create") args.excludes("replica-assignment", {"partitions", "replication-factor"});
    if (action != "list" && action != "describe" && !args.has("topic")) throw usage_error{"Missing required argument \"[topic]\""};
    if (action == "alter" && !args.has("partitions")) throw usage_error{"Missing required argument \"[partitions]\""};
    if (action == "describe" && args.has("if-exists") && !args.has("topic") && !args.has("topic-id"))
        throw usage_error{"--topic or --topic-id is required to describe a topic"};
}

/// Those that occur more than once.
std::set<std::int32_t> twice(const broker_ids& brokers) {
    std::set<std::int32_t> seen, again;
    for (const auto id : brokers)
        if (!seen.insert(id).second) again.insert(id);
    return again;
}

std::vector<broker_ids> replica_assignment(const arguments& args) {
    std::vector<broker_ids> all;
    for (const auto& partition : split_list(args.text("replica-assignment"))) {
        broker_ids brokers;
        for (const auto& each : split_list(partition, ':')) {
            const auto id = parse_id(each);
            if (!id) throw usage_error{"'" + each + "' in --replica-assignment is no broker id"};
            brokers.push_back(*id);
        }
        if (!twice(brokers).empty())
            fail(errc::invalid_replica_assignment, fmt::format("Partition replica lists may not contain duplicate entries: {}", fmt::join(twice(brokers), ",")));
        if (!all.empty() && all.front().size() != brokers.size())
            fail(errc::invalid_replica_assignment, fmt::format("Partition {} has different replication factor: [{}]", all.size(), fmt::join(brokers, ", ")));
        all.push_back(std::move(brokers));
    }
    return all;
}

template <class Outcomes>
void raise_first(const Outcomes& all) {
    if (auto why = all.first_error()) throw exception{why};
}

int create(const admin& at, const invocation& call) {
    const auto& args = call.args;
    new_topic topic;
    topic.name = args.text("topic");
    topic.assignments = replica_assignment(args);
    const auto count = args.number("partitions", std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max());
    if (count && *count < 1) fail(errc::invalid_partitions, "The partitions must be greater than 0");
    const auto replicas = args.number("replication-factor", std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max());
    if (replicas && (*replicas < 1 || *replicas > 32'767)) fail(errc::invalid_replication_factor, "The replication factor must be between 1 and 32767 inclusive");
    if (count) topic.partitions = static_cast<std::int32_t>(*count);
    if (replicas) topic.replication = static_cast<std::int16_t>(*replicas);
    for (auto& [name, setting] : args.pairs("config")) topic.config.extra.set(std::move(name), std::move(setting), "--config");
    if (!call.out.json() && topic.name.find_first_of("._") != std::string::npos)
        call.out.line("WARNING: Due to limitations in metric names, topics with a period ('.') or underscore ('_') could collide. To avoid issues it is "
                      "best to use either, but not both.");
    // A mutation quota that is used up is for whoever runs the tool to wait for, as with Kafka's.
    const auto made = *at.create_topics({topic}, {.retry_on_quota_violation = false}).get();
    const auto& outcome = made.front().outcome;
    if (!outcome) {
        if (outcome.code() == errc::topic_already_exists && args.has("if-not-exists")) return 0;
        throw exception{outcome.error()};
    }
    if (!call.out.json()) {
        call.out.line("Created topic " + topic.name + ".");
        return 0;
    }
    json_writer document;
    document.begin_object();
    document.key("topic");
    document.string(topic.name);
    document.key("topicId");
    document.id(outcome->id);
    document.key("partitionCount");
    document.number(std::int64_t{outcome->partitions});
    document.key("replicationFactor");
    document.number(std::int64_t{outcome->replication});
    document.end_object();
    call.out.line(std::move(document));
    return 0;
}

int remove(const admin& at, const invocation& call) {
    const auto names = existing_topics(at, call.args);
    if (!names.empty()) raise_first(*at.delete_topics(names, {.retry_on_quota_violation = false}).get());
    return 0;
}

int alter(const admin& at, const invocation& call) {
    const auto total = static_cast<std::int32_t>(*call.args.number("partitions", 1, std::numeric_limits<std::int32_t>::max()));
    const auto assignment = replica_assignment(call.args);
    const auto names = existing_topics(at, call.args);
    if (names.empty()) return 0;
    std::vector<new_partitions> wanted;
    const auto described = assignment.empty() ? outcomes<topic_description>{} : *at.describe_topics(names).get();
    for (const auto& name : names) {
        wanted.push_back({name, total, {}});
        // The option lists all partitions, the request only new ones.
        if (const auto* found = described.find(name); found && *found)
            for (auto at_index = (*found)->partitions.size(); at_index < assignment.size(); ++at_index) wanted.back().assignments.push_back(assignment[at_index]);
    }
    raise_first(*at.create_partitions(wanted, {.retry_on_quota_violation = false}).get());
    return 0;
}

int list(const admin& at, const invocation& call) {
    const auto names = chosen_topics(at, call.args);
    if (call.out.json()) {
        json_writer document;
        document.begin_array();
        for (const auto& each : names) document.string(each);
        document.end_array();
        call.out.line(std::move(document));
        return 0;
    }
    call.out.line(fmt::format("{}", fmt::join(names, "\n")));
    return 0;
}

int run(const invocation& call) {
    const auto& args = call.args;
    check(args);
    if (args.has("delete-config")) std::fprintf(stderr, "delete-config option is no longer supported and deprecated since version 4.0. The config will be fully removed in future releases.\n");
    const admin at{connect(args)};
    if (args.has("create")) return create(at, call);
    if (args.has("delete")) return remove(at, call);
    if (args.has("alter")) return alter(at, call);
    if (args.has("list")) return list(at, call);
    return describe_topics(at, call);
}

}  // namespace
}  // namespace topics_tool

extern const tool topics;
constinit const tool topics{"topics", "Create, delete, describe or change topics.", topics_tool::options, {}, {}, {"Error while executing topic command : ", true}, topics_tool::run};

}  // namespace weir::tools
