#include <weir/group/group_shard.hpp>

#include "classic_requests.hpp"
#include "group_admin.hpp"
#include "offset_requests.hpp"
#include "records.hpp"

#include <weir/base/log.hpp>

#include <algorithm>

#include <fmt/format.h>

namespace weir::group {

namespace {

log::logger group_shard_logs{"weir.group.replay"};

committed_offset read_offset(const protocol::offset_commit_value& value, std::int64_t log_offset) {
    committed_offset out;
    out.offset = value.offset;
    out.leader_epoch = value.leader_epoch;
    out.metadata = value.metadata;
    out.commit_timestamp = value.commit_timestamp;
    out.expire_timestamp = value.expire_timestamp;
    out.topic_id = value.topic_id;
    out.log_offset = log_offset;
    return out;
}

milliseconds non_negative(std::int32_t ms) { return milliseconds{std::max(ms, 0)}; }

/// A member as recorded. What a live one knows beyond the record, it keeps.
member restore(const protocol::group_metadata_value::member_metadata& recorded, const std::string& protocol,
               member* live) {
    member out;
    if (live) out = std::move(*live);
    out.id = recorded.member_id;
    out.instance_id = recorded.group_instance_id;
    out.client_id = recorded.client_id;
    out.client_host = recorded.client_host;
    out.session_timeout = non_negative(recorded.session_timeout);
    out.rebalance_timeout =
        recorded.rebalance_timeout < 0 ? out.session_timeout : non_negative(recorded.rebalance_timeout);
    out.assignment = recorded.assignment;
    const member_protocol selected{protocol, recorded.subscription};
    if (std::ranges::find(out.protocols, selected) == out.protocols.end()) out.protocols = {selected};
    return out;
}

/// True when the record is what this very group decided just now, and so ends the rebalance it is in.
bool concludes(const classic_group& group, const protocol::group_metadata_value& value) {
    return group.generation == value.generation && group.members.size() == value.members.size() &&
           std::ranges::all_of(value.members, [&](const auto& m) { return group.members.contains(m.member_id); });
}

}  // namespace

struct group_shard::state : shard_state {
    using shard_state::shard_state;

    void replay_offset(std::int64_t log_offset, std::int64_t producer_id, const offset_entry& entry);
    void replay_group(const group_entry& entry);
    void answer_syncs(classic_group& group);
    void fire(const deadline_event& event, rebalancer& rebalance);

    std::optional<instant> seen;  // of the last request or tick: replay has no clock, and answers start new sessions
};

group_shard::group_shard(group_config config, const topic_directory& topics, std::uint64_t seed)
    : state_(std::make_unique<state>(config, topics, seed)) {}
group_shard::~group_shard() = default;
group_shard::group_shard(group_shard&&) noexcept = default;
group_shard& group_shard::operator=(group_shard&&) noexcept = default;

decision<protocol::join_group_response> group_shard::join_group(const request_context& context,
                                                                protocol::join_group_request request, reply_token token,
                                                                instant now) {
    state_->seen = now;
    return group::join_group(*state_, context, std::move(request), token, now);
}
decision<protocol::sync_group_response> group_shard::sync_group(const request_context& context,
                                                                protocol::sync_group_request request, reply_token token,
                                                                instant now) {
    state_->seen = now;
    return group::sync_group(*state_, context, std::move(request), token, now);
}
decision<protocol::heartbeat_response> group_shard::heartbeat(const protocol::heartbeat_request& request, instant now) {
    return group::heartbeat(*state_, request, now);
}
decision<protocol::leave_group_response> group_shard::leave_group(const request_context& context,
                                                                  const protocol::leave_group_request& request,
                                                                  instant now) {
    return group::leave_group(*state_, context, request, now);
}
decision<protocol::offset_commit_response> group_shard::offset_commit(const request_context& context,
                                                                      const protocol::offset_commit_request& request,
                                                                      instant now) {
    return group::offset_commit(*state_, context, request, now);
}
decision<protocol::txn_offset_commit_response> group_shard::txn_offset_commit(
    const protocol::txn_offset_commit_request& request, instant now) {
    return group::txn_offset_commit(*state_, request, now);
}
decision<protocol::offset_delete_response> group_shard::offset_delete(const protocol::offset_delete_request& request) {
    return group::offset_delete(*state_, request);
}
decision<std::vector<protocol::delete_groups_response::deletable_group_result>> group_shard::delete_groups(
    std::span<const std::string> ids) {
    return group::delete_groups(*state_, ids);
}
std::vector<record> group_shard::topics_deleted(std::span<const std::string> names) {
    return group::topics_deleted(*state_, names);
}
protocol::offset_fetch_response::offset_fetch_response_group group_shard::offset_fetch(
    const protocol::offset_fetch_request::offset_fetch_request_group& request, std::int16_t api_version,
    bool require_stable) const {
    return group::offset_fetch(*state_, request, api_version, require_stable);
}
std::vector<protocol::list_groups_response::listed_group> group_shard::list_groups(
    const protocol::list_groups_request& request) const {
    return group::list_groups(*state_, request);
}
std::vector<protocol::describe_groups_response::described_group> group_shard::describe_groups(
    std::span<const std::string> ids, std::int16_t api_version) const {
    return group::describe_groups(*state_, ids, api_version);
}

void group_shard::replay(std::int64_t log_offset, std::int64_t producer_id, bytes_view key,
                         std::optional<bytes_view> value) {
    auto entry = read_record(key, value);
    if (!entry) {
        ++state_->totals.skipped_records;
        group_shard_logs.error(fmt::format("__consumer_offsets: the record at offset {} does not read and is skipped: {}",
                               log_offset, entry.error().message()));
        return;
    }
    if (const auto* offset = std::get_if<offset_entry>(&*entry)) {
        state_->replay_offset(log_offset, producer_id, *offset);
    } else if (const auto* group = std::get_if<group_entry>(&*entry)) {
        state_->replay_group(*group);
    } else {
        ++state_->totals.skipped_records;
        group_shard_logs.debug(fmt::format("__consumer_offsets: skipped a record of type {} at offset {}: not a classic group's",
                               std::get<foreign_entry>(*entry).type, log_offset));
    }
}

void group_shard::replay_marker(std::int64_t producer_id, bool committed) {
    state_->offsets.end_transaction(producer_id, committed);
}

void group_shard::state::replay_offset(std::int64_t log_offset, std::int64_t producer_id, const offset_entry& entry) {
    const auto& key = entry.key;
    if (!entry.value) return offsets.remove(key.group, key.topic, key.partition);
    // Offsets alone make a group: the simple kind, without members or protocol.
    find_or_add(key.group).recorded = true;
    auto value = read_offset(*entry.value, log_offset);
    if (producer_id < 0)
        offsets.put(key.group, key.topic, key.partition, std::move(value));
    else
        offsets.put_pending(producer_id, key.group, key.topic, key.partition, std::move(value));
}

void group_shard::state::replay_group(const group_entry& entry) {
    const auto& id = entry.key.group;
    if (!entry.value) {
        std::vector<record> none;
        if (auto* group = find(id))
            rebalancer{*this, none, seen.value_or(instant{})}.erase(*group, errc::unknown_member_id);
        return;
    }
    const auto& value = *entry.value;
    auto& group = find_or_add(id);
    const bool live = concludes(group, value);
    if (!live) {
        deadlines.cancel(group.join_deadline);
        deadlines.cancel(group.sync_deadline);
        group.pending_sync.clear();
    }
    auto before = std::exchange(group.members, {});
    group.static_members.clear();
    group.recorded = true;
    group.generation = value.generation;
    group.protocol_type = value.protocol_type.empty() ? std::nullopt : std::optional{value.protocol_type};
    group.protocol = value.protocol;
    group.leader = value.leader && !value.leader->empty() ? value.leader : std::nullopt;
    group.state_timestamp = value.current_state_timestamp;
    for (const auto& recorded : value.members) {
        const auto at = before.find(recorded.member_id);
        auto restored = restore(recorded, value.protocol.value_or(""), at == before.end() ? nullptr : &at->second);
        if (at != before.end()) before.erase(at);
        if (restored.instance_id) group.static_members.insert_or_assign(*restored.instance_id, restored.id);
        group.members.insert_or_assign(recorded.member_id, std::move(restored));
    }
    for (auto& [gone, m] : before) {
        deadlines.cancel(m.session);
        answer(m.join, join_error(errc::unknown_member_id, gone));
        answer(m.sync, sync_error(errc::unknown_member_id));
    }
    const bool was_completing = group.state == group_state::completing_rebalance;
    group.previous_state = group.state;
    group.state = group.members.empty() ? group_state::empty : group_state::stable;
    group.compute_subscribed_topics();
    if (was_completing && group.state == group_state::stable) ++totals.completed_rebalances;
    answer_syncs(group);
}

void group_shard::state::answer_syncs(classic_group& group) {
    std::vector<record> none;
    for (auto& [id, m] : group.members) {
        if (!m.awaits_sync()) continue;
        protocol::sync_group_response response;
        response.protocol_type = group.protocol_type;
        response.protocol_name = group.protocol;
        response.assignment = m.assignment;
        answer(m.sync, std::move(response));
        // While parked the session did not count; from here it does again.
        if (seen) rebalancer{*this, none, *seen}.reset_session(group, m);
    }
}

void group_shard::loaded(instant now) {
    state_->seen = now;
    state_->deadlines.set(state_->next_expiry, now.steady + state_->config.offsets_retention_check_interval,
                          {deadline_kind::expire_offsets, {}, {}});
    std::vector<record> none;
    rebalancer rebalance{*state_, none, now};
    const auto limit = static_cast<std::size_t>(state_->config.max_size);
    for (auto& [id, group] : state_->groups) {
        for (auto& [member_id, m] : group.members) rebalance.reset_session(group, m);
        // The limit was lowered since: whoever rejoins last is refused. No record comes of this, as nobody has joined.
        if (group.members.size() > limit) rebalance.prepare(group);
    }
}

std::optional<time_point> group_shard::next_deadline() const { return state_->deadlines.next(); }

std::vector<record> group_shard::tick(instant now) {
    state_->seen = now;
    std::vector<record> records;
    rebalancer rebalance{*state_, records, now};
    bool expire = false;
    while (auto event = state_->deadlines.take_due(now.steady)) {
        if (event->kind == deadline_kind::expire_offsets) {
            expire = true;
            state_->deadlines.set(state_->next_expiry, now.steady + state_->config.offsets_retention_check_interval,
                                  {deadline_kind::expire_offsets, {}, {}});
        } else {
            state_->fire(*event, rebalance);
        }
        // What comes next would judge a state that the records so far are about to change.
        if (!records.empty()) return records;
        if (expire) return expire_offsets(*state_, now);
    }
    return records;
}

void group_shard::state::fire(const deadline_event& event, rebalancer& rebalance) {
    auto* group = find(event.group);
    if (!group) return;
    switch (event.kind) {
        case deadline_kind::session: return expire_session(*this, rebalance, *group, event.member);
        case deadline_kind::initial_join: return rebalance.end_initial_delay(*group);
        case deadline_kind::join: return rebalance.complete_join(*group);
        case deadline_kind::sync: return rebalance.end_sync_phase(*group);
        case deadline_kind::expire_offsets: return;
    }
}

std::vector<reply> group_shard::take_replies() { return std::exchange(state_->replies, {}); }

void group_shard::shut_down(errc why) {
    for (auto& [id, group] : state_->groups) {
        for (auto& [member_id, m] : group.members) {
            state_->answer(m.join, join_error(why, member_id));
            state_->answer(m.sync, sync_error(why));
        }
    }
}

std::vector<group_snapshot> group_shard::groups() const {
    std::vector<group_snapshot> out;
    for (const auto& [id, group] : state_->groups) out.push_back(group.snapshot());
    std::ranges::sort(out, {}, &group_snapshot::id);
    return out;
}
std::optional<group_snapshot> group_shard::find(std::string_view group_id) const {
    const auto* group = state_->find(group_id);
    if (!group) return std::nullopt;
    return group->snapshot();
}
const committed_offset* group_shard::find_offset(std::string_view group_id, std::string_view topic,
                                                 std::int32_t partition) const {
    return state_->offsets.find(group_id, topic, partition);
}
shard_counters group_shard::counters() const {
    auto out = state_->totals;
    out.groups = state_->groups.size();
    out.offsets = state_->offsets.size();
    for (const auto& [id, group] : state_->groups) {
        switch (group.state) {
            case group_state::empty: ++out.empty_groups; break;
            case group_state::preparing_rebalance: ++out.preparing_groups; break;
            case group_state::completing_rebalance: ++out.completing_groups; break;
            case group_state::stable: ++out.stable_groups; break;
        }
    }
    return out;
}

}  // namespace weir::group
