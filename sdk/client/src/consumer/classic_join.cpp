// How a member comes by its partitions: JoinGroup, the leader's plan, SyncGroup, and what is given up and taken then.
#include "classic_member.hpp"
#include "consumer_protocol.hpp"

#include <weir/base/log.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace weir::detail {
namespace {

log::logger classic_join_logs{"weir.client.group"};
constexpr std::string_view protocol_type = "consumer";

}  // namespace

void classic_member::go_on() {
    if (leaving_) {
        if (!going_.empty() || phase_ == phase::leaving) return;
        if (!owned_.empty()) return begin_revoke({owned_.begin(), owned_.end()}, phase::giving_up);
        return send_leave("the consumer is being closed");
    }
    if (!may_join() || !rejoin_needed_ || now_ < retry_at_) return;
    if (phase_ != phase::out && phase_ != phase::stable) return;
    watched_.clear();
    std::vector<topic_partition> going;
    std::copy_if(owned_.begin(), owned_.end(), std::back_inserter(going), [&](const auto& each) { return !cooperative_ || !wants(each.topic); });
    if (going.empty()) send_join();
    else begin_revoke(std::move(going), phase::giving_up);
}

void classic_member::send_join() {
    phase_ = phase::joining;
    joined_topics_ = topics_;
    rejoin_needed_ = false;
    asked_ = ++last_ticket_;
    protocol::join_group_request request;
    request.group_id = config_.group_id;
    request.session_timeout_ms = static_cast<std::int32_t>(config_.session_timeout.count());
    request.rebalance_timeout_ms = static_cast<std::int32_t>(config_.max_poll_interval.count());
    request.member_id = identity_.member_id;
    if (!config_.instance_id.empty()) request.group_instance_id = config_.instance_id;
    request.protocol_type = protocol_type;
    request.reason = rejoin_reason_.substr(0, 255);
    for (const auto& each : strategies_) {
        joining_member joining;
        joining.topics = {topics_.begin(), topics_.end()};
        joining.owned.assign(owned_.begin(), owned_.end());
        if (identity_.generation >= 0) joining.generation = identity_.generation;
        joining.rack = config_.rack;
        joining.user_data = each.how->user_data(each.last ? &*each.last : nullptr, each.generation);
        auto metadata = encode_subscription(joining);
        if (!metadata) return fail(metadata.error());
        auto& offered = request.protocols.emplace_back();
        offered.name = each.how->name;
        offered.metadata = *std::move(metadata);
    }
    classic_join_logs.info(fmt::format("group {}: joining ({})", config_.group_id, rejoin_reason_));
    join_out_ = asked_;
    effects_.push_back(member_effect::join{asked_, std::move(request)});
}

void classic_member::joined(ticket of, const protocol::join_group_response& answer, time_point now) {
    if (of == join_out_) join_out_ = 0;
    if (of != asked_ || phase_ != phase::joining) return;
    now_ = now;
    asked_ = 0;
    const auto code = errc_from_wire(answer.error_code);
    if (code == errc::member_id_required) {
        identity_.member_id = answer.member_id;
        identity_.generation = -1;
        return send_join();
    }
    if (code != errc::none) return trouble(code, "JoinGroup");
    if (answer.protocol_type && *answer.protocol_type != protocol_type) {
        return fail(explained(errc::inconsistent_group_protocol, "JoinGroup", fmt::format("its members are of type '{}'", *answer.protocol_type)));
    }
    identity_.member_id = answer.member_id;
    identity_.generation = answer.generation_id;
    const auto at = std::find_if(strategies_.begin(), strategies_.end(), [&](const auto& each) { return each.how->name == answer.protocol_name.value_or(""); });
    if (at == strategies_.end()) {
        return fail(explained(errc::inconsistent_group_protocol, "JoinGroup", fmt::format("the coordinator chose '{}', which was not offered", answer.protocol_name.value_or(""))));
    }
    chosen_ = &*at;
    failures_ = 0;
    beating_ = 0;  // what is on its way speaks of the generation before
    begin_session();
    if (answer.leader != answer.member_id) {
        phase_ = phase::syncing;
        return send_sync({});
    }
    members_.clear();
    for (const auto& each : answer.members) {
        auto member = decode_subscription(each.metadata);
        if (!member) return fail(error{errc::malformed, fmt::format("group {}: what member {} subscribes to cannot be read", config_.group_id, each.member_id), member.error()});
        member->id = each.member_id;
        member->instance_id = each.group_instance_id;
        watched_.insert(member->topics.begin(), member->topics.end());
        members_.push_back(*std::move(member));
    }
    skip_assignment_ = answer.skip_assignment;
    phase_ = phase::describing;
    asked_ = ++last_ticket_;
    effects_.push_back(member_effect::describe_topics{asked_, {watched_.begin(), watched_.end()}});
}

// --- the leader's part

void classic_member::described(ticket of, topic_map topics) {
    if (of != asked_ || phase_ != phase::describing) return;
    phase_ = phase::syncing;
    assigned_from_ = std::move(topics);
    if (skip_assignment_) send_sync({});  // a static leader came back: what it decided before holds
    else assign_all(assigned_from_);
    members_.clear();
}

void classic_member::assign_all(const topic_map& topics) {
    std::vector<protocol::sync_group_request::sync_group_request_assignment> all;
    for (const auto& [id, partitions] : chosen_->how->assign(topics, members_)) {
        auto encoded = encode_assignment(partitions);
        if (!encoded) return fail(encoded.error());
        auto& one = all.emplace_back();
        one.member_id = id;
        one.assignment = *std::move(encoded);
    }
    classic_join_logs.info(fmt::format("group {}: leads generation {}, {} members share {} topics by {}", config_.group_id, identity_.generation, members_.size(), topics.size(),
                          chosen_->how->name));
    send_sync(std::move(all));
}

void classic_member::topics_are(const topic_map& topics) {
    const bool settled = phase_ == phase::stable || phase_ == phase::giving_up_some;
    if (settled && !watched_.empty() && topics != assigned_from_) ask_to_rejoin("cached metadata has changed");
}

void classic_member::send_sync(std::vector<protocol::sync_group_request::sync_group_request_assignment> assignments) {
    asked_ = ++last_ticket_;
    protocol::sync_group_request request;
    request.group_id = config_.group_id;
    request.generation_id = identity_.generation;
    request.member_id = identity_.member_id;
    if (!config_.instance_id.empty()) request.group_instance_id = config_.instance_id;
    request.protocol_type = protocol_type;
    request.protocol_name = std::string{chosen_->how->name};
    request.assignments = std::move(assignments);
    effects_.push_back(member_effect::sync{asked_, std::move(request)});
}

void classic_member::synced(ticket of, const protocol::sync_group_response& answer, time_point now) {
    if (of != asked_ || phase_ != phase::syncing) return;
    now_ = now;
    asked_ = 0;
    const auto code = errc_from_wire(answer.error_code);
    if (code == errc::rebalance_in_progress) {  // already the next one
        phase_ = phase::stable;
        ask_to_rejoin("group is already rebalancing");
        return go_on();
    }
    if (code != errc::none) return trouble(code, "SyncGroup");
    if ((answer.protocol_type && *answer.protocol_type != protocol_type) || (answer.protocol_name && *answer.protocol_name != chosen_->how->name)) {
        return fail(explained(errc::inconsistent_group_protocol, "SyncGroup", "it went on with another protocol"));
    }
    auto read = decode_assignment(answer.assignment);
    if (!read) return fail(error{errc::malformed, fmt::format("group {}: the assignment cannot be read", config_.group_id), read.error()});
    failures_ = 0;
    begin_session();
    take_assignment(*std::move(read));
}

void classic_member::take_assignment(std::vector<topic_partition> partitions) {
    phase_ = phase::stable;
    // The subscription changed while the group agreed on the old one.
    if (!std::all_of(partitions.begin(), partitions.end(), [&](const auto& each) { return wants(each.topic); })) {
        ask_to_rejoin("received assignment does not match the current subscription");
        return go_on();
    }
    if (pattern_) {  // the leader knew topics that this member had not seen yet
        for (const auto& each : partitions) {
            topics_.insert(each.topic);
            joined_topics_.insert(each.topic);
        }
    }
    chosen_->last = partitions;
    chosen_->generation = identity_.generation;
    const std::set<topic_partition> target{partitions.begin(), partitions.end()};
    std::vector<topic_partition> going;
    coming_.clear();
    std::set_difference(owned_.begin(), owned_.end(), target.begin(), target.end(), std::back_inserter(going));
    std::set_difference(target.begin(), target.end(), owned_.begin(), owned_.end(), std::back_inserter(coming_));
    classic_join_logs.info(fmt::format("group {}: generation {}, {} partitions ({} new, {} to give up)", config_.group_id, identity_.generation, target.size(), coming_.size(), going.size()));
    if (!going.empty()) return begin_revoke(std::move(going), phase::giving_up_some);
    owned_ = target;
    effects_.push_back(member_effect::assigned{std::exchange(coming_, {})});
    go_on();
}

}  // namespace weir::detail
