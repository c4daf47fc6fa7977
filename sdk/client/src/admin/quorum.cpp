// The controllers' quorum: DescribeQuorum 55, AddRaftVoter 80, RemoveRaftVoter 81 (KIP-595, KIP-853).
#include "carry_out.hpp"
#include "operations.hpp"

#include <weir/protocol/messages/add_raft_voter.hpp>
#include <weir/protocol/messages/describe_quorum.hpp>
#include <weir/protocol/messages/remove_raft_voter.hpp>

namespace weir::detail {
namespace {

using quorum_response = protocol::describe_quorum_response;

std::vector<quorum_replica> replicas_of(const std::vector<quorum_response::replica_state>& from) {
    std::vector<quorum_replica> to;
    for (const auto& each : from) to.push_back({each.replica_id, each.replica_directory_id, each.log_end_offset, some_time(each.last_fetch_timestamp), some_time(each.last_caught_up_timestamp)});
    return to;
}

error verdict(const quorum_response& answer) {
    if (auto why = refusal(answer.error_code, answer.error_message, "describe_metadata_quorum")) return why;
    if (answer.topics.size() != 1 || answer.topics.front().partitions.size() != 1) return error{errc::unknown_server_error, "describe_metadata_quorum: the answer is not about the one metadata partition"};
    const auto& part = answer.topics.front().partitions.front();
    return refusal(part.error_code, part.error_message, "describe_metadata_quorum");
}

}  // namespace

task<result<quorum_description>> describe_metadata_quorum(call_ptr call) {
    protocol::describe_quorum_request request;
    auto& topic = request.topics.emplace_back();
    topic.topic_name = "__cluster_metadata";
    topic.partitions.emplace_back().partition_index = 0;
    auto asking = ask(std::move(call), any_broker(), std::move(request), &verdict);
    auto got = co_await asking;
    if (!got) co_return got.error();
    const auto& part = got->topics.front().partitions.front();
    quorum_description all{part.leader_id, part.leader_epoch, part.high_watermark, replicas_of(part.current_voters), replicas_of(part.observers), {}};
    for (const auto& each : got->nodes) {
        auto& endpoints = all.nodes[each.node_id];
        for (const auto& listener : each.listeners) endpoints.push_back({listener.name, listener.host, listener.port});
    }
    co_return all;
}

task<result<void>> add_raft_voter(call_ptr call, std::int32_t voter, uuid directory, std::vector<quorum_endpoint> endpoints, std::optional<std::string> cluster_id) {
    protocol::add_raft_voter_request request;
    request.cluster_id = std::move(cluster_id);
    request.timeout_ms = call->left_ms();
    request.voter_id = voter;
    request.voter_directory_id = directory;
    for (auto& each : endpoints) {
        auto& listener = request.listeners.emplace_back();
        listener.name = std::move(each.listener);
        listener.host = std::move(each.host);
        listener.port = each.port;
    }
    auto asking = ask(std::move(call), any_broker(), std::move(request),
                      [](const protocol::add_raft_voter_response& answer) { return refusal(answer.error_code, answer.error_message, "add_raft_voter"); });
    auto got = co_await asking;
    co_return result<void>{got.error()};
}

task<result<void>> remove_raft_voter(call_ptr call, std::int32_t voter, uuid directory, std::optional<std::string> cluster_id) {
    protocol::remove_raft_voter_request request;
    request.cluster_id = std::move(cluster_id);
    request.voter_id = voter;
    request.voter_directory_id = directory;
    auto asking = ask(std::move(call), any_broker(), std::move(request),
                      [](const protocol::remove_raft_voter_response& answer) { return refusal(answer.error_code, answer.error_message, "remove_raft_voter"); });
    auto got = co_await asking;
    co_return result<void>{got.error()};
}

}  // namespace weir::detail
