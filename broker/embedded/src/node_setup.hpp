// What embedded and simulated nodes have in common: how they are configured, and topics at their beginning.
#pragma once
#include <weir/base/network.hpp>
#include <weir/base/task.hpp>
#include <weir/broker/broker_config.hpp>
#include <weir/broker/embedded_topic.hpp>

#include <map>
#include <string>
#include <vector>

namespace weir::broker {

/// `fixed` are the settings that make the node what it is; `extra` is what the user adds, and may not touch those.
/// errc::invalid_setting with every mistake.
result<broker_config> node_settings(int nodes, const std::map<std::string, std::string>& fixed, const std::map<std::string, std::string>& extra);

/// Creates what is not there yet; `at` is the broker.
task<result<void>> create_topics(event_loop& loop, network& net, endpoint at, std::vector<embedded_topic> topics);

/// Only node 0 is there; throws weir::exception otherwise.
void check_node(int node);

}  // namespace weir::broker
