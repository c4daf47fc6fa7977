// weir leader-election: leaders for partitions, by preference or because none is left.
#include "common_options.hpp"
#include "connect.hpp"
#include "output.hpp"
#include "partition_file.hpp"

#include <weir/admin.hpp>

#include <fmt/format.h>

#include <limits>

namespace weir::tools {
namespace leader_election_tool {
namespace {

constexpr option options[] = {
    bootstrap_server.required(),
    command_config,
    value("admin.config", "file", "").instead("command-config"),
    value("election-type", "type", "preferred: the first replica takes over when it is in sync. unclean: any replica that lives, which may lose records.")
        .one_of("preferred|unclean|PREFERRED|UNCLEAN")
        .required(),
    value("topic", "name", "With --partition: elect there."),
    value("partition", "number", "With --topic: elect there."),
    flag("all-topic-partitions", "Wherever an election can be held."),
    value("path-to-json-file", "file", "Where: {\"partitions\":[{\"topic\":\"t\",\"partition\":0}]}"),
    output_format,
};

int run(const invocation& call) {
    const auto& args = call.args;
    args.exactly_one({"topic", "all-topic-partitions", "path-to-json-file"});
    args.needs("topic", "partition");
    args.needs("partition", "topic");
    std::optional<std::vector<topic_partition>> where;
    if (args.has("topic")) {
        where.emplace();
        where->push_back({std::string{args.text("topic")}, static_cast<std::int32_t>(args.number_or("partition", 0, 0, std::numeric_limits<std::int32_t>::max()))});
    }
    if (args.has("path-to-json-file")) {
        where.emplace();
        for (auto& each : read_partitions(std::string{args.text("path-to-json-file")})) where->push_back(std::move(each.where));
    }
    const bool preferred = args.text("election-type") == "preferred" || args.text("election-type") == "PREFERRED";
    const admin at{connect(args, "leader-election")};
    std::string elected, valid;
    table all{{{"TOPIC", "topic"}, {"PARTITION", "partition", true}, {"OUTCOME", "outcome"}}};
    std::vector<std::pair<topic_partition, error>> failed;
    for (const auto& [key, outcome] : *at.elect_leaders(preferred ? election::preferred : election::unclean, where).get()) {
        const auto not_needed = outcome.code() == errc::election_not_needed;
        auto& list = outcome ? elected : valid;
        if (outcome || not_needed) list += (list.empty() ? "" : ", ") + to_string(key);
        else failed.emplace_back(key, outcome.error());
        all.row({key.topic, std::to_string(key.partition), outcome ? "elected" : not_needed ? "not needed" : sentence(outcome.error())});
    }
    if (call.out.json()) {
        all.print(call.out);
        return failed.empty() ? 0 : 1;
    }
    if (!elected.empty()) call.out.line(fmt::format("Successfully completed leader election ({}) for partitions {}", preferred ? "PREFERRED" : "UNCLEAN", elected));
    if (!valid.empty()) call.out.line(fmt::format("Valid replica already elected for partitions {}", valid));
    for (const auto& [key, why] : failed) call.out.line(fmt::format("Error completing leader election ({}) for partition: {}: {}", preferred ? "PREFERRED" : "UNCLEAN", to_string(key), why.what()));
    return failed.empty() ? 0 : 1;
}

}  // namespace
}  // namespace leader_election_tool

extern const tool leader_election;
constinit const tool leader_election{"leader-election", "Elect leaders for partitions.", leader_election_tool::options, {}, {}, {"Error: ", false}, leader_election_tool::run};

}  // namespace weir::tools
