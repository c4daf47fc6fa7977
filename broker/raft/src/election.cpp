// Who leads: roles, votes, the beginning and end of epochs.
#include "core.hpp"

#include <algorithm>
#include <limits>

namespace weir::raft {
namespace {

/// The last one there is could never be followed by another, and one message is enough to spread it.
bool possible(quorum_epoch epoch) { return epoch >= 0 && epoch < std::numeric_limits<quorum_epoch>::max(); }

}  // namespace

/// Ends what only the present role may do. A leader's waiting clients are told to look elsewhere.
void core::leave_role() {
    calls_.clear();
    granted_.clear();
    rejected_.clear();
    fetch_ = {};
    update_ = {};
    copying_.reset();
    if (role_ != role::leader) return;
    if (out_.began_leading) out_.began_leading.reset();  // never delivered: then nothing to take back
    else if (leading_announced_) out_.stopped_leading = true;
    leading_announced_ = false;
}

void core::believe(node_id leader) {
    const bool led = role_ == role::leader;
    leader_ = leader;
    leader_endpoints_.clear();
    if (!led || leader == config_.self.id) return;
    for (const auto& waiting : std::exchange(parked_, {}))
        send(waiting.peer, waiting.id, fetch_response{.error = errc::not_leader_or_follower, .leader = hint()});
    answer_change(errc::not_leader_or_follower, "leadership moved before the change was committed");
    change_.reset();
    voter_progress_.clear();
    observer_progress_.clear();
}

void core::become_unattached(quorum_epoch epoch, time_point now) {
    leave_role();
    if (epoch > disk_.leader_epoch) keep({no_node, epoch, {}});
    believe(no_node);
    role_ = role::unattached;
    // A quorum of one waits for nobody.
    election_deadline_ = alone() ? now : jittered(now, config_.election_timeout);
}

void core::become_follower(quorum_epoch epoch, node_id leader, const std::vector<endpoint>& where, time_point now) {
    leave_role();
    keep({leader, epoch, {}});  // with the leader known nobody else can be voted for in this epoch
    believe(leader);
    leader_endpoints_ = where;
    role_ = role::follower;
    has_fetched_ = false;
    fetch_deadline_ = now + config_.fetch_timeout;
}

/// Asks whether an election could be won, before disturbing anybody with a new epoch (KIP-996).
void core::become_prospective(time_point now) {
    leave_role();
    role_ = role::prospective;  // leader_ stays: the canvass may fail because it is well
    election_deadline_ = jittered(now, config_.election_timeout);
    granted_ = {config_.self.id};
    for (const auto& one : voters())
        if (one.key.id != config_.self.id) calls_[one.key.id];
}

void core::become_candidate(time_point now) {
    leave_role();
    keep({no_node, disk_.leader_epoch + 1, config_.self});
    believe(no_node);
    role_ = role::candidate;
    election_deadline_ = jittered(now, config_.election_timeout);
    granted_ = {config_.self.id};
    for (const auto& one : voters())
        if (one.key.id != config_.self.id) calls_[one.key.id];
}

/// Learns of a newer epoch or of the leader of this one. True when that changed the role: what else the message says
/// was meant for the old one.
bool core::absorb(const leader_hint& told, time_point now) {
    if (!possible(told.epoch)) return false;
    const auto leader = told.leader_id == config_.self.id ? no_node : told.leader_id;
    if (told.epoch > disk_.leader_epoch) {
        if (leader >= 0) become_follower(told.epoch, leader, told.endpoints, now);
        else become_unattached(told.epoch, now);
        return true;
    }
    const bool searching = role_ == role::unattached || role_ == role::prospective || role_ == role::candidate;
    if (told.epoch == disk_.leader_epoch && leader >= 0 && leader_ == no_node && searching) {
        become_follower(told.epoch, leader, told.endpoints, now);
        return true;
    }
    return false;
}

/// A voter may stand; and so may one whose own removal is in its log but not known to be committed: the remaining voters
/// may lack the record and need somebody with a longer log to bring it (Ongaro's dissertation, 4.2.2).
bool core::may_stand() const {
    if (is_voter()) return true;
    const auto changed = voters_.latest_offset();
    if (!changed || *changed < hw_) return false;
    const auto before = voters_.at(*changed).voters;
    return before && before->contains(config_.self);
}

bool core::drive_election(time_point now) {
    if (role_ == role::unattached) {
        if (may_stand() && now >= election_deadline_) {
            become_prospective(now);
            return true;
        }
        find_leader(now);
        return false;
    }
    if (!may_stand()) {
        become_unattached(disk_.leader_epoch, now);
        return true;
    }
    const auto before = role_;
    count_votes(now);
    if (role_ != before) return true;
    if (now >= election_deadline_) {
        // Nobody answered in time. A prospective that knew a leader gives it another chance, so that one who merely
        // lost his own link finds back; a candidate canvasses again before it raises the epoch once more.
        if (role_ == role::candidate) become_prospective(now);
        else if (leader_ != no_node) become_follower(disk_.leader_epoch, leader_, endpoints_of(leader_), now);
        else become_unattached(disk_.leader_epoch, now);
        return true;
    }
    send_votes(now);
    return false;
}

void core::count_votes(time_point now) {
    std::size_t granted = 0;
    std::size_t rejected = 0;
    for (const auto& one : voters()) {
        granted += granted_.count(one.key.id);
        rejected += rejected_.count(one.key.id);
    }
    const bool pre = role_ == role::prospective;
    if (granted >= voters().majority()) {
        if (pre) become_candidate(now);
        else become_leader(now);
    } else if (rejected + voters().majority() > voters().size()) {
        if (pre && leader_ != no_node) {
            become_follower(disk_.leader_epoch, leader_, endpoints_of(leader_), now);
            return;
        }
        become_unattached(disk_.leader_epoch, now);
        const auto backoff = static_cast<std::uint64_t>(std::max<nanoseconds::rep>(config_.election_backoff_max.count(), 1));
        election_deadline_ = now + config_.retry_backoff + nanoseconds{static_cast<nanoseconds::rep>(random_.below(backoff))};
    }
}

void core::send_votes(time_point now) {
    for (auto& [peer, one] : calls_) {
        if (one.done) continue;
        if (one.id != 0 && now >= one.expires) {
            one.id = 0;
            one.retry_at = now + config_.retry_backoff;
        }
        if (one.id != 0 || now < one.retry_at) continue;
        const auto* asked = voters().find(peer);
        if (!asked) continue;
        one.id = next_id_++;
        one.expires = now + config_.request_timeout;
        send(peer, one.id,
             vote_request{.cluster_id = config_.cluster_id,
                          .candidate = config_.self,
                          .voter = asked->key,
                          .epoch = disk_.leader_epoch,
                          .log_end = {log_.end_offset(), log_.last_epoch()},
                          .pre_vote = role_ == role::prospective});
    }
}

bool core::can_grant(const vote_request& request) const {
    const bool up_to_date = request.log_end.covers({log_.end_offset(), log_.last_epoch()});
    if (request.pre_vote) {
        // A follower that hears its leader protects it. One that has not fetched from it yet does not, or two could
        // send each other back and forth for ever (KIP-996).
        if (role_ == role::leader || (role_ == role::follower && has_fetched_)) return false;
        return up_to_date;
    }
    if (role_ != role::unattached && role_ != role::prospective) return false;
    if (disk_.leader_id != no_node) return false;
    if (disk_.voted.id != no_node) return disk_.voted.matches(request.candidate);
    return up_to_date;
}

void core::on(const message& from, const vote_request& request, time_point now) {
    vote_response reply;
    if (foreign(request.cluster_id)) {
        reply.error = errc::inconsistent_cluster_id;
    } else if (request.candidate.id < 0 || !possible(request.epoch) || request.log_end.offset < 0 ||
               request.candidate.id == config_.self.id) {
        reply.error = errc::invalid_request;
    } else if (request.epoch < disk_.leader_epoch) {
        reply.error = errc::fenced_leader_epoch;
    } else if (request.voter.id != no_node && !request.voter.matches(config_.self)) {
        reply.error = errc::invalid_voter_key;
    } else {
        if (request.epoch > disk_.leader_epoch) become_unattached(request.epoch, now);
        reply.granted = can_grant(request);
        if (reply.granted && !request.pre_vote) {
            keep({no_node, disk_.leader_epoch, request.candidate});
            election_deadline_ = jittered(now, config_.election_timeout);
        }
    }
    if (reply.error != errc::inconsistent_cluster_id) reply.leader = hint();
    answer(from, std::move(reply));
}

void core::on(const message& from, const vote_response& response, time_point now) {
    if (response.error == errc::inconsistent_cluster_id) return;
    const auto asked = calls_.find(from.peer);
    if (role_ != role::prospective && role_ != role::candidate) {
        absorb(response.leader, now);
        return;
    }
    if (asked == calls_.end() || asked->second.id != from.id) return;
    asked->second.id = 0;
    asked->second.retry_at = now + config_.retry_backoff;
    if (absorb(response.leader, now)) return;
    if (response.error != errc::none && response.error != errc::invalid_voter_key) return;
    asked->second.done = true;
    (response.granted ? granted_ : rejected_).insert(from.peer);
}

void core::on(const message& from, const begin_epoch_request& request, time_point now) {
    begin_epoch_response reply;
    if (foreign(request.cluster_id)) {
        reply.error = errc::inconsistent_cluster_id;
    } else if (request.leader_id < 0 || !possible(request.epoch)) {
        reply.error = errc::invalid_request;
    } else if (request.epoch < disk_.leader_epoch) {
        reply.error = errc::fenced_leader_epoch;
    } else if (request.voter.id != no_node && !request.voter.matches(config_.self)) {
        reply.error = errc::invalid_voter_key;
    } else if (request.leader_id == config_.self.id ||
               (request.epoch == disk_.leader_epoch && disk_.leader_id != no_node && disk_.leader_id != request.leader_id)) {
        reply.error = errc::invalid_request;  // an epoch has one leader
    } else if (request.epoch > disk_.leader_epoch || leader_ != request.leader_id || role_ == role::prospective) {
        become_follower(request.epoch, request.leader_id, request.endpoints, now);
    } else if (leader_endpoints_.empty()) {
        leader_endpoints_ = request.endpoints;
    }
    if (reply.error != errc::inconsistent_cluster_id) reply.leader = hint();
    answer(from, std::move(reply));
}

void core::on(const message& from, const begin_epoch_response& response, time_point now) {
    const auto asked = calls_.find(from.peer);
    if (role_ != role::leader || asked == calls_.end() || asked->second.id != from.id) return;
    asked->second.id = 0;
    asked->second.retry_at = now + (response.error == errc::none ? config_.fetch_timeout / 2 : config_.retry_backoff);
    if (response.error != errc::inconsistent_cluster_id) absorb(response.leader, now);
}

void core::on(const message& from, const end_epoch_request& request, time_point now) {
    end_epoch_response reply;
    if (foreign(request.cluster_id)) {
        reply.error = errc::inconsistent_cluster_id;
    } else if (!possible(request.epoch) || request.leader_id < 0) {
        reply.error = errc::invalid_request;
    } else if (request.epoch < disk_.leader_epoch) {
        reply.error = errc::fenced_leader_epoch;
    } else if (request.epoch > disk_.leader_epoch ||
               (role_ == role::follower && leader_ == request.leader_id) ||
               (role_ == role::unattached && disk_.leader_id == request.leader_id)) {  // its fetch answer came first
        if (request.epoch > disk_.leader_epoch) keep({request.leader_id, request.epoch, {}});
        become_unattached(disk_.leader_epoch, now);
        // The best successor stands at once, the others later the worse they are placed.
        for (std::size_t place = 0; place < request.successors.size(); ++place) {
            if (!request.successors[place].matches(config_.self)) continue;
            const auto steps = static_cast<nanoseconds::rep>(std::min<std::size_t>(place, 8));
            election_deadline_ = now + std::min(config_.election_backoff_max, config_.election_timeout / 8 * steps);
            break;
        }
    }
    if (reply.error != errc::inconsistent_cluster_id) reply.leader = hint();
    answer(from, std::move(reply));
}

void core::on(const message& from, const end_epoch_response& response, time_point now) {
    const auto asked = calls_.find(from.peer);
    if (role_ != role::resigned || asked == calls_.end() || asked->second.id != from.id) return;
    asked->second.id = 0;
    asked->second.done = response.error == errc::none || response.error == errc::fenced_leader_epoch;
    asked->second.retry_at = now + config_.retry_backoff;
    if (response.error != errc::inconsistent_cluster_id) absorb(response.leader, now);
}

}  // namespace weir::raft
