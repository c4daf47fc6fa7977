// JoinGroup (key 11), v0-v9. v0: no rebalance timeout, the session's counts. v4: an id first (KIP-394). v5: static
// members (KIP-345). v7: protocol type and nullable protocol name (KIP-559). v8: a reason (KIP-800). v9:
// skip_assignment (KIP-814).
#include "classic_requests.hpp"
#include "records.hpp"

#include <weir/base/log.hpp>
#include <weir/base/uuid.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace weir::group {

namespace {

log::logger join_group_logs{"weir.group.classic"};

constexpr std::int16_t requires_member_id = 4;
constexpr std::int16_t nullable_protocol_name = 7;
constexpr std::int16_t can_skip_assignment = 9;

std::string new_member_id(random_source& random, std::string_view prefix) {
    // The id has to fit a string of the protocol, and prefixes come from clients.
    constexpr std::size_t longest_prefix = 1024;
    if (prefix.size() > longest_prefix) {
        prefix = prefix.substr(0, longest_prefix);
        while (!prefix.empty() && (static_cast<unsigned char>(prefix.back()) & 0xc0) == 0x80) prefix.remove_suffix(1);
        if (!prefix.empty() && static_cast<unsigned char>(prefix.back()) >= 0xc0) prefix.remove_suffix(1);
    }
    const auto id = random_uuid(random);
    return fmt::format("{}-{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", prefix, id.high >> 32, (id.high >> 16) & 0xffff,
                       id.high & 0xffff, id.low >> 48, id.low & 0xffffffffffff);
}

std::vector<member_protocol> protocols_of(protocol::join_group_request& request) {
    std::vector<member_protocol> out;
    for (auto& listed : request.protocols) {
        // A name twice would count as two votes.
        if (std::ranges::find(out, listed.name, &member_protocol::name) == out.end())
            out.push_back({std::move(listed.name), std::move(listed.metadata)});
    }
    return out;
}

/// One JoinGroup on its way.
class joining {
public:
    joining(shard_state& shard, rebalancer& rebalance, const request_context& context,
            protocol::join_group_request request, reply_token token)
        : shard_(shard),
          rebalance_(rebalance),
          context_(context),
          request_(std::move(request)),
          token_(token) {
        protocols_ = protocols_of(request_);
        session_timeout_ = milliseconds{request_.session_timeout_ms};
        rebalance_timeout_ = milliseconds{std::max(request_.rebalance_timeout_ms, 0)};
        if (context_.api_version == 0) rebalance_timeout_ = session_timeout_;
    }

    void run();

private:
    void refuse(errc why, std::string_view member_id) { shard_.answer(token_, join_error(why, member_id)); }
    bool accepts(const classic_group& group) const;
    void new_member(classic_group& group);
    void known_member(classic_group& group);
    void add(classic_group& group, const std::string& member_id);
    void update(member& m);
    void rejoin(classic_group& group, member& m);
    void replace_static(classic_group& group, const std::string& old_id, const std::string& new_id);
    void record_replaced(classic_group& group, member& m, const std::string& old_leader);
    void report(const classic_group& group, std::string_view what, std::string_view member_id) const;

    shard_state& shard_;
    rebalancer& rebalance_;
    const request_context& context_;
    protocol::join_group_request request_;
    reply_token token_;
    std::vector<member_protocol> protocols_;
    milliseconds session_timeout_{};
    milliseconds rebalance_timeout_{};
};

void joining::report(const classic_group& group, std::string_view what, std::string_view member_id) const {
    if (!join_group_logs.enabled(log::level::debug)) return;
    join_group_logs.debug(fmt::format("group {} ({}, generation {}): {} {}{}{}", group.id, to_string(group.state),
                           group.generation, what, member_id, request_.reason ? "; reason: " : "",
                           request_.reason.value_or("")));
}

void joining::run() {
    if (request_.group_id.empty()) return refuse(errc::invalid_group_id, request_.member_id);
    if (session_timeout_ < shard_.config.min_session_timeout || session_timeout_ > shard_.config.max_session_timeout)
        return refuse(errc::invalid_session_timeout, request_.member_id);

    const bool unknown = request_.member_id.empty();
    auto* group = shard_.find(request_.group_id);
    if (!group) {
        // Whoever brings a member id got it from a group that is gone.
        if (!unknown) return refuse(errc::unknown_member_id, request_.member_id);
        group = &shard_.find_or_add(request_.group_id);
    }
    if (!accepts(*group)) {
        if (!unknown) {
            rebalance_.remove_pending(*group, request_.member_id);
            rebalance_.remove_member(*group, request_.member_id, errc::group_max_size_reached);
            rebalance_.complete_if_all_joined(*group);
        }
        return refuse(errc::group_max_size_reached, "");
    }
    if (!group->supports(request_.protocol_type, protocols_)) {
        refuse(errc::inconsistent_group_protocol, request_.member_id);
    } else if (unknown) {
        new_member(*group);
    } else {
        known_member(*group);
    }
    rebalance_.drop_if_unused(*group);
}

/// While a rebalance gathers members, those already parked count, not those it knows: a group that is too large after
/// the limit was lowered loses whoever comes last.
bool joining::accepts(const classic_group& group) const {
    const auto limit = static_cast<std::size_t>(shard_.config.max_size);
    const auto* known = group.find(request_.member_id);
    switch (group.state) {
        case group_state::empty: return true;
        case group_state::preparing_rebalance: return (known && known->awaits_join()) || group.awaiting_join() < limit;
        case group_state::completing_rebalance:
        case group_state::stable: break;
    }
    return known || group.members.size() < limit;
}

void joining::new_member(classic_group& group) {
    if (request_.group_instance_id) {
        const auto id = new_member_id(shard_.random, *request_.group_instance_id);
        const auto mapped = group.static_members.find(*request_.group_instance_id);
        if (mapped == group.static_members.end()) return add(group, id);
        const std::string old_id = mapped->second;
        return replace_static(group, old_id, id);
    }
    const auto id = new_member_id(shard_.random, context_.client_id);
    if (context_.api_version < requires_member_id) return add(group, id);
    auto& session = group.pending_members[id];
    shard_.deadlines.set(session, rebalance_.now().steady + session_timeout_, {deadline_kind::session, group.id, id});
    report(group, "gave out the member id", id);
    refuse(errc::member_id_required, id);
}

void joining::known_member(classic_group& group) {
    const auto& id = request_.member_id;
    if (group.pending_members.contains(id)) {
        if (request_.group_instance_id) return refuse(errc::unknown_member_id, id);  // ids are not given out to those
        rebalance_.remove_pending(group, id);
        return add(group, id);
    }
    if (const auto wrong = group.check_member(id, request_.group_instance_id); wrong != errc::none)
        return refuse(wrong, id);

    auto& m = *group.find(id);
    switch (group.state) {
        case group_state::preparing_rebalance: return rejoin(group, m);
        case group_state::completing_rebalance:
            // The same again: the answer got lost.
            if (m.protocols == protocols_) return shard_.answer(token_, join_success(group, m));
            return rejoin(group, m);
        case group_state::stable:
            // A leader may want new assignments for reasons its metadata does not show.
            if (group.is_leader(id) || m.protocols != protocols_) return rejoin(group, m);
            return shard_.answer(token_, join_success(group, m));
        case group_state::empty: break;
    }
    refuse(errc::unknown_member_id, id);
}

void joining::add(classic_group& group, const std::string& member_id) {
    member m;
    m.id = member_id;
    m.instance_id = request_.group_instance_id;
    m.client_id = context_.client_id;
    m.client_host = context_.client_host;
    m.is_new = true;
    if (group.state == group_state::preparing_rebalance && group.previous_state == group_state::empty)
        group.member_added = true;
    auto& added = group.add(std::move(m), request_.protocol_type);
    update(added);
    report(group, "new member", member_id);
    // It cannot heartbeat before it knows its id, and a parked request hides that its client is gone. So the request
    // itself is timed; a client that is still there asks again.
    rebalance_.reset_session(group, added, shard_.config.new_member_join_timeout);
    rebalance_.rebalance_or_complete(group);
}

void joining::update(member& m) {
    m.protocols = std::move(protocols_);
    m.rebalance_timeout = rebalance_timeout_;
    m.session_timeout = session_timeout_;
    // An earlier request of this member is overtaken; its client has usually hung up.
    shard_.answer(m.join, join_error(errc::rebalance_in_progress, m.id));
    m.join = std::exchange(token_, reply_token::none);
}

void joining::rejoin(classic_group& group, member& m) {
    report(group, "rejoining member", m.id);
    update(m);
    rebalance_.rebalance_or_complete(group);
}

void joining::replace_static(classic_group& group, const std::string& old_id, const std::string& new_id) {
    const std::string old_leader = group.leader.value_or("");
    auto& m = group.rename_static(old_id, new_id);
    auto fenced = join_error(errc::fenced_instance_id, old_id);
    shard_.answer(m.join, std::move(fenced));
    shard_.answer(m.sync, sync_error(errc::fenced_instance_id));
    shard_.deadlines.cancel(m.session);
    m.is_new = false;  // who is gone comes back under another id and ends this wait: the session need not
    m.client_id = context_.client_id;
    m.client_host = context_.client_host;
    update(m);
    rebalance_.reset_session(group, m);
    report(group, "static member came back as", new_id);

    if (group.state == group_state::preparing_rebalance) return rebalance_.complete_if_all_joined(group);
    // After SyncGroup the leader may have assigned to the old id already: only a new generation helps.
    if (group.state == group_state::completing_rebalance) return rebalance_.prepare(group);
    if (group.select_protocol() != group.protocol) return rebalance_.prepare(group);
    record_replaced(group, m, old_leader);
}

/// The returning member keeps its assignment and nobody else notices.
void joining::record_replaced(classic_group& group, member& m, const std::string& old_leader) {
    std::map<std::string, bytes, std::less<>> assignments;
    for (const auto& [id, each] : group.members) assignments.emplace(id, each.assignment);
    auto written = group_record(group, assignments, rebalance_.now().wall);
    if (written.value->size() > static_cast<std::size_t>(shard_.config.max_record_bytes))
        return rebalance_.prepare(group);
    rebalance_.records().push_back(std::move(written));

    auto response = join_success(group, m);
    if (context_.api_version >= can_skip_assignment) {
        response.skip_assignment = group.is_leader(m.id);
    } else {
        // An older client that is told it leads would compute a new assignment, which nobody would take.
        response.leader = old_leader;
        response.members.clear();
    }
    shard_.answer(m.join, std::move(response));
}

}  // namespace

decision<protocol::join_group_response> join_group(shard_state& shard, const request_context& context,
                                                   protocol::join_group_request request, reply_token token,
                                                   instant now) {
    decision<protocol::join_group_response> out;
    rebalancer rebalance{shard, out.records, now};
    joining{shard, rebalance, context, std::move(request), token}.run();
    out.response = take_own<protocol::join_group_response>(shard.replies, token);
    if (out.response && context.api_version < nullable_protocol_name && !out.response->protocol_name)
        out.response->protocol_name = "";
    return out;
}

void expire_session(shard_state& shard, rebalancer& rebalance, classic_group& group, const std::string& member_id) {
    if (group.pending_members.contains(member_id)) {
        rebalance.remove_pending(group, member_id);
        rebalance.complete_if_all_joined(group);
        return rebalance.drop_if_unused(group);
    }
    const auto* m = group.find(member_id);
    // A parked request is a sign of life; its answer starts the next session. Not so for a member's first JoinGroup.
    if (!m || (!m->is_new && (m->awaits_join() || m->awaits_sync()))) return;
    join_group_logs.info(
        fmt::format("group {} ({}, generation {}): member {} is removed, it was not heard of for its session timeout "
                    "({} ms)",
                    group.id, to_string(group.state), group.generation, member_id,
                    (m->is_new ? shard.config.new_member_join_timeout : m->session_timeout).count()));
    rebalance.remove_member(group, member_id, errc::unknown_member_id);
    rebalance.rebalance_or_complete(group);
}

}  // namespace weir::group
