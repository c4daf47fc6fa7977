// Changing the voters, one at a time (KIP-853): a change is a voters record, in force as soon as it is in the log. Two
// majorities that differ by one voter overlap, so no two leaders can arise from it.
#include "control_batch.hpp"
#include "core.hpp"

namespace weir::raft {

/// What must hold before any change: errc::none, or the code and why.
errc core::can_change_voters(const std::optional<std::string>& cluster_id, std::string& why) const {
    if (foreign(cluster_id)) {
        why = "this is cluster " + config_.cluster_id + ", not " + *cluster_id;
        return errc::inconsistent_cluster_id;
    }
    if (role_ != role::leader) {
        why = leader_ == no_node ? "no leader is known, try again" : "node " + std::to_string(leader_) + " leads";
        return errc::not_leader_or_follower;
    }
    if (voters_.kraft_version() < 1) {
        why = "kraft.version is 0: voters come from controller.quorum.voters and cannot be changed";
        return errc::unsupported_version;
    }
    if (hw_ <= epoch_start_) {
        why = "the leader has not committed the start of its epoch yet, try again";
        return errc::request_timed_out;
    }
    if (change_ || voters_.latest_offset().value_or(-1) >= hw_) {
        why = "another change of voters is not committed yet, try again";
        return errc::request_timed_out;
    }
    return errc::none;
}

void core::start_change(const message& from, change_kind kind, voter_set changed, bool answer_later, time_point until) {
    control_content content;
    content.voters = std::move(changed);
    const auto offset = log_.end_offset();
    const timestamp_ms stamp = config_.wall ? config_.wall->wall_now() : 0;
    const auto before = voters();
    if (const auto done = append_control(build_control_batch(content, stamp)); !done) return fail(done.error());
    change_ = voter_change{kind, offset, from.peer, from.id, false, until};
    for (const auto& one : before)
        if (!voters().contains(one.key)) {
            voter_progress_.erase(one.key.id);
            calls_.erase(one.key.id);
        }
    for (const auto& one : voters()) {
        if (one.key.id == config_.self.id || before.contains(one.key)) continue;
        auto& seen = voter_progress_[one.key.id];
        if (const auto it = observer_progress_.find(one.key); it != observer_progress_.end()) {
            seen = it->second;
            observer_progress_.erase(it);
        }
        calls_[one.key.id];
    }
    if (!answer_later) answer_change(errc::none, {});
}

void core::answer_change(errc code, const std::string& why) {
    if (!change_ || change_->answered) return;
    change_->answered = true;
    change_->until = time_point::max();
    message_body body;
    switch (change_->kind) {
        case change_kind::add: body = add_voter_response{code, why}; break;
        case change_kind::remove: body = remove_voter_response{code, why}; break;
        case change_kind::update: body = update_voter_response{code, hint()}; break;
    }
    send(change_->peer, change_->id, std::move(body));
}

void core::finish_change() {
    if (change_ && hw_ > change_->offset) {
        answer_change(errc::none, {});
        change_.reset();
    }
}

void core::on(const message& from, const add_voter_request& request, time_point now) {
    add_voter_response reply;
    reply.error = can_change_voters(request.cluster_id, reply.text);
    const auto version = voters_.kraft_version();
    const auto who = "voter " + std::to_string(request.added.key.id) + " (" + to_string(request.added.key.directory) + ")";
    if (reply.error != errc::none) return answer(from, std::move(reply));
    if (request.added.key.id < 0 || request.added.key.directory.is_zero() || request.added.endpoints.empty()) {
        reply.error = errc::invalid_request;
        reply.text = who + ": an id, a directory id and at least one listener are needed";
        return answer(from, std::move(reply));
    }
    if (voters().find(request.added.key.id)) {
        reply.error = errc::duplicate_voter;
        reply.text = who + ": a voter with this id exists; remove that one first";
        return answer(from, std::move(reply));
    }
    if (version < request.added.min_kraft_version || version > request.added.max_kraft_version) {
        reply.error = errc::invalid_request;
        reply.text = who + ": it does not support kraft.version " + std::to_string(version);
        return answer(from, std::move(reply));
    }
    // A voter that is far behind would count for a majority without being able to help one.
    const auto seen = observer_progress_.find(request.added.key);
    if (seen == observer_progress_.end() || seen->second.last_caught_up == time_point{} ||
        now - seen->second.last_caught_up > config_.fetch_timeout * 2) {
        reply.error = errc::request_timed_out;
        reply.text = who + ": it is not fetching, or has not caught up with the leader; wait until it has";
        return answer(from, std::move(reply));
    }
    const auto until = request.timeout > nanoseconds{0} ? now + request.timeout : now + config_.request_timeout;
    start_change(from, change_kind::add, voters().with(request.added), request.ack_when_committed, until);
}

void core::on(const message& from, const remove_voter_request& request, time_point now) {
    remove_voter_response reply;
    reply.error = can_change_voters(request.cluster_id, reply.text);
    if (reply.error != errc::none) return answer(from, std::move(reply));
    const auto* present = voters().find(request.removed.id);
    if (!present || present->key != request.removed) {
        reply.error = errc::voter_not_found;
        reply.text = "voter " + std::to_string(request.removed.id) + " (" + to_string(request.removed.directory) +
                     ") is no voter with this id and directory id";
        return answer(from, std::move(reply));
    }
    if (voters().size() == 1) {
        reply.error = errc::invalid_request;
        reply.text = "voter " + std::to_string(request.removed.id) + " is the only one; add another first";
        return answer(from, std::move(reply));
    }
    start_change(from, change_kind::remove, voters().without(request.removed.id), true, now + config_.request_timeout);
}

void core::on(const message& from, const update_voter_request& request, time_point now) {
    update_voter_response reply;
    std::string why;
    reply.error = can_change_voters(request.cluster_id, why);
    const auto* present = voters().find(request.updated.key.id);
    const auto version = voters_.kraft_version();
    if (reply.error == errc::none) {
        if (request.epoch < disk_.leader_epoch) reply.error = errc::fenced_leader_epoch;
        else if (request.epoch > disk_.leader_epoch) reply.error = errc::unknown_leader_epoch;
        else if (!present || present->key != request.updated.key) reply.error = errc::voter_not_found;
        else if (request.updated.endpoints.empty() || version < request.updated.min_kraft_version ||
                 version > request.updated.max_kraft_version)
            reply.error = errc::invalid_request;
    }
    if (reply.error != errc::inconsistent_cluster_id) reply.leader = hint();
    if (reply.error != errc::none || *present == request.updated) return answer(from, std::move(reply));
    start_change(from, change_kind::update, voters().with(request.updated), true, now + config_.request_timeout);
}

void core::on(const message& from, const update_voter_response& response, time_point now) {
    if (update_.id == 0 || from.id != update_.id) return;
    update_.id = 0;
    update_.retry_at = now + config_.fetch_timeout;
    if (response.error != errc::inconsistent_cluster_id) absorb(response.leader, now);
}

}  // namespace weir::raft
