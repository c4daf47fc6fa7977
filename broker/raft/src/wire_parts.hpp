// What the quorum's protocol messages have in common.
#pragma once
#include <weir/protocol/codec.hpp>
#include <weir/raft/wire.hpp>

#include <algorithm>
#include <chrono>
#include <type_traits>

namespace weir::raft::wire {

inline std::int16_t code(errc error) { return wire_code(error); }

template <class Row>
Row to_row(const endpoint& where) {
    Row row;
    row.name = where.listener;
    row.host = where.host;
    row.port = where.port;
    return row;
}

template <class Rows>
std::vector<endpoint> from_rows(const Rows& rows) {
    std::vector<endpoint> all;
    for (const auto& row : rows) all.push_back({row.name, row.host, row.port});
    return all;
}

/// Answers name the leader's address without its listener: the one it was asked on.
template <class Response>
void put_leader(Response& response, const leader_hint& leader) {
    if (leader.leader_id < 0 || leader.endpoints.empty()) return;
    auto& row = response.node_endpoints.emplace_back();
    row.node_id = leader.leader_id;
    row.host = leader.endpoints.front().host;
    row.port = leader.endpoints.front().port;
}

template <class Response>
leader_hint take_leader(const Response& response, node_id leader, quorum_epoch epoch) {
    leader_hint hint{leader, epoch, {}};
    for (const auto& row : response.node_endpoints)
        if (row.node_id == leader && row.port > 0 && row.port <= 65535)
            hint.endpoints.push_back({"", row.host, static_cast<std::uint16_t>(row.port)});
    return hint;
}

/// The one partition a message is about; `name_of` reads a topic's name (or says whether its id fits).
template <class Topics, class IsOurs>
auto only_partition(const Topics& topics, IsOurs is_ours, std::string_view message)
    -> result<const typename std::decay_t<decltype(topics[0].partitions)>::value_type*> {
    if (topics.size() != 1 || topics[0].partitions.size() != 1)
        return error{errc::invalid_request, std::string{message} + ": exactly one partition is wanted"};
    if (!is_ours(topics[0]))
        return error{errc::unknown_topic_or_partition, std::string{message} + ": only __cluster_metadata-0 has a quorum"};
    return &topics[0].partitions[0];
}

inline constexpr auto named_ours = [](const auto& topic) {
    return topic.topic_name == metadata_topic && topic.partitions[0].partition_index == 0;
};

template <class Message>
auto& add_partition(Message& message) {
    auto& topic = message.topics.emplace_back();
    topic.topic_name = metadata_topic;
    return topic.partitions.emplace_back();
}

template <class Message>
result<wire_request> packed(const Message& message, std::int16_t version) {
    auto body = protocol::encode(message, version);
    if (!body) return body.error();
    return wire_request{static_cast<std::int16_t>(Message::api_key), version, std::move(*body)};
}

template <class Core>
result<message_body> held(result<Core> decoded) {
    if (!decoded) return decoded.error();
    return message_body{std::move(*decoded)};
}

inline std::int32_t to_ms(nanoseconds span) {
    return static_cast<std::int32_t>(std::chrono::duration_cast<milliseconds>(span).count());
}

// wire_voters.cpp
result<wire_request> encode(const add_voter_request& request, std::int16_t version);
result<wire_request> encode(const remove_voter_request& request, std::int16_t version);
result<wire_request> encode(const update_voter_request& request, std::int16_t version);
result<bytes> encode(const add_voter_response& response, std::int16_t version);
result<bytes> encode(const remove_voter_response& response, std::int16_t version);
result<bytes> encode(const update_voter_response& response, std::int16_t version);
result<message_body> decode_voter_request(std::int16_t api_key, std::int16_t version, bytes_view body);
result<message_body> decode_voter_response(std::int16_t api_key, std::int16_t version, bytes_view body);

}  // namespace weir::raft::wire
