#include "raft_adapters.hpp"

namespace weir::broker {
namespace {

using partition_row = protocol::describe_quorum_response::partition_data;
using replica_row = protocol::describe_quorum_response::replica_state;

// Steady times as the wall clock would have shown them; -1 for never.
timestamp_ms wall_time(const event_loop& loop, time_point when) {
    if (when == time_point{}) return no_timestamp;
    return loop.wall_now() - std::chrono::duration_cast<milliseconds>(loop.now() - when).count();
}

replica_row to_row(const event_loop& loop, const raft::replica_progress& progress) {
    replica_row row;
    row.replica_id = progress.key.id;
    row.replica_directory_id = progress.key.directory;
    row.log_end_offset = progress.log_end;
    row.last_fetch_timestamp = wall_time(loop, progress.last_fetch);
    row.last_caught_up_timestamp = wall_time(loop, progress.last_caught_up);
    return row;
}

}  // namespace

task<server::quorum_view::description> driver_view::describe(event_loop& here) {
    co_await switch_to{loop_};
    const auto status = driver_.status();
    description made;
    made.partition.leader_id = status.leader.leader_id;
    made.partition.leader_epoch = status.leader.epoch;
    made.partition.high_watermark = status.high_watermark;
    for (const auto& each : status.voter_progress) {
        auto& row = made.partition.current_voters.emplace_back(to_row(loop_, each));
        // The leader fetches from nobody, and is as far as there is anything at every moment.
        if (row.replica_id == status.leader.leader_id) row.last_fetch_timestamp = row.last_caught_up_timestamp = loop_.wall_now();
    }
    for (const auto& each : status.observer_progress) made.partition.observers.push_back(to_row(loop_, each));
    for (const auto& voter : status.voters) {
        auto& node = made.nodes.emplace_back();
        node.node_id = voter.key.id;
        for (const auto& endpoint : voter.endpoints) {
            auto& listener = node.listeners.emplace_back();
            listener.name = endpoint.listener;
            listener.host = endpoint.host;
            listener.port = endpoint.port;
        }
    }
    co_await switch_to{here};
    co_return made;
}

}  // namespace weir::broker
