// Following: fetching the leader's log or its snapshot, and looking for a leader when none is known.
#include "core.hpp"

#include <weir/protocol/records/batch.hpp>

#include <algorithm>

namespace weir::raft {

bool core::drive_follower(time_point now) {
    if (now >= fetch_deadline_) {
        if (may_stand()) become_prospective(now);
        else become_unattached(disk_.leader_epoch, now);
        return true;
    }
    if (fetch_.id != 0 && now >= fetch_.expires) {
        fetch_.id = 0;
        fetch_.retry_at = now + config_.retry_backoff;
    }
    // A fetch tells the leader that everything below its offset is durable here, so it waits for the flush.
    if (fetch_.id == 0 && now >= fetch_.retry_at && flushed_ >= log_.end_offset()) send_fetch(leader_, now);
    drive_update(now);
    return false;
}

void core::send_fetch(node_id peer, time_point now) {
    fetch_.id = next_id_++;
    fetch_.expires = now + config_.request_timeout;
    fetch_peer_ = peer;
    if (copying_) {
        send(peer, fetch_.id,
             fetch_snapshot_request{.cluster_id = config_.cluster_id,
                                    .replica = config_.self,
                                    .epoch = disk_.leader_epoch,
                                    .snapshot = *copying_,
                                    .position = copied_,
                                    .max_bytes = config_.snapshot_max_bytes});
        return;
    }
    send(peer, fetch_.id,
         fetch_request{.cluster_id = config_.cluster_id,
                       .replica = config_.self,
                       .epoch = disk_.leader_epoch,
                       .offset = log_.end_offset(),
                       .last_fetched_epoch = log_.last_epoch(),
                       .max_wait = role_ == role::follower ? config_.fetch_max_wait : nanoseconds{0},
                       .max_bytes = config_.fetch_max_bytes,
                       .high_watermark = hw_});
}

/// Whoever does not lead answers a fetch with the leader it knows; so asking anybody finds it.
void core::find_leader(time_point now) {
    if (fetch_.id != 0 && now >= fetch_.expires) {
        fetch_.id = 0;
        fetch_.retry_at = now + config_.retry_backoff;
    }
    if (fetch_.id != 0 || now < fetch_.retry_at || flushed_ < log_.end_offset()) return;
    std::vector<node_id> peers;
    for (const auto& one : voters())
        if (one.key.id != config_.self.id) peers.push_back(one.key.id);
    if (peers.empty() || !is_voter())
        peers.insert(peers.end(), config_.bootstrap_peers.begin(), config_.bootstrap_peers.end());
    if (peers.empty()) {
        fetch_.retry_at = time_point::max();  // until the voters change there is nobody to ask
        return;
    }
    send_fetch(peers[random_.below(peers.size())], now);
}

void core::on(const message& from, const fetch_response& response, time_point now) {
    if (fetch_.id == 0 || from.id != fetch_.id || copying_) return;
    fetch_.id = 0;
    fetch_.retry_at = now + config_.retry_backoff;
    if (response.error == errc::inconsistent_cluster_id) return;
    if (absorb(response.leader, now)) return;
    if (role_ != role::follower || fetch_peer_ != leader_) return;
    if (response.error != errc::none) {
        // The leader of this very epoch says it leads no more: nobody else can in this epoch.
        if (response.error == errc::not_leader_or_follower && response.leader.epoch == disk_.leader_epoch &&
            response.leader.leader_id == no_node) {
            become_unattached(disk_.leader_epoch, now);
            // Others may still send us back to it: without a pause we would go to and fro as fast as the network.
            fetch_.retry_at = now + config_.retry_backoff;
        }
        return;
    }
    fetch_deadline_ = now + config_.fetch_timeout;
    has_fetched_ = true;
    fetch_.retry_at = now;
    if (response.diverging) {
        const auto end = log_.end_offset();
        truncate_for(*response.diverging);
        if (log_.end_offset() == end) fetch_.retry_at = now + config_.retry_backoff;  // we would be told the same again
        return;
    }
    if (response.snapshot) {
        if (response.snapshot->offset <= hw_ || response.snapshot->epoch < 0) {
            fetch_.retry_at = now + config_.retry_backoff;  // nothing newer than what we have: not a leader to trust
            return;
        }
        copying_ = response.snapshot;
        copied_ = 0;
        return;
    }
    take_records(response.records, now);
    const auto told = std::min(response.high_watermark, log_.end_offset());
    if (!failed_ && told > hw_) {
        hw_ = told;
        out_.high_watermark = hw_;
    }
}

void core::take_records(bytes_view records, time_point now) {
    while (!records.empty()) {
        const auto batch = protocol::batch_view::open(records);
        if (!batch && batch.error().code() == errc::incomplete) break;  // cut by the size limit: fetched again
        if (!batch || batch->base_offset() != log_.end_offset() || batch->last_offset_delta() < 0 ||
            batch->leader_epoch() < log_.last_epoch() || batch->leader_epoch() > disk_.leader_epoch ||
            !batch->crc_matches()) {
            fetch_.retry_at = now + config_.retry_backoff;  // damaged on the way: ask again, keep nothing of it
            break;
        }
        if (const auto done = log_.append(batch->whole()); !done) return fail(done.error());
        if (const auto done = scan_control(batch->whole()); !done) return fail(done.error());
        records = records.subspan(batch->size());
    }
    want_flush();
}

void core::truncate_for(const log_position& diverging) {
    const auto mine = log_.end_of_epoch(diverging.epoch);
    const auto to = mine.epoch == diverging.epoch ? std::min(mine.offset, diverging.offset) : mine.offset;
    if (to < hw_)
        return fail(error{errc::kafka_storage_error,
                          "metadata log: node " + std::to_string(leader_) + ", leader of epoch " +
                              std::to_string(disk_.leader_epoch) + ", wants offset " + std::to_string(to) +
                              " truncated to, but records below " + std::to_string(hw_) +
                              " are committed: its disk, or this one, has lost data; do not restart before comparing them"});
    if (to >= log_.end_offset()) return;
    if (const auto done = log_.truncate_to(to); !done) return fail(done.error());
    voters_.truncate_to(to);
    ++generation_;
    flushed_ = std::min(flushed_, to);
    out_.flush.reset();
    want_flush();
}

void core::on(const message& from, const fetch_snapshot_response& response, time_point now) {
    if (fetch_.id == 0 || from.id != fetch_.id || !copying_) return;
    fetch_.id = 0;
    fetch_.retry_at = now + config_.retry_backoff;
    if (response.error == errc::inconsistent_cluster_id) return;
    if (absorb(response.leader, now)) return;
    if (role_ != role::follower || fetch_peer_ != leader_) return;
    if (response.error == errc::snapshot_not_found || response.error == errc::position_out_of_range) {
        copying_.reset();  // the leader has a newer one: a fetch tells which
        return;
    }
    if (response.error != errc::none) return;
    const auto chunk_bytes = static_cast<std::int64_t>(response.chunk.size());
    if (response.snapshot != *copying_ || response.position != copied_ || chunk_bytes == 0 ||
        copied_ + chunk_bytes > response.size) {
        copying_.reset();
        return;
    }
    if (const auto done = log_.receive_snapshot(*copying_, copied_, response.chunk); !done) return fail(done.error());
    copied_ += chunk_bytes;
    fetch_deadline_ = now + config_.fetch_timeout;
    has_fetched_ = true;
    fetch_.retry_at = now;
    if (copied_ == response.size) install_copy(now);
}

void core::install_copy(time_point now) {
    const auto id = *std::exchange(copying_, std::nullopt);
    auto installed = log_.install_snapshot(id);
    if (!installed) {
        if (installed.error().code() != errc::corrupt_message) return fail(installed.error());
        fetch_.retry_at = now + config_.retry_backoff;  // it was damaged on the way: fetch leads to a new copy
        return;
    }
    voters_.restart(*installed);
    ++generation_;
    flushed_ = log_.end_offset();
    out_.flush.reset();
    out_.load_snapshot = std::move(*installed);
    if (id.offset > hw_) {
        hw_ = id.offset;
        out_.high_watermark = hw_;
    }
}

/// Keeps this voter's entry in the voters record true (KIP-853): its address or what it supports may have changed.
void core::drive_update(time_point now) {
    if (update_.id != 0 && now >= update_.expires) {
        update_.id = 0;
        update_.retry_at = now + config_.fetch_timeout;
    }
    if (update_.id != 0 || now < update_.retry_at || voters_.kraft_version() < 1 || config_.endpoints.empty()) return;
    const auto* mine = voters().find(config_.self);
    if (!mine || !has_fetched_) return;
    voter wanted{.key = config_.self, .endpoints = config_.endpoints};
    if (*mine == wanted) return;
    update_.id = next_id_++;
    update_.expires = now + config_.request_timeout;
    send(leader_, update_.id,
         update_voter_request{
             .cluster_id = config_.cluster_id, .epoch = disk_.leader_epoch, .updated = std::move(wanted)});
}

}  // namespace weir::raft
