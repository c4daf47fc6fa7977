// Committing, reading and deleting offsets.
#pragma once
#include "shard_state.hpp"

namespace weir::group {

/// From this version of OffsetCommit and OffsetFetch on, topics are named by their ids.
inline constexpr std::int16_t names_topics_by_id = 10;

decision<protocol::offset_commit_response> offset_commit(shard_state&, const request_context&,
                                                         const protocol::offset_commit_request&, instant now);
decision<protocol::txn_offset_commit_response> txn_offset_commit(shard_state&,
                                                                 const protocol::txn_offset_commit_request&,
                                                                 instant now);
decision<protocol::offset_delete_response> offset_delete(shard_state&, const protocol::offset_delete_request&);
protocol::offset_fetch_response::offset_fetch_response_group offset_fetch(
    const shard_state&, const protocol::offset_fetch_request::offset_fetch_request_group&, std::int16_t api_version,
    bool require_stable);

/// Tombstones for what is past its retention, groups included that have nothing left.
std::vector<record> expire_offsets(shard_state&, instant now);
std::vector<record> topics_deleted(shard_state&, std::span<const std::string> names);

}  // namespace weir::group
