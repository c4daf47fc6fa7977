// How a classic group moves between its states. Used by requests, timers and replay alike.
#pragma once
#include "shard_state.hpp"

namespace weir::group {

class rebalancer {
public:
    /// For one request or timer: `records` collects what it leads to.
    rebalancer(shard_state& shard, std::vector<record>& records, instant now)
        : shard_(shard),
          records_(records),
          now_(now) {}

    /// Starts a rebalance, or finishes one that waited for just this.
    void rebalance_or_complete(classic_group& group);
    /// Everyone has to rejoin; who waits in SyncGroup is told so. An empty group waits for more members first.
    void prepare(classic_group& group);
    /// Ends the join phase if nobody is missing, unless it is the first one, which ends by time.
    void complete_if_all_joined(classic_group& group);
    /// Ends the join phase with those who are there.
    void complete_join(classic_group& group);
    /// The first rebalance has waited one delay.
    void end_initial_delay(classic_group& group);
    /// The sync phase took too long: those who did not sync are out.
    void end_sync_phase(classic_group& group);

    void reset_session(classic_group& group, member& of) { reset_session(group, of, of.session_timeout); }
    void reset_session(classic_group& group, member& of, milliseconds timeout);
    /// `id` sent its SyncGroup.
    void synced(classic_group& group, const std::string& id);
    /// Out of the group, with `why` for what it has parked. The caller goes on with rebalance_or_complete().
    void remove_member(classic_group& group, const std::string& id, errc why);
    void remove_pending(classic_group& group, const std::string& id);
    /// Forgets a group that the log does not know and nobody is in or about to join.
    void drop_if_unused(classic_group& group);
    /// Cancels its timers, answers what is parked with `why`, and forgets it.
    void erase(classic_group& group, errc why);

    instant now() const noexcept { return now_; }
    std::vector<record>& records() noexcept { return records_; }

private:
    void fail_syncs(classic_group& group, errc why);

    shard_state& shard_;
    std::vector<record>& records_;
    instant now_;
};

protocol::join_group_response join_success(const classic_group& group, const member& to);

}  // namespace weir::group
