#include "rebalance.hpp"

#include "records.hpp"

#include <algorithm>

namespace weir::group {

protocol::join_group_response join_error(errc why, std::string_view member_id) {
    protocol::join_group_response out;
    out.error_code = wire_code(why);
    out.protocol_name.reset();
    out.member_id = member_id;
    return out;
}

protocol::sync_group_response sync_error(errc why) {
    protocol::sync_group_response out;
    out.error_code = wire_code(why);
    return out;
}

protocol::join_group_response join_success(const classic_group& group, const member& to) {
    protocol::join_group_response out;
    out.generation_id = group.generation;
    out.protocol_type = group.protocol_type;
    out.protocol_name = group.protocol;
    out.leader = group.leader.value_or("");
    out.member_id = to.id;
    if (group.is_leader(to.id)) {
        for (const auto& [id, m] : group.members) {
            auto& listed = out.members.emplace_back();
            listed.member_id = id;
            listed.group_instance_id = m.instance_id;
            if (group.protocol) listed.metadata = m.metadata(*group.protocol);
        }
    }
    return out;
}

void rebalancer::rebalance_or_complete(classic_group& group) {
    if (group.can_rebalance())
        prepare(group);
    else
        complete_if_all_joined(group);
}

void rebalancer::prepare(classic_group& group) {
    if (group.state == group_state::completing_rebalance) fail_syncs(group, errc::rebalance_in_progress);
    group.pending_sync.clear();
    shard_.deadlines.cancel(group.sync_deadline);

    const bool initial = group.state == group_state::empty;
    group.transition(group_state::preparing_rebalance, now_.wall);
    if (initial) {
        const auto delay = shard_.config.initial_rebalance_delay;
        group.member_added = false;
        group.initial_delay = delay;
        group.initial_remaining = std::max(group.rebalance_timeout() - delay, milliseconds{0});
        shard_.deadlines.set(group.join_deadline, now_.steady + delay, {deadline_kind::initial_join, group.id, {}});
    } else if (group.all_joined()) {
        complete_join(group);
    } else {
        shard_.deadlines.set(group.join_deadline, now_.steady + group.rebalance_timeout(),
                             {deadline_kind::join, group.id, {}});
    }
}

void rebalancer::complete_if_all_joined(classic_group& group) {
    if (group.state != group_state::preparing_rebalance) return;
    if (group.previous_state == group_state::empty) return;
    if (group.all_joined()) complete_join(group);
}

void rebalancer::complete_join(classic_group& group) {
    if (group.state != group_state::preparing_rebalance) return;
    shard_.deadlines.cancel(group.join_deadline);

    // Static members may be away for a restart: only their session ends their membership.
    std::vector<std::string> missing;
    for (const auto& [id, m] : group.members) {
        if (!m.awaits_join() && !m.instance_id) missing.push_back(id);
    }
    for (const auto& id : missing) remove_member(group, id, errc::unknown_member_id);

    if (!group.elect_joined_leader() && !group.members.empty()) {
        // Only static members are left and none is here: wait for one, or for their sessions to end. Not without end in
        // one moment, though, if their rebalance timeout is 0.
        const auto again = std::max(group.rebalance_timeout(), milliseconds{1'000});
        shard_.deadlines.set(group.join_deadline, now_.steady + again, {deadline_kind::join, group.id, {}});
        return;
    }
    group.next_generation(now_.wall);
    if (group.members.empty()) {
        records_.push_back(group_record(group, {}, now_.wall));
        return;
    }
    for (auto& [id, m] : group.members) {
        m.is_new = false;
        group.pending_sync.insert(id);
        reset_session(group, m);
        // Of the assignments only the leader's SyncGroup says anything; the old ones belong to the old generation.
        m.assignment.clear();
        shard_.answer(m.join, join_success(group, m));
    }
    shard_.deadlines.set(group.sync_deadline, now_.steady + group.rebalance_timeout(),
                         {deadline_kind::sync, group.id, {}});
}

void rebalancer::end_initial_delay(classic_group& group) {
    if (!group.member_added || group.initial_remaining <= milliseconds{0}) {
        complete_join(group);
        return;
    }
    group.member_added = false;
    const auto delay = std::min(shard_.config.initial_rebalance_delay, group.initial_remaining);
    group.initial_remaining = std::max(group.initial_remaining - group.initial_delay, milliseconds{0});
    group.initial_delay = delay;
    shard_.deadlines.set(group.join_deadline, now_.steady + delay, {deadline_kind::initial_join, group.id, {}});
}

void rebalancer::end_sync_phase(classic_group& group) {
    if (group.state != group_state::completing_rebalance && group.state != group_state::stable) return;
    if (group.pending_sync.empty()) return;
    const std::vector<std::string> silent(group.pending_sync.begin(), group.pending_sync.end());
    for (const auto& id : silent) remove_member(group, id, errc::unknown_member_id);
    prepare(group);
}

void rebalancer::reset_session(classic_group& group, member& of, milliseconds timeout) {
    const auto when = now_.steady + timeout;
    if (!shard_.deadlines.move(of.session, when))
        shard_.deadlines.set(of.session, when, {deadline_kind::session, group.id, of.id});
}

void rebalancer::synced(classic_group& group, const std::string& id) {
    group.pending_sync.erase(id);
    if (group.pending_sync.empty()) shard_.deadlines.cancel(group.sync_deadline);
}

void rebalancer::remove_member(classic_group& group, const std::string& id, errc why) {
    if (auto* leaving = group.find(id)) {
        shard_.answer(leaving->join, join_error(why, ""));
        shard_.answer(leaving->sync, sync_error(why));
        shard_.deadlines.cancel(leaving->session);
    }
    group.remove(id);
}

void rebalancer::remove_pending(classic_group& group, const std::string& id) {
    const auto at = group.pending_members.find(id);
    if (at == group.pending_members.end()) return;
    shard_.deadlines.cancel(at->second);
    group.pending_members.erase(at);
}

void rebalancer::drop_if_unused(classic_group& group) {
    if (!group.recorded && group.state == group_state::empty && group.members.empty() && group.pending_members.empty())
        erase(group, errc::unknown_member_id);
}

void rebalancer::erase(classic_group& group, errc why) {
    shard_.deadlines.cancel(group.join_deadline);
    shard_.deadlines.cancel(group.sync_deadline);
    for (auto& entry : group.pending_members) shard_.deadlines.cancel(entry.second);
    for (auto& [id, m] : group.members) {
        shard_.answer(m.join, join_error(why, id));
        shard_.answer(m.sync, sync_error(why));
        shard_.deadlines.cancel(m.session);
    }
    const std::string id = group.id;
    shard_.groups.erase(id);
}

void rebalancer::fail_syncs(classic_group& group, errc why) {
    for (auto& [id, m] : group.members) {
        m.assignment.clear();
        if (!m.awaits_sync()) continue;
        shard_.answer(m.sync, sync_error(why));
        reset_session(group, m);
    }
}

}  // namespace weir::group
