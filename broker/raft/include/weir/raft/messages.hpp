// What replicas of the quorum say to each other, reduced to what the core decides on. wire.hpp turns these from and to
// the protocol's messages.
#pragma once
#include <weir/base/bytes.hpp>
#include <weir/base/errc.hpp>
#include <weir/base/time.hpp>
#include <weir/raft/types.hpp>

#include <limits>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace weir::raft {

/// Every answer says whom its sender believes to lead, so that the asker can find the leader.
struct leader_hint {
    node_id leader_id = no_node;
    quorum_epoch epoch = 0;
    std::vector<endpoint> endpoints;  ///< of the leader, as far as the sender knows them
};

struct vote_request {
    std::optional<std::string> cluster_id;
    replica_key candidate;
    replica_key voter;        ///< whom the candidate means to ask; id -1 in version 0
    quorum_epoch epoch = 0;   ///< pre-vote: the candidate's present epoch; otherwise the one it stands in
    log_position log_end;
    bool pre_vote = false;
};
struct vote_response {
    errc error = errc::none;
    leader_hint leader;
    bool granted = false;
};

struct begin_epoch_request {
    std::optional<std::string> cluster_id;
    replica_key voter;
    node_id leader_id = no_node;
    quorum_epoch epoch = 0;
    std::vector<endpoint> endpoints;
};
struct begin_epoch_response {
    errc error = errc::none;
    leader_hint leader;
};

struct end_epoch_request {
    std::optional<std::string> cluster_id;
    node_id leader_id = no_node;
    quorum_epoch epoch = 0;
    std::vector<replica_key> successors;  ///< best first
    std::vector<endpoint> endpoints;
};
struct end_epoch_response {
    errc error = errc::none;
    leader_hint leader;
};

struct fetch_request {
    std::optional<std::string> cluster_id;
    replica_key replica;
    quorum_epoch epoch = 0;              ///< the fetcher's epoch
    log_offset offset = 0;               ///< its log end; everything below is durable there
    quorum_epoch last_fetched_epoch = 0; ///< of the record in front of `offset`
    nanoseconds max_wait{0};
    std::int32_t max_bytes = 1 << 20;
    log_offset high_watermark = std::numeric_limits<log_offset>::max();  ///< the fetcher's; max: it does not say
};
struct fetch_response {
    errc error = errc::none;
    leader_hint leader;
    log_offset high_watermark = -1;
    log_offset log_start = 0;
    std::optional<log_position> diverging;  ///< truncate to this and fetch again
    std::optional<snapshot_id> snapshot;    ///< what you want is gone: copy this
    bytes records;
};

struct fetch_snapshot_request {
    std::optional<std::string> cluster_id;
    replica_key replica;
    quorum_epoch epoch = 0;
    snapshot_id snapshot;
    std::int64_t position = 0;
    std::int32_t max_bytes = 1 << 20;
};
struct fetch_snapshot_response {
    errc error = errc::none;
    leader_hint leader;
    snapshot_id snapshot;
    std::int64_t size = 0;
    std::int64_t position = 0;
    bytes chunk;
};

struct add_voter_request {
    std::optional<std::string> cluster_id;
    voter added;
    nanoseconds timeout{0};
    bool ack_when_committed = true;
};
struct add_voter_response {
    errc error = errc::none;
    std::string text;
};
struct remove_voter_request {
    std::optional<std::string> cluster_id;
    replica_key removed;
};
struct remove_voter_response {
    errc error = errc::none;
    std::string text;
};
struct update_voter_request {
    std::optional<std::string> cluster_id;
    quorum_epoch epoch = 0;
    voter updated;
};
struct update_voter_response {
    errc error = errc::none;
    leader_hint leader;
};

using message_body =
    std::variant<vote_request, vote_response, begin_epoch_request, begin_epoch_response, end_epoch_request,
                 end_epoch_response, fetch_request, fetch_response, fetch_snapshot_request, fetch_snapshot_response,
                 add_voter_request, add_voter_response, remove_voter_request, remove_voter_response,
                 update_voter_request, update_voter_response>;

/// `peer` is the other side: the sender of what comes in, the receiver of what goes out. `id` ties an answer to its
/// request: the core numbers the requests it sends, whoever brings a request in numbers that one.
struct message {
    node_id peer = no_node;
    std::uint64_t id = 0;
    message_body body;
};
bool is_request(const message_body& body) noexcept;

}  // namespace weir::raft
