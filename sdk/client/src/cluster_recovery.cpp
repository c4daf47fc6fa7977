// How long a cluster keeps connections, how long it waits for new ones, and how it begins again from the bootstrap list.
#include "cluster.hpp"

#include <weir/base/log.hpp>

namespace weir::detail {
namespace {
log::logger cluster_recovery_logs{"weir.client.cluster"};
}

milliseconds cluster::connect_timeout(int failures) {
    const auto first = config_.connection.connect_timeout;
    if (failures == 0) return first;
    const net::backoff growing{first, config_.connect_timeout_max};
    return std::chrono::duration_cast<milliseconds>(growing.after(failures + 1, random_));
}

// What was known may be of another cluster: leaders and coordinators are looked for anew. Topics keep their partitions, of
// which somebody may have used the number.
void cluster::begin_again(const error& why) {
    if (config_.recovery != metadata_recovery_strategy::rebootstrap) return;
    cluster_recovery_logs.info("asking the bootstrap servers again: " + why.message());
    const error reason{errc::network_exception, "the client begins again from its bootstrap servers", why};
    brokers_.clear();
    coordinators_.clear();
    for (auto& [name, known] : topics_) {
        for (auto& part : known.partitions) part = {};
    }
    for (auto gone = std::exchange(peers_, {}); auto& [key, each] : gone) {
        each->dropped = reason;
        shut(*each, reason);
    }
}

void cluster::watch_idle(time_point at) {
    if (closed_ || idle_ != timer_id::none || config_.connections_max_idle < milliseconds{0}) return;
    idle_ = loop_.call_at(at, [this] {
        idle_ = timer_id::none;
        close_idle();
    });
}

void cluster::close_idle() {
    const auto now = loop_.now();
    auto next = time_point::max();
    std::vector<connection_ptr> unused;
    for (const auto& [key, each] : peers_) {
        if (!each->link || each->link->closed()) continue;
        const auto since = each->link->idle_since();
        const auto due = (since == time_point::max() ? now : since) + config_.connections_max_idle;
        if (since != time_point::max() && due <= now) unused.push_back(each->link);
        else next = std::min(next, due);
    }
    for (const auto& each : unused) each->close(error{errc::network_exception, "nobody used the connection for long (connections.max.idle.ms)"});
    if (next != time_point::max()) watch_idle(next);
}

}  // namespace weir::detail
