// The four requests of classic membership. Each file beside this one holds one of them, or two small ones.
#pragma once
#include "rebalance.hpp"

namespace weir::group {

decision<protocol::join_group_response> join_group(shard_state&, const request_context&, protocol::join_group_request,
                                                   reply_token, instant now);
decision<protocol::sync_group_response> sync_group(shard_state&, const request_context&, protocol::sync_group_request,
                                                   reply_token, instant now);
decision<protocol::heartbeat_response> heartbeat(shard_state&, const protocol::heartbeat_request&, instant now);
decision<protocol::leave_group_response> leave_group(shard_state&, const request_context&,
                                                     const protocol::leave_group_request&, instant now);

/// The session of a member, or of an id nobody has used yet, is over.
void expire_session(shard_state&, rebalancer&, classic_group&, const std::string& member_id);

/// Takes the answer to `own` out of the replies, if it is among them: it need not be deferred.
template <class Response>
std::optional<Response> take_own(std::vector<reply>& replies, reply_token own) {
    for (auto at = replies.rbegin(); at != replies.rend(); ++at) {
        if (at->token != own) continue;
        std::optional<Response> out{std::get<Response>(std::move(at->body))};
        replies.erase(std::next(at).base());
        return out;
    }
    return std::nullopt;
}

}  // namespace weir::group
