#include "control_batch.hpp"
#include "core.hpp"

#include <weir/protocol/records/batch.hpp>

#include <algorithm>

namespace weir::raft {

std::string_view to_string(role what) noexcept {
    switch (what) {
        case role::unattached: return "unattached";
        case role::follower: return "follower";
        case role::prospective: return "prospective";
        case role::candidate: return "candidate";
        case role::leader: return "leader";
        case role::resigned: return "resigned";
    }
    return "unknown";
}

bool effects::empty() const noexcept {
    return !persist && messages.empty() && !flush && !stopped_leading && !load_snapshot && !high_watermark &&
           !began_leading && !leader && !failure;
}

core::core(quorum_config config, quorum_state restored, raft_log& log, std::uint64_t seed, time_point now)
    : config_(std::move(config)), log_(log), random_(seed), voters_(config_.static_voters), disk_(restored) {
    if (const auto newest = log_.latest_snapshot()) {
        voters_.restart(*newest);
        hw_ = newest->id.offset;
    }
    hw_ = std::max(hw_, log_.start_offset());
    flushed_ = std::min(log_.flushed_offset(), log_.end_offset());
    for (auto at = hw_; at < log_.end_offset();) {  // what a snapshot covers, it also says
        const auto read = *log_.read(at, 1 << 20);  // throws: without its voters a replica must not start
        bytes_view rest{read};
        while (!rest.empty()) {
            const auto batch = *protocol::batch_view::open(rest);
            *scan_control(batch.whole());
            at = batch.next_offset();
            rest = rest.subspan(batch.size());
        }
    }
    if (flushed_ < log_.end_offset()) want_flush();  // what only the page cache remembers must not be vouched for

    if (log_.last_epoch() > disk_.leader_epoch) keep({no_node, log_.last_epoch(), {}});  // quorum-state was lost
    announced_ = {no_node, -1};
    if (disk_.leader_id != no_node && disk_.leader_id != config_.self.id)
        become_follower(disk_.leader_epoch, disk_.leader_id, {}, now);
    else
        become_unattached(disk_.leader_epoch, now);
    advance(now);
}

void core::step(const message& incoming, time_point now) {
    if (failed_) return;
    std::visit([&](const auto& body) { on(incoming, body, now); }, incoming.body);
    advance(now);
}

void core::tick(time_point now) {
    if (!failed_) advance(now);
}

void core::on_flushed(const flush_request& flushed, time_point now) {
    if (failed_ || flushed.generation != generation_) return;  // begun before a truncation: says nothing about now
    flushed_ = std::max(flushed_, std::min(flushed.end, log_.end_offset()));
    if (role_ == role::leader) update_high_watermark(now);
    advance(now);
}

void core::on_snapshot(time_point now) {
    if (failed_) return;
    if (const auto newest = log_.latest_snapshot()) voters_.rebase(*newest);
    advance(now);
}

/// Does everything that is due; a step may make another one due (a vote of one is won at once).
void core::advance(time_point now) {
    for (int rounds = 0; !failed_ && rounds < 16; ++rounds)
        if (!advance_once(now)) return;
}

bool core::advance_once(time_point now) {
    switch (role_) {
        case role::unattached:
        case role::prospective:
        case role::candidate: return drive_election(now);
        case role::follower: return drive_follower(now);
        case role::leader: return drive_leader(now);
        case role::resigned: return drive_resigned(now);
    }
    return false;
}

void core::fail(const error& why) {
    failed_ = true;
    out_.failure = why;
}

void core::send(node_id peer, std::uint64_t id, message_body body) {
    out_.messages.push_back({peer, id, std::move(body)});
}

leader_hint core::hint() const {
    return {leader_, disk_.leader_epoch, leader_ == no_node ? std::vector<endpoint>{} : endpoints_of(leader_)};
}

std::vector<endpoint> core::endpoints_of(node_id id) const {
    if (id == config_.self.id) return config_.endpoints;
    if (id == leader_ && !leader_endpoints_.empty()) return leader_endpoints_;
    const auto* one = voters().find(id);
    return one ? one->endpoints : std::vector<endpoint>{};
}

/// A peer that names no cluster is trusted (KIP-595 left the field optional); one that names another is refused.
bool core::foreign(const std::optional<std::string>& cluster_id) const {
    return cluster_id && *cluster_id != config_.cluster_id;
}

time_point core::jittered(time_point now, nanoseconds timeout) {
    const auto span = static_cast<std::uint64_t>(std::max<nanoseconds::rep>(timeout.count(), 1));
    return now + timeout + nanoseconds{static_cast<nanoseconds::rep>(random_.below(span))};
}

void core::keep(quorum_state state) {
    if (state == disk_) return;
    disk_ = state;
    out_.persist = state;
}

void core::want_flush() {
    if (flushed_ < log_.end_offset()) out_.flush = flush_request{log_.end_offset(), generation_};
}

result<void> core::scan_control(bytes_view raw) {
    const auto batch = protocol::batch_view::open(raw);
    if (!batch) return batch.error();
    if (!batch->control()) return {};
    control_record_offsets at;
    auto content = read_control_batch(*batch, &at);
    if (!content) return content.error();
    if (content->kraft_version) voters_.add_kraft_version(at.kraft_version, *content->kraft_version);
    if (content->voters) voters_.add_voters(at.voters, std::move(*content->voters));
    return {};
}

effects core::take_effects() {
    const leader_and_epoch known{leader_, disk_.leader_epoch};
    if (known != announced_) {
        announced_ = known;
        out_.leader = known;
    }
    return std::exchange(out_, {});
}

time_point core::deadline() const {
    auto next = time_point::max();
    if (failed_) return next;
    const auto consider = [&](time_point when) { next = std::min(next, when); };
    const auto consider_call = [&](const call& one) {
        if (!one.done) consider(one.id != 0 ? one.expires : one.retry_at);
    };
    const bool has_peers = !alone() && (!voters().empty() || !config_.bootstrap_peers.empty());
    switch (role_) {
        case role::unattached:
            if (may_stand()) consider(election_deadline_);
            if (has_peers && (fetch_.id != 0 || flushed_ >= log_.end_offset())) consider_call(fetch_);
            break;
        case role::prospective:
        case role::candidate:
            consider(election_deadline_);
            for (const auto& [peer, one] : calls_) consider_call(one);
            break;
        case role::follower:
            consider(fetch_deadline_);
            if (fetch_.id != 0 || flushed_ >= log_.end_offset()) consider_call(fetch_);
            if (update_.id != 0) consider(update_.expires);
            break;
        case role::leader:
            for (const auto& [peer, one] : calls_) {
                const auto it = voter_progress_.find(peer);
                const auto silent = it == voter_progress_.end() || it->second.last_fetch == time_point{}
                                        ? time_point{}
                                        : it->second.last_fetch + config_.fetch_timeout / 2;
                consider(one.id != 0 ? one.expires : std::max(one.retry_at, silent));
            }
            if (!alone()) consider(quorum_contact(time_point::max()) + config_.fetch_timeout * 3 / 2);
            for (const auto& one : parked_) consider(one.until);
            if (change_ && !change_->answered) consider(change_->until);
            break;
        case role::resigned:
            consider(election_deadline_);
            for (const auto& [peer, one] : calls_) consider_call(one);
            break;
    }
    return next;
}

quorum_status core::status() const {
    quorum_status now;
    now.role = role_;
    now.leader = leader();
    now.high_watermark = hw_;
    now.log_end = log_.end_offset();
    now.log_end_epoch = log_.last_epoch();
    now.voted = role_ == role::leader ? config_.self.id : disk_.voted.id;
    now.kraft_version = voters_.kraft_version();
    now.voters = voters();
    if (role_ != role::leader) return now;
    for (const auto& one : voters()) {
        replica_progress row{.key = one.key};
        if (one.key.id == config_.self.id) {
            row.log_end = log_.end_offset();
        } else if (const auto it = voter_progress_.find(one.key.id); it != voter_progress_.end()) {
            row.log_end = it->second.log_end;
            row.last_fetch = it->second.last_fetch;
            row.last_caught_up = it->second.last_caught_up;
        }
        now.voter_progress.push_back(row);
    }
    for (const auto& [key, seen] : observer_progress_)
        now.observer_progress.push_back({key, seen.log_end, seen.last_fetch, seen.last_caught_up});
    return now;
}

quorum::quorum(quorum_config config, quorum_state restored, raft_log& log, std::uint64_t seed, time_point now)
    : core_(std::make_unique<core>(std::move(config), restored, log, seed, now)) {}
quorum::~quorum() = default;
void quorum::step(const message& incoming, time_point now) { core_->step(incoming, now); }
void quorum::tick(time_point now) { core_->tick(now); }
void quorum::on_flushed(const flush_request& flushed, time_point now) { core_->on_flushed(flushed, now); }
result<log_offset> quorum::propose(mutable_bytes batch, time_point now) { return core_->propose(batch, now); }
void quorum::resign(time_point now) { core_->resign(now); }
void quorum::on_snapshot(time_point now) { core_->on_snapshot(now); }
effects quorum::take_effects() { return core_->take_effects(); }
time_point quorum::deadline() const { return core_->deadline(); }
role quorum::current_role() const noexcept { return core_->current_role(); }
quorum_epoch quorum::epoch() const noexcept { return core_->epoch(); }
leader_and_epoch quorum::leader() const noexcept { return core_->leader(); }
log_offset quorum::high_watermark() const noexcept { return core_->high_watermark(); }
const voter_set& quorum::voters() const noexcept { return core_->voters(); }
quorum_state quorum::persisted() const noexcept { return core_->persisted(); }
quorum_status quorum::status() const { return core_->status(); }
snapshot_info quorum::voters_at(log_offset offset) const { return core_->voters_at(offset); }
std::vector<endpoint> quorum::endpoints_of(node_id id) const { return core_->endpoints_of(id); }

}  // namespace weir::raft
