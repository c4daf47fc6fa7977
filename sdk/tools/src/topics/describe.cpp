#include "describe.hpp"

#include "../output.hpp"
#include "../topic_filter.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <set>

namespace weir::tools {

namespace {

struct description {
    topic_description topic;
    std::vector<config_entry> overrides;
    std::size_t min_in_sync = 1;
    std::map<std::int32_t, reassignment> moving;
};

std::size_t replication_factor(const description& of, const partition_description& partition) {
    const auto moving = of.moving.find(partition.id);
    return moving == of.moving.end() ? partition.replicas.size() : moving->second.replicas.size() - moving->second.adding.size();
}

bool wanted(const arguments& args, const description& of, const partition_description& partition, const std::set<std::int32_t>& live) {
    if (args.has("under-replicated-partitions")) return replication_factor(of, partition) > partition.in_sync.size();
    if (args.has("unavailable-partitions")) return !live.contains(partition.leader);
    if (args.has("under-min-isr-partitions")) return partition.leader < 0 || partition.in_sync.size() < of.min_in_sync;
    if (args.has("at-min-isr-partitions")) return partition.in_sync.size() == of.min_in_sync;
    return true;
}

std::string ids(const std::optional<broker_ids>& of) { return of ? fmt::format("{}", fmt::join(*of, ",")) : "N/A"; }

void print_text(output& out, const arguments& args, const description& of, bool heading, const std::vector<const partition_description*>& partitions) {
    const auto& topic = of.topic;
    if (heading) {
        std::string configs;
        for (const auto& each : of.overrides) configs += fmt::format("{}{}={}", configs.empty() ? "" : ",", each.name, each.value.value_or("null"));
        out.line(fmt::format("Topic: {}{}\tPartitionCount: {}\tReplicationFactor: {}\tConfigs: {}", topic.name,
                             topic.id.is_zero() ? "" : "\tTopicId: " + to_string(topic.id), topic.partitions.size(),
                             topic.partitions.empty() ? 0 : replication_factor(of, topic.partitions.front()), configs));
    }
    if (args.has("topics-with-overrides")) return;
    for (const auto* each : partitions) {
        std::string moving;
        if (const auto found = of.moving.find(each->id); found != of.moving.end())
            moving = fmt::format("\tAdding Replicas: {}\tRemoving Replicas: {}", fmt::join(found->second.adding, ","), fmt::join(found->second.removing, ","));
        const bool behind = each->leader < 0 || each->in_sync.size() < each->replicas.size();
        out.line(painted(out, each->leader < 0 ? colour::red : behind ? colour::yellow : colour::none,
                         fmt::format("\tTopic: {}\tPartition: {}\tLeader: {}\tReplicas: {}\tIsr: {}{}\tElr: {}\tLastKnownElr: {}", topic.name, each->id,
                                     each->leader < 0 ? "none" : std::to_string(each->leader), fmt::join(each->replicas, ","), fmt::join(each->in_sync, ","),
                                     moving, ids(each->eligible_leaders), ids(each->last_known_eligible_leaders))));
    }
}

void write_json(json_writer& into, const description& of, const std::vector<const partition_description*>& partitions) {
    const auto number = [&](std::string_view name, std::int64_t value) {
        into.key(name);
        into.number(value);
    };
    const auto list_ids = [&](std::string_view name, const std::optional<broker_ids>& brokers) {
        into.key(name);
        if (!brokers) return into.null();
        into.begin_array();
        for (const auto id : *brokers) into.number(std::int64_t{id});
        into.end_array();
    };
    into.begin_object();
    into.key("topic");
    into.string(of.topic.name);
    into.key("topicId");
    into.id(of.topic.id);
    number("partitionCount", static_cast<std::int64_t>(of.topic.partitions.size()));
    number("replicationFactor", of.topic.partitions.empty() ? 0 : static_cast<std::int64_t>(replication_factor(of, of.topic.partitions.front())));
    into.key("configs");
    into.begin_object();
    for (const auto& each : of.overrides) {
        into.key(each.name);
        if (each.value) into.string(*each.value);
        else into.null();
    }
    into.end_object();
    into.key("partitions");
    into.begin_array();
    for (const auto* each : partitions) {
        into.begin_object();
        number("partition", each->id);
        into.key("leader");
        if (each->leader < 0) into.null();
        else into.number(std::int64_t{each->leader});
        list_ids("replicas", each->replicas);
        list_ids("isr", each->in_sync);
        if (const auto found = of.moving.find(each->id); found != of.moving.end()) {
            list_ids("addingReplicas", found->second.adding);
            list_ids("removingReplicas", found->second.removing);
        }
        list_ids("elr", each->eligible_leaders);
        list_ids("lastKnownElr", each->last_known_eligible_leaders);
        into.end_object();
    }
    into.end_array();
    into.end_object();
}

std::vector<topic_description> described_topics(const admin& at, const arguments& args) {
    describe_topics_options how;
    how.partitions_per_answer = static_cast<std::int32_t>(args.number_or("partition-size-limit-per-response", 2'000, 1, std::numeric_limits<std::int32_t>::max()));
    std::vector<topic_description> found;
    const auto keep = [&](const auto& all) {
        for (const auto& [key, outcome] : all) found.push_back(*outcome);
    };
    const auto id = args.has("topic-id") ? *parse_uuid(args.text("topic-id")) : uuid{};
    if (!id.is_zero()) {
        const auto by_id = *at.describe_topics_by_id({id}, how).get();
        const auto unknown = by_id.first_error().code() == errc::unknown_topic_id;
        if (unknown && !args.has("if-exists"))
            throw exception{error{errc::unknown_topic_id, fmt::format("TopicId '{}' does not exist as expected", args.text("topic-id"))}};
        if (!unknown) keep(by_id);
    } else if (const auto names = existing_topics(at, args); !names.empty()) {
        keep(*at.describe_topics(names, how).get());
    }
    std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return found;
}

}  // namespace

std::vector<std::string> chosen_topics(const admin& at, const arguments& args) {
    list_topics_options listing;
    listing.internal = !args.has("exclude-internal");
    const auto topics = *at.list_topics(listing).get();
    std::optional<topic_filter> filter;
    if (args.has("topic")) filter.emplace(args.text("topic"));
    std::vector<std::string> names;
    for (const auto& each : topics)
        if (!filter || filter->matches(each.name)) names.push_back(each.name);
    std::sort(names.begin(), names.end());
    return names;
}

std::vector<std::string> existing_topics(const admin& at, const arguments& args) {
    auto names = chosen_topics(at, args);
    if (names.empty() && args.has("topic") && !args.has("if-exists"))
        throw exception{error{errc::unknown_topic_or_partition, fmt::format("Topic '{}' does not exist as expected", args.text("topic"))}};
    return names;
}

int describe_topics(const admin& at, const invocation& call) {
    auto topics = described_topics(at, call.args);
    if (topics.empty()) {
        if (call.out.json()) call.out.line("[]");
        return 0;
    }
    std::vector<config_resource> resources;
    for (const auto& each : topics) resources.push_back({config_kind::topic, each.name});
    auto describing = at.describe_configs(resources);
    auto asking = at.describe_cluster();
    auto listing = at.list_partition_reassignments();
    const auto configs = *describing.get();
    std::set<std::int32_t> live;
    for (const auto& each : (*asking.get()).nodes) live.insert(each.id);
    const auto moves = listing.get();  // who may not see them sees the rest

    const bool headings = std::none_of(std::begin(report_options), std::end(report_options), [&](std::string_view name) { return call.args.has(name); });
    json_writer document;
    document.begin_array();
    for (auto& topic : topics) {
        description of{std::move(topic), {}, 1, {}};
        const auto* found = configs.find({config_kind::topic, of.topic.name});
        if (found && !*found) throw exception{found->error()};
        for (const auto& each : found ? **found : std::vector<config_entry>{}) {
            if (each.name == "min.insync.replicas") of.min_in_sync = static_cast<std::size_t>(parse_number(each.value.value_or("1")).value_or(1));
            if (!each.is_default()) of.overrides.push_back(each);
        }
        if (moves)
            for (const auto& [where, move] : *moves)
                if (where.topic == of.topic.name) of.moving.emplace(where.partition, move);
        std::vector<const partition_description*> partitions;
        for (const auto& each : of.topic.partitions)
            if (wanted(call.args, of, each, live)) partitions.push_back(&each);
        if (call.args.has("topics-with-overrides") && of.overrides.empty()) continue;
        if (call.out.json()) write_json(document, of, partitions);
        else print_text(call.out, call.args, of, headings, partitions);
    }
    document.end_array();
    if (call.out.json()) call.out.line(std::move(document));
    return 0;
}

}  // namespace weir::tools
