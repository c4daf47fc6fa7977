// AddRaftVoter, RemoveRaftVoter, UpdateRaftVoter.
#include "wire_parts.hpp"

#include <weir/protocol/messages/add_raft_voter.hpp>
#include <weir/protocol/messages/remove_raft_voter.hpp>
#include <weir/protocol/messages/update_raft_voter.hpp>

namespace weir::raft::wire {
namespace {

std::optional<std::string> text_or_null(const std::string& text) {
    return text.empty() ? std::nullopt : std::optional{text};
}

}  // namespace

result<wire_request> encode(const add_voter_request& request, std::int16_t version) {
    protocol::add_raft_voter_request out;
    using listener = protocol::add_raft_voter_request::listener;
    out.cluster_id = request.cluster_id;
    out.timeout_ms = to_ms(request.timeout);
    out.voter_id = request.added.key.id;
    out.voter_directory_id = request.added.key.directory;
    for (const auto& where : request.added.endpoints) out.listeners.push_back(to_row<listener>(where));
    out.ack_when_committed = request.ack_when_committed;
    return packed(out, version);
}

result<wire_request> encode(const remove_voter_request& request, std::int16_t version) {
    protocol::remove_raft_voter_request out;
    out.cluster_id = request.cluster_id;
    out.voter_id = request.removed.id;
    out.voter_directory_id = request.removed.directory;
    return packed(out, version);
}

result<wire_request> encode(const update_voter_request& request, std::int16_t version) {
    protocol::update_raft_voter_request out;
    using listener = protocol::update_raft_voter_request::listener;
    out.cluster_id = request.cluster_id;
    out.current_leader_epoch = request.epoch;
    out.voter_id = request.updated.key.id;
    out.voter_directory_id = request.updated.key.directory;
    for (const auto& where : request.updated.endpoints) out.listeners.push_back(to_row<listener>(where));
    out.k_raft_version_feature.min_supported_version = request.updated.min_kraft_version;
    out.k_raft_version_feature.max_supported_version = request.updated.max_kraft_version;
    return packed(out, version);
}

result<bytes> encode(const add_voter_response& response, std::int16_t version) {
    protocol::add_raft_voter_response out;
    out.error_code = code(response.error);
    out.error_message = text_or_null(response.text);
    return protocol::encode(out, version);
}

result<bytes> encode(const remove_voter_response& response, std::int16_t version) {
    protocol::remove_raft_voter_response out;
    out.error_code = code(response.error);
    out.error_message = text_or_null(response.text);
    return protocol::encode(out, version);
}

result<bytes> encode(const update_voter_response& response, std::int16_t version) {
    protocol::update_raft_voter_response out;
    out.error_code = code(response.error);
    out.current_leader.leader_id = response.leader.leader_id;
    out.current_leader.leader_epoch = response.leader.epoch;
    if (!response.leader.endpoints.empty()) {
        out.current_leader.host = response.leader.endpoints.front().host;
        out.current_leader.port = response.leader.endpoints.front().port;
    }
    return protocol::encode(out, version);
}

result<message_body> decode_voter_request(std::int16_t api_key, std::int16_t version, bytes_view body) {
    if (api_key == static_cast<std::int16_t>(protocol::add_raft_voter_request::api_key)) {
        const auto in = protocol::decode<protocol::add_raft_voter_request>(body, version);
        if (!in) return in.error();
        add_voter_request request;
        request.cluster_id = in->cluster_id;
        request.added.key = {in->voter_id, in->voter_directory_id};
        request.added.endpoints = from_rows(in->listeners);
        request.timeout = milliseconds{in->timeout_ms};
        request.ack_when_committed = in->ack_when_committed;
        return message_body{std::move(request)};
    }
    if (api_key == static_cast<std::int16_t>(protocol::remove_raft_voter_request::api_key)) {
        const auto in = protocol::decode<protocol::remove_raft_voter_request>(body, version);
        if (!in) return in.error();
        return message_body{remove_voter_request{in->cluster_id, {in->voter_id, in->voter_directory_id}}};
    }
    const auto in = protocol::decode<protocol::update_raft_voter_request>(body, version);
    if (!in) return in.error();
    update_voter_request request;
    request.cluster_id = in->cluster_id;
    request.epoch = in->current_leader_epoch;
    request.updated.key = {in->voter_id, in->voter_directory_id};
    request.updated.endpoints = from_rows(in->listeners);
    request.updated.min_kraft_version = in->k_raft_version_feature.min_supported_version;
    request.updated.max_kraft_version = in->k_raft_version_feature.max_supported_version;
    return message_body{std::move(request)};
}

result<message_body> decode_voter_response(std::int16_t api_key, std::int16_t version, bytes_view body) {
    if (api_key == static_cast<std::int16_t>(protocol::add_raft_voter_request::api_key)) {
        const auto in = protocol::decode<protocol::add_raft_voter_response>(body, version);
        if (!in) return in.error();
        return message_body{add_voter_response{errc_from_wire(in->error_code), in->error_message.value_or("")}};
    }
    if (api_key == static_cast<std::int16_t>(protocol::remove_raft_voter_request::api_key)) {
        const auto in = protocol::decode<protocol::remove_raft_voter_response>(body, version);
        if (!in) return in.error();
        return message_body{remove_voter_response{errc_from_wire(in->error_code), in->error_message.value_or("")}};
    }
    const auto in = protocol::decode<protocol::update_raft_voter_response>(body, version);
    if (!in) return in.error();
    update_voter_response response;
    response.error = errc_from_wire(in->error_code);
    response.leader = {in->current_leader.leader_id, in->current_leader.leader_epoch, {}};
    if (in->current_leader.port > 0 && in->current_leader.port <= 65535)
        response.leader.endpoints.push_back({"", in->current_leader.host, static_cast<std::uint16_t>(in->current_leader.port)});
    return message_body{std::move(response)};
}

}  // namespace weir::raft::wire
