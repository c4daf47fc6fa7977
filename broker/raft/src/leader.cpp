// Leading: the first batch of an epoch, answering fetches, the high watermark, giving up.
#include "control_batch.hpp"
#include "core.hpp"

#include <weir/protocol/records/batch.hpp>

#include <algorithm>

namespace weir::raft {
namespace {
constexpr std::size_t max_observers = 1000;
constexpr nanoseconds observer_memory = std::chrono::minutes{5};
}  // namespace

void core::become_leader(time_point now) {
    control_content first;
    first.change.emplace();
    first.change->leader = config_.self.id;
    for (const auto& one : voters()) {
        first.change->voters.push_back(one.key.id);
        if (granted_.count(one.key.id)) first.change->granting.push_back(one.key.id);
    }
    if (voters_.only_formatted()) {  // until now only the formatted snapshot knows: put it where followers read it
        first.kraft_version = voters_.kraft_version();
        first.voters = voters();
    }
    leave_role();
    keep({config_.self.id, disk_.leader_epoch, {}});
    believe(config_.self.id);
    role_ = role::leader;
    epoch_start_ = log_.end_offset();
    voter_progress_.clear();
    observer_progress_.clear();
    for (const auto& one : voters()) {
        if (one.key.id == config_.self.id) continue;
        voter_progress_[one.key.id].last_contact = now;
        calls_[one.key.id];
    }
    const timestamp_ms stamp = config_.wall ? config_.wall->wall_now() : 0;
    if (const auto done = append_control(build_control_batch(first, stamp)); !done) fail(done.error());
}

result<void> core::append_control(bytes batch) {
    protocol::patch_base_offset(batch, log_.end_offset());
    protocol::patch_leader_epoch(batch, disk_.leader_epoch);
    if (auto done = log_.append(batch); !done) return done;
    if (auto done = scan_control(batch); !done) return done;
    want_flush();
    wake_fetches(false);
    return {};
}

result<log_offset> core::propose(mutable_bytes batch, time_point now) {
    if (failed_) return error{errc::kafka_storage_error, "metadata log: it failed earlier, restart the node"};
    if (role_ != role::leader)
        return error{errc::not_leader_or_follower,
                     leader_ == no_node ? "metadata quorum: no leader is known, try again"
                                        : "metadata quorum: node " + std::to_string(leader_) + " leads"};
    if (batch.size() > max_batch_bytes)
        return error{errc::record_list_too_large, "metadata batch of " + std::to_string(batch.size()) +
                                                      " bytes; the limit is 8388608: split it"};
    const auto header = protocol::batch_view::open(batch);
    if (!header) return header.error();
    if (header->size() != batch.size() || header->record_count() <= 0 || header->control() ||
        header->last_offset_delta() != header->record_count() - 1)
        return error{errc::invalid_record, "metadata batch: one batch of data records is wanted"};
    protocol::patch_base_offset(batch, log_.end_offset());
    protocol::patch_leader_epoch(batch, disk_.leader_epoch);
    if (const auto done = log_.append(batch); !done) {
        fail(done.error());
        return done.error();
    }
    want_flush();
    wake_fetches(false);
    advance(now);
    return log_.end_offset() - 1;
}

bool core::drive_leader(time_point now) {
    if (!alone() && now >= quorum_contact(now) + config_.fetch_timeout * 3 / 2) {
        resign(now);  // a majority may have elected somebody else already: stop pretending (KIP-595, check quorum)
        return true;
    }
    for (auto& [peer, one] : calls_) {
        const auto* asked = voters().find(peer);
        if (!asked) continue;
        if (one.id != 0 && now >= one.expires) {
            one.id = 0;
            one.retry_at = now + config_.retry_backoff;
        }
        const auto it = voter_progress_.find(peer);
        if (it != voter_progress_.end() && it->second.last_fetch != time_point{})
            one.retry_at = std::max(one.retry_at, it->second.last_fetch + config_.fetch_timeout / 2);
        if (one.id != 0 || now < one.retry_at) continue;
        one.id = next_id_++;
        one.expires = now + config_.request_timeout;
        send(peer, one.id,
             begin_epoch_request{.cluster_id = config_.cluster_id,
                                 .voter = asked->key,
                                 .leader_id = config_.self.id,
                                 .epoch = disk_.leader_epoch,
                                 .endpoints = config_.endpoints});
    }
    for (std::size_t at = 0; at < parked_.size();) {
        if (now < parked_[at].until) {
            ++at;
            continue;
        }
        const auto due = std::move(parked_[at]);
        parked_.erase(parked_.begin() + static_cast<std::ptrdiff_t>(at));
        send(due.peer, due.id, read_for(due.request));
    }
    if (change_ && !change_->answered && now >= change_->until)
        answer_change(errc::request_timed_out, "the new voters record is in the log but not committed yet");
    return false;
}

/// When a majority (this node included) was last heard of together.
time_point core::quorum_contact(time_point now) const {
    std::vector<time_point> heard;
    for (const auto& one : voters()) {
        if (one.key.id == config_.self.id) {
            heard.push_back(now);
        } else {
            const auto it = voter_progress_.find(one.key.id);
            heard.push_back(it == voter_progress_.end() ? time_point{} : it->second.last_contact);
        }
    }
    if (heard.empty()) return now;
    std::ranges::sort(heard, std::greater{});
    return heard[voters().majority() - 1];
}

void core::resign(time_point now) {
    if (role_ != role::leader || failed_) return;
    std::vector<std::pair<log_offset, replica_key>> order;
    for (const auto& one : voters())
        if (one.key.id != config_.self.id) order.emplace_back(voter_progress_[one.key.id].log_end, one.key);
    std::ranges::sort(order, std::greater{});
    leave_role();
    believe(no_node);
    role_ = role::resigned;
    election_deadline_ = jittered(now, config_.election_timeout);
    end_epoch_request farewell{.cluster_id = config_.cluster_id,
                               .leader_id = config_.self.id,
                               .epoch = disk_.leader_epoch,
                               .successors = {},
                               .endpoints = config_.endpoints};
    for (const auto& [end, key] : order) farewell.successors.push_back(key);
    for (const auto& key : farewell.successors) {
        auto& one = calls_[key.id];
        one.id = next_id_++;
        one.expires = now + config_.request_timeout;
        send(key.id, one.id, farewell);
    }
}

bool core::drive_resigned(time_point now) {
    if (now >= election_deadline_) {
        become_unattached(disk_.leader_epoch, now);
        return true;
    }
    for (auto& [peer, one] : calls_) {
        if (one.done || (one.id != 0 && now < one.expires) || (one.id == 0 && now < one.retry_at)) continue;
        one.id = next_id_++;
        one.expires = now + config_.request_timeout;
        end_epoch_request farewell{.cluster_id = config_.cluster_id,
                                   .leader_id = config_.self.id,
                                   .epoch = disk_.leader_epoch,
                                   .successors = {},
                                   .endpoints = config_.endpoints};
        if (const auto* key = voters().find(peer)) farewell.successors.push_back(key->key);
        send(peer, one.id, std::move(farewell));
    }
    return false;
}

/// What a majority has on disk is committed, but only once that includes a record of this epoch: older records may
/// still be replaced by a leader that never saw them (Raft, figure 8).
void core::update_high_watermark(time_point now) {
    std::vector<log_offset> ends;
    for (const auto& one : voters()) {
        if (one.key.id == config_.self.id) {
            ends.push_back(flushed_);
        } else {
            const auto it = voter_progress_.find(one.key.id);
            ends.push_back(it == voter_progress_.end() ? -1 : it->second.log_end);
        }
    }
    if (ends.empty()) return;
    std::ranges::sort(ends, std::greater{});
    const auto reached = std::min(ends[voters().majority() - 1], log_.end_offset());
    if (reached <= epoch_start_ || reached <= hw_) return;
    hw_ = reached;
    out_.high_watermark = hw_;
    if (!leading_announced_) {
        leading_announced_ = true;
        out_.began_leading = disk_.leader_epoch;
    }
    finish_change();
    // A leader that is no voter any more stays until its own removal is committed, and not longer.
    if (!is_voter() && voters_.latest_offset().value_or(-1) < hw_) resign(now);
    wake_fetches(true);
}

progress& core::progress_of(const replica_key& replica, time_point now) {
    if (voters().contains(replica)) return voter_progress_[replica.id];
    if (observer_progress_.size() >= max_observers)
        std::erase_if(observer_progress_, [&](const auto& one) { return now - one.second.last_fetch > observer_memory; });
    if (observer_progress_.size() >= max_observers && !observer_progress_.contains(replica))
        observer_progress_.erase(observer_progress_.begin());
    return observer_progress_[replica];
}

void core::note_fetch(const replica_key& replica, log_offset offset, time_point now) {
    if (replica.id < 0) return;  // a reader without identity
    auto& seen = progress_of(replica, now);
    const auto end = log_.end_offset();
    if (offset >= end) seen.last_caught_up = now;
    else if (offset >= seen.leader_end_then && seen.leader_end_then >= 0) seen.last_caught_up = seen.last_fetch;
    seen.log_end = offset;
    seen.leader_end_then = end;
    seen.last_fetch = now;
    seen.last_contact = now;
    update_high_watermark(now);
}

fetch_response core::read_for(const fetch_request& request) {
    fetch_response reply;
    reply.leader = hint();
    reply.high_watermark = hw_;
    reply.log_start = log_.start_offset();
    if (request.offset >= log_.end_offset()) return reply;
    const auto limit = static_cast<std::size_t>(std::clamp(request.max_bytes, 1, static_cast<std::int32_t>(max_batch_bytes)));
    auto read = log_.read(request.offset, limit);
    if (read) reply.records = std::move(*read);
    else reply.error = errc::kafka_storage_error;
    return reply;
}

void core::on(const message& from, const fetch_request& request, time_point now) {
    fetch_response reply;
    reply.error = foreign(request.cluster_id)                                ? errc::inconsistent_cluster_id
                  : request.offset < 0 || request.last_fetched_epoch < 0      ? errc::invalid_request
                  : role_ != role::leader                                     ? errc::not_leader_or_follower
                  : request.epoch >= 0 && request.epoch < disk_.leader_epoch  ? errc::fenced_leader_epoch
                  : request.epoch > disk_.leader_epoch                        ? errc::unknown_leader_epoch
                                                                              : errc::none;
    if (reply.error != errc::inconsistent_cluster_id) reply.leader = hint();
    if (reply.error != errc::none) return answer(from, std::move(reply));

    reply.high_watermark = hw_;
    const auto start = log_.start_offset();
    reply.log_start = start;
    const bool from_nothing = start == 0 && request.offset == 0 && request.last_fetched_epoch == 0;
    const auto known = log_.end_of_epoch(request.last_fetched_epoch);
    if (!from_nothing) {
        // Below the log, or ending in an epoch older than anything in it: no common offset can be named any more.
        if (request.offset < start || (start != 0 && known.epoch > request.last_fetched_epoch) ||
            (request.offset == start && start != 0 && known.epoch != request.last_fetched_epoch)) {
            const auto newest = log_.latest_snapshot();
            if (newest) reply.snapshot = newest->id;
            else reply.error = errc::kafka_storage_error;
            if (newest && request.replica.id >= 0) progress_of(request.replica, now).last_contact = now;
            return answer(from, std::move(reply));
        }
        if (known.epoch != request.last_fetched_epoch || known.offset < request.offset) {
            reply.diverging = known;
            return answer(from, std::move(reply));
        }
    }
    note_fetch(request.replica, request.offset, now);
    if (role_ != role::leader) {  // its fetch committed the record that removed us
        reply.error = errc::not_leader_or_follower;
        reply.leader = hint();
        return answer(from, std::move(reply));
    }
    const bool news = request.offset < log_.end_offset() || request.high_watermark < hw_;
    if (news || request.max_wait <= nanoseconds{0}) return answer(from, read_for(request));
    for (auto& waiting : parked_) {
        if (request.replica.id < 0 || waiting.peer != from.peer || waiting.request.replica != request.replica) continue;
        send(waiting.peer, waiting.id, read_for(waiting.request));  // the peer has given up on it
        waiting = {from.peer, from.id, request, now + request.max_wait};
        return;
    }
    parked_.push_back({from.peer, from.id, request, now + request.max_wait});
}

void core::wake_fetches(bool watermark_moved) {
    for (std::size_t at = 0; at < parked_.size();) {
        const auto& one = parked_[at].request;
        if (one.offset >= log_.end_offset() && !(watermark_moved && one.high_watermark < hw_)) {
            ++at;
            continue;
        }
        const auto due = std::move(parked_[at]);
        parked_.erase(parked_.begin() + static_cast<std::ptrdiff_t>(at));
        send(due.peer, due.id, read_for(due.request));
    }
}

void core::on(const message& from, const fetch_snapshot_request& request, time_point now) {
    fetch_snapshot_response reply;
    reply.snapshot = request.snapshot;
    reply.position = request.position;
    reply.error = foreign(request.cluster_id)              ? errc::inconsistent_cluster_id
                  : request.position < 0                   ? errc::position_out_of_range
                  : role_ != role::leader                  ? errc::not_leader_or_follower
                  : request.epoch < disk_.leader_epoch     ? errc::fenced_leader_epoch
                  : request.epoch > disk_.leader_epoch     ? errc::unknown_leader_epoch
                                                           : errc::none;
    if (reply.error != errc::inconsistent_cluster_id) reply.leader = hint();
    if (reply.error == errc::none) {
        const auto limit = static_cast<std::size_t>(std::clamp(request.max_bytes, 1, static_cast<std::int32_t>(max_batch_bytes)));
        auto chunk = log_.read_snapshot(request.snapshot, request.position, limit);
        if (chunk) {
            reply.size = chunk->size;
            reply.chunk = std::move(chunk->content);
            if (request.replica.id >= 0) progress_of(request.replica, now).last_contact = now;
        } else {
            reply.error = chunk.error().code();
        }
    }
    answer(from, std::move(reply));
}

}  // namespace weir::raft
