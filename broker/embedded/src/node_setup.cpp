#include "node_setup.hpp"

#include <weir/net/connection.hpp>
#include <weir/protocol/messages/create_topics.hpp>

namespace weir::broker {

result<broker_config> node_settings(int nodes, const std::map<std::string, std::string>& fixed, const std::map<std::string, std::string>& extra) {
    if (nodes != 1)
        return error{errc::invalid_setting, "nodes=" + std::to_string(nodes) + ": allowed is 1, because Weir's broker runs as a single node and does not replicate"};
    // A test starts thousands of these: one partition of offsets is enough for its groups, and they need not wait for members.
    std::map<std::string, std::string> all{{"node.id", "0"}, {"offsets.topic.num.partitions", "1"}, {"group.initial.rebalance.delay.ms", "0"}};
    for (const auto& [name, value] : extra) {
        if (fixed.contains(name) || name == "node.id" || name == "broker.id" || name == "process.roles" || name == "log.dir")
            return error{errc::invalid_setting, "extra: " + name + " is what makes the node an embedded one, and cannot be set"};
        all.insert_or_assign(name, value);
    }
    all.insert(fixed.begin(), fixed.end());
    std::vector<std::string> given;
    for (const auto& [name, value] : all) {
        auto& each = given.emplace_back(name);
        each.append("=").append(value);
    }
    auto parsed = parse_config("", "", given, "extra");
    if (!parsed) return parsed.error();
    if (!parsed->without_effect.empty()) {
        std::string names;
        for (const auto& each : parsed->without_effect) names += (names.empty() ? "" : ", ") + each;
        return error{errc::invalid_setting, names + ": has no effect in this broker; leave it out"};
    }
    return std::move(parsed->config);
}

task<result<void>> create_topics(event_loop& loop, network& net, endpoint at, std::vector<embedded_topic> topics) {
    if (topics.empty()) co_return result<void>{};
    net::connection_config settings;
    settings.client_id = "weir.embedded";
    auto opening = net::connection::open(loop, net, std::move(at), std::move(settings), nullptr);
    const auto link = co_await opening;
    if (!link) co_return link.error();
    protocol::create_topics_request request;
    for (const auto& topic : topics) {
        auto& each = request.topics.emplace_back();
        each.name = topic.name;
        each.num_partitions = topic.partitions;
        each.replication_factor = topic.replication;
        for (const auto& [name, value] : topic.configs) {
            auto& config = each.configs.emplace_back();
            config.name = name;
            config.value = value;
        }
    }
    auto asking = (*link)->call(request);
    const auto answered = co_await asking;
    (*link)->close(error{errc::closed, "the topics are created"});
    if (!answered) co_return answered.error();
    for (const auto& each : answered->message.topics) {
        const auto code = errc_from_wire(each.error_code);
        if (code == errc::none || code == errc::topic_already_exists) continue;
        co_return error{code, "topic " + each.name + ": " + each.error_message.value_or("cannot be created")};
    }
    co_return result<void>{};
}

void check_node(int node) {
    if (node != 0) throw exception{error{errc::invalid_setting, "node " + std::to_string(node) + ": there is one node, 0"}};
}

}  // namespace weir::broker
