#include "wire_parts.hpp"

#include <weir/protocol/messages/add_raft_voter.hpp>
#include <weir/protocol/messages/begin_quorum_epoch.hpp>
#include <weir/protocol/messages/end_quorum_epoch.hpp>
#include <weir/protocol/messages/fetch.hpp>
#include <weir/protocol/messages/fetch_snapshot.hpp>
#include <weir/protocol/messages/remove_raft_voter.hpp>
#include <weir/protocol/messages/update_raft_voter.hpp>
#include <weir/protocol/messages/vote.hpp>

namespace weir::raft {
namespace wire {

constexpr std::int16_t first_fetch_with_ids = 13;
constexpr std::int16_t first_fetch_with_state = 15;

static result<wire_request> encode(const vote_request& request, std::int16_t version) {
    protocol::vote_request out;
    out.cluster_id = request.cluster_id;
    out.voter_id = request.voter.id;
    auto& part = add_partition(out);
    part.replica_epoch = request.epoch;
    part.replica_id = request.candidate.id;
    part.replica_directory_id = request.candidate.directory;
    part.voter_directory_id = request.voter.directory;
    part.last_offset_epoch = request.log_end.epoch;
    part.last_offset = request.log_end.offset;
    part.pre_vote = request.pre_vote;
    return packed(out, version);
}

static result<vote_request> decode_vote(bytes_view body, std::int16_t version) {
    const auto in = protocol::decode<protocol::vote_request>(body, version);
    if (!in) return in.error();
    const auto part = only_partition(in->topics, named_ours, "Vote");
    if (!part) return part.error();
    vote_request request;
    request.cluster_id = in->cluster_id;
    request.candidate = {(*part)->replica_id, (*part)->replica_directory_id};
    request.voter = {in->voter_id, (*part)->voter_directory_id};
    request.epoch = (*part)->replica_epoch;
    request.log_end = {(*part)->last_offset, (*part)->last_offset_epoch};
    request.pre_vote = (*part)->pre_vote;
    return request;
}

/// Vote, BeginQuorumEpoch and EndQuorumEpoch are answered alike; an error about the whole request stands in front.
template <class Out, class Core>
Out epoch_answer(const Core& response) {
    Out out;
    if (response.error == errc::inconsistent_cluster_id) {
        out.error_code = code(response.error);
        return out;
    }
    auto& part = add_partition(out);
    part.error_code = code(response.error);
    part.leader_id = response.leader.leader_id;
    part.leader_epoch = response.leader.epoch;
    if constexpr (requires { response.granted; }) part.vote_granted = response.granted;
    put_leader(out, response.leader);
    return out;
}

template <class Core, class In>
static result<Core> epoch_answer_from(bytes_view body, std::int16_t version) {
    const auto in = protocol::decode<In>(body, version);
    if (!in) return in.error();
    Core response;
    response.error = errc_from_wire(in->error_code);
    if (response.error != errc::none) return response;
    const auto part = only_partition(in->topics, named_ours, In::message_name);
    if (!part) return part.error();
    response.error = errc_from_wire((*part)->error_code);
    response.leader = take_leader(*in, (*part)->leader_id, (*part)->leader_epoch);
    if constexpr (requires { response.granted; }) response.granted = (*part)->vote_granted;
    return response;
}

static result<wire_request> encode(const begin_epoch_request& request, std::int16_t version) {
    protocol::begin_quorum_epoch_request out;
    using row = protocol::begin_quorum_epoch_request::leader_endpoint;
    out.cluster_id = request.cluster_id;
    out.voter_id = request.voter.id;
    auto& part = add_partition(out);
    part.voter_directory_id = request.voter.directory;
    part.leader_id = request.leader_id;
    part.leader_epoch = request.epoch;
    for (const auto& where : request.endpoints) out.leader_endpoints.push_back(to_row<row>(where));
    return packed(out, version);
}

static result<begin_epoch_request> decode_begin(bytes_view body, std::int16_t version) {
    const auto in = protocol::decode<protocol::begin_quorum_epoch_request>(body, version);
    if (!in) return in.error();
    const auto part = only_partition(in->topics, named_ours, "BeginQuorumEpoch");
    if (!part) return part.error();
    begin_epoch_request request;
    request.cluster_id = in->cluster_id;
    request.voter = {in->voter_id, (*part)->voter_directory_id};
    request.leader_id = (*part)->leader_id;
    request.epoch = (*part)->leader_epoch;
    request.endpoints = from_rows(in->leader_endpoints);
    return request;
}

static result<wire_request> encode(const end_epoch_request& request, std::int16_t version) {
    protocol::end_quorum_epoch_request out;
    using row = protocol::end_quorum_epoch_request::leader_endpoint;
    out.cluster_id = request.cluster_id;
    auto& part = add_partition(out);
    part.leader_id = request.leader_id;
    part.leader_epoch = request.epoch;
    for (const auto& key : request.successors) {
        if (version == 0) {
            part.preferred_successors.push_back(key.id);
            continue;
        }
        auto& candidate = part.preferred_candidates.emplace_back();
        candidate.candidate_id = key.id;
        candidate.candidate_directory_id = key.directory;
    }
    for (const auto& where : request.endpoints) out.leader_endpoints.push_back(to_row<row>(where));
    return packed(out, version);
}

static result<end_epoch_request> decode_end(bytes_view body, std::int16_t version) {
    const auto in = protocol::decode<protocol::end_quorum_epoch_request>(body, version);
    if (!in) return in.error();
    const auto part = only_partition(in->topics, named_ours, "EndQuorumEpoch");
    if (!part) return part.error();
    end_epoch_request request;
    request.cluster_id = in->cluster_id;
    request.leader_id = (*part)->leader_id;
    request.epoch = (*part)->leader_epoch;
    for (const auto id : (*part)->preferred_successors) request.successors.push_back({id, {}});
    for (const auto& one : (*part)->preferred_candidates)
        request.successors.push_back({one.candidate_id, one.candidate_directory_id});
    request.endpoints = from_rows(in->leader_endpoints);
    return request;
}

static result<wire_request> encode(const fetch_request& request, std::int16_t version) {
    protocol::fetch_request out;
    out.cluster_id = request.cluster_id;
    if (version < first_fetch_with_state) out.replica_id = request.replica.id;
    else out.replica_state.replica_id = request.replica.id;
    out.max_wait_ms = to_ms(request.max_wait);
    out.max_bytes = request.max_bytes;
    auto& topic = out.topics.emplace_back();
    if (version < first_fetch_with_ids) topic.topic = metadata_topic;
    else topic.topic_id = metadata_topic_id;
    auto& part = topic.partitions.emplace_back();
    part.current_leader_epoch = request.epoch;
    part.fetch_offset = request.offset;
    part.last_fetched_epoch = request.last_fetched_epoch;
    part.partition_max_bytes = request.max_bytes;
    part.replica_directory_id = request.replica.directory;
    part.high_watermark = request.high_watermark;
    return packed(out, version);
}

static result<fetch_request> decode_fetch(bytes_view body, std::int16_t version) {
    const auto in = protocol::decode<protocol::fetch_request>(body, version);
    if (!in) return in.error();
    const auto ours = [&](const auto& topic) {
        const bool fits = version < first_fetch_with_ids ? topic.topic == metadata_topic : topic.topic_id == metadata_topic_id;
        return fits && topic.partitions[0].partition == 0;
    };
    const auto part = only_partition(in->topics, ours, "Fetch");
    if (!part) return part.error();
    fetch_request request;
    request.cluster_id = in->cluster_id;
    request.replica = {version < first_fetch_with_state ? in->replica_id : in->replica_state.replica_id,
                       (*part)->replica_directory_id};
    request.epoch = (*part)->current_leader_epoch;
    request.offset = (*part)->fetch_offset;
    request.last_fetched_epoch = (*part)->last_fetched_epoch;
    request.max_wait = milliseconds{in->max_wait_ms};
    request.max_bytes = std::min(in->max_bytes, (*part)->partition_max_bytes);
    request.high_watermark = (*part)->high_watermark;
    return request;
}

static result<bytes> encode(const fetch_response& response, std::int16_t version) {
    protocol::fetch_response out;
    if (response.error == errc::inconsistent_cluster_id || response.error == errc::invalid_request) {
        out.error_code = code(response.error);
        return protocol::encode(out, version);
    }
    auto& topic = out.responses.emplace_back();
    if (version < first_fetch_with_ids) topic.topic = metadata_topic;
    else topic.topic_id = metadata_topic_id;
    auto& part = topic.partitions.emplace_back();
    part.error_code = code(response.error);
    part.high_watermark = response.high_watermark;
    part.log_start_offset = response.log_start;
    part.current_leader.leader_id = response.leader.leader_id;
    part.current_leader.leader_epoch = response.leader.epoch;
    if (response.diverging) {
        part.diverging_epoch.epoch = response.diverging->epoch;
        part.diverging_epoch.end_offset = response.diverging->offset;
    }
    if (response.snapshot) {
        part.snapshot_id.end_offset = response.snapshot->offset;
        part.snapshot_id.epoch = response.snapshot->epoch;
    }
    part.records = protocol::record_data{bytes_view{response.records}};
    if (version >= 16) put_leader(out, response.leader);
    return protocol::encode(out, version);
}

static result<fetch_response> decode_fetched(bytes_view body, std::int16_t version) {
    const auto in = protocol::decode<protocol::fetch_response>(body, version);
    if (!in) return in.error();
    fetch_response response;
    response.error = errc_from_wire(in->error_code);
    if (response.error != errc::none) return response;
    const auto ours = [&](const auto& topic) {
        const bool fits = version < first_fetch_with_ids ? topic.topic == metadata_topic : topic.topic_id == metadata_topic_id;
        return fits && topic.partitions[0].partition_index == 0;
    };
    const auto part = only_partition(in->responses, ours, "Fetch answer");
    if (!part) return part.error();
    response.error = errc_from_wire((*part)->error_code);
    response.leader = take_leader(*in, (*part)->current_leader.leader_id, (*part)->current_leader.leader_epoch);
    response.high_watermark = (*part)->high_watermark;
    response.log_start = (*part)->log_start_offset;
    if ((*part)->diverging_epoch.end_offset >= 0)
        response.diverging = log_position{(*part)->diverging_epoch.end_offset, (*part)->diverging_epoch.epoch};
    if ((*part)->snapshot_id.end_offset >= 0)
        response.snapshot = snapshot_id{(*part)->snapshot_id.end_offset, (*part)->snapshot_id.epoch};
    response.records = to_bytes((*part)->records.memory());
    return response;
}

static result<wire_request> encode(const fetch_snapshot_request& request, std::int16_t version) {
    protocol::fetch_snapshot_request out;
    out.cluster_id = request.cluster_id;
    out.replica_id = request.replica.id;
    out.max_bytes = request.max_bytes;
    auto& topic = out.topics.emplace_back();
    topic.name = metadata_topic;
    auto& part = topic.partitions.emplace_back();
    part.current_leader_epoch = request.epoch;
    part.snapshot_id.end_offset = request.snapshot.offset;
    part.snapshot_id.epoch = request.snapshot.epoch;
    part.position = request.position;
    part.replica_directory_id = request.replica.directory;
    return packed(out, version);
}

static result<fetch_snapshot_request> decode_fetch_snapshot(bytes_view body, std::int16_t version) {
    const auto in = protocol::decode<protocol::fetch_snapshot_request>(body, version);
    if (!in) return in.error();
    const auto ours = [](const auto& topic) { return topic.name == metadata_topic && topic.partitions[0].partition == 0; };
    const auto part = only_partition(in->topics, ours, "FetchSnapshot");
    if (!part) return part.error();
    fetch_snapshot_request request;
    request.cluster_id = in->cluster_id;
    request.replica = {in->replica_id, (*part)->replica_directory_id};
    request.epoch = (*part)->current_leader_epoch;
    request.snapshot = {(*part)->snapshot_id.end_offset, (*part)->snapshot_id.epoch};
    request.position = (*part)->position;
    request.max_bytes = in->max_bytes;
    return request;
}

static result<bytes> encode(const fetch_snapshot_response& response, std::int16_t version) {
    protocol::fetch_snapshot_response out;
    if (response.error == errc::inconsistent_cluster_id || response.error == errc::invalid_request) {
        out.error_code = code(response.error);
        return protocol::encode(out, version);
    }
    auto& topic = out.topics.emplace_back();
    topic.name = metadata_topic;
    auto& part = topic.partitions.emplace_back();
    part.error_code = code(response.error);
    part.snapshot_id.end_offset = response.snapshot.offset;
    part.snapshot_id.epoch = response.snapshot.epoch;
    part.current_leader.leader_id = response.leader.leader_id;
    part.current_leader.leader_epoch = response.leader.epoch;
    part.size = response.size;
    part.position = response.position;
    part.unaligned_records = protocol::record_data{bytes_view{response.chunk}};
    if (version >= 1) put_leader(out, response.leader);
    return protocol::encode(out, version);
}

static result<fetch_snapshot_response> decode_snapshot_chunk(bytes_view body, std::int16_t version) {
    const auto in = protocol::decode<protocol::fetch_snapshot_response>(body, version);
    if (!in) return in.error();
    fetch_snapshot_response response;
    response.error = errc_from_wire(in->error_code);
    if (response.error != errc::none) return response;
    const auto ours = [](const auto& topic) { return topic.name == metadata_topic && topic.partitions[0].index == 0; };
    const auto part = only_partition(in->topics, ours, "FetchSnapshot answer");
    if (!part) return part.error();
    response.error = errc_from_wire((*part)->error_code);
    response.leader = take_leader(*in, (*part)->current_leader.leader_id, (*part)->current_leader.leader_epoch);
    response.snapshot = {(*part)->snapshot_id.end_offset, (*part)->snapshot_id.epoch};
    response.size = (*part)->size;
    response.position = (*part)->position;
    response.chunk = to_bytes((*part)->unaligned_records.memory());
    return response;
}

static result<bytes> encode(const vote_response& response, std::int16_t version) {
    auto out = epoch_answer<protocol::vote_response>(response);
    if (version < 1) out.node_endpoints.clear();
    return protocol::encode(out, version);
}
static result<bytes> encode(const begin_epoch_response& response, std::int16_t version) {
    auto out = epoch_answer<protocol::begin_quorum_epoch_response>(response);
    if (version < 1) out.node_endpoints.clear();
    return protocol::encode(out, version);
}
static result<bytes> encode(const end_epoch_response& response, std::int16_t version) {
    auto out = epoch_answer<protocol::end_quorum_epoch_response>(response);
    if (version < 1) out.node_endpoints.clear();
    return protocol::encode(out, version);
}

}  // namespace wire

std::int16_t api_key_of(const message_body& body) noexcept {
    constexpr protocol::api_key keys[] = {protocol::vote_request::api_key,           protocol::begin_quorum_epoch_request::api_key,
                                          protocol::end_quorum_epoch_request::api_key, protocol::fetch_request::api_key,
                                          protocol::fetch_snapshot_request::api_key, protocol::add_raft_voter_request::api_key,
                                          protocol::remove_raft_voter_request::api_key, protocol::update_raft_voter_request::api_key};
    static_assert(std::variant_size_v<message_body> == 2 * std::size(keys));
    return static_cast<std::int16_t>(keys[body.index() / 2]);
}

std::int16_t newest_version(std::int16_t api_key) noexcept {
    switch (static_cast<protocol::api_key>(api_key)) {
        case protocol::vote_request::api_key: return protocol::vote_request::max_version;
        case protocol::begin_quorum_epoch_request::api_key: return protocol::begin_quorum_epoch_request::max_version;
        case protocol::end_quorum_epoch_request::api_key: return protocol::end_quorum_epoch_request::max_version;
        case protocol::fetch_request::api_key: return protocol::fetch_request::max_version;
        case protocol::fetch_snapshot_request::api_key: return protocol::fetch_snapshot_request::max_version;
        case protocol::add_raft_voter_request::api_key: return protocol::add_raft_voter_request::max_version;
        case protocol::remove_raft_voter_request::api_key: return protocol::remove_raft_voter_request::max_version;
        case protocol::update_raft_voter_request::api_key: return protocol::update_raft_voter_request::max_version;
        default: return -1;
    }
}

result<wire_request> encode_request(const message_body& request, std::int16_t version) {
    if (!is_request(request)) return error{errc::invalid_request, "an answer cannot be sent as a request"};
    return std::visit(
        [&](const auto& body) -> result<wire_request> {
            if constexpr (std::is_same_v<decltype(wire::encode(body, version)), result<wire_request>>)
                return wire::encode(body, version);
            else return error{errc::invalid_request, "an answer cannot be sent as a request"};
        },
        request);
}

result<bytes> encode_response(const message_body& response, std::int16_t version) {
    return std::visit(
        [&](const auto& body) -> result<bytes> {
            if constexpr (std::is_same_v<decltype(wire::encode(body, version)), result<bytes>>)
                return wire::encode(body, version);
            else return error{errc::invalid_request, "a request cannot be sent as an answer"};
        },
        response);
}

result<message_body> decode_request(std::int16_t api_key, std::int16_t version, bytes_view body) {
    switch (static_cast<protocol::api_key>(api_key)) {
        case protocol::vote_request::api_key: return wire::held(wire::decode_vote(body, version));
        case protocol::begin_quorum_epoch_request::api_key: return wire::held(wire::decode_begin(body, version));
        case protocol::end_quorum_epoch_request::api_key: return wire::held(wire::decode_end(body, version));
        case protocol::fetch_request::api_key: return wire::held(wire::decode_fetch(body, version));
        case protocol::fetch_snapshot_request::api_key: return wire::held(wire::decode_fetch_snapshot(body, version));
        case protocol::add_raft_voter_request::api_key:
        case protocol::remove_raft_voter_request::api_key:
        case protocol::update_raft_voter_request::api_key: return wire::decode_voter_request(api_key, version, body);
        default: return error{errc::unsupported_version, "api key " + std::to_string(api_key) + " is none of the quorum's"};
    }
}

result<message_body> decode_response(std::int16_t api_key, std::int16_t version, bytes_view body) {
    using namespace wire;
    switch (static_cast<protocol::api_key>(api_key)) {
        case protocol::vote_request::api_key: return held(epoch_answer_from<vote_response, protocol::vote_response>(body, version));
        case protocol::begin_quorum_epoch_request::api_key:
            return held(epoch_answer_from<begin_epoch_response, protocol::begin_quorum_epoch_response>(body, version));
        case protocol::end_quorum_epoch_request::api_key:
            return held(epoch_answer_from<end_epoch_response, protocol::end_quorum_epoch_response>(body, version));
        case protocol::fetch_request::api_key: return held(decode_fetched(body, version));
        case protocol::fetch_snapshot_request::api_key: return held(decode_snapshot_chunk(body, version));
        case protocol::add_raft_voter_request::api_key:
        case protocol::remove_raft_voter_request::api_key:
        case protocol::update_raft_voter_request::api_key: return decode_voter_response(api_key, version, body);
        default: return error{errc::unsupported_version, "api key " + std::to_string(api_key) + " is none of the quorum's"};
    }
}

}  // namespace weir::raft
