// The state behind quorum. One class, several files: quorum.cpp (entry points, time), election.cpp (who leads),
// leader.cpp, follower.cpp, voter_changes.cpp.
#pragma once
#include "voter_history.hpp"

#include <weir/base/random.hpp>
#include <weir/raft/quorum.hpp>

#include <map>
#include <set>

namespace weir::raft {

/// A request to one peer that is repeated until it is answered.
struct call {
    std::uint64_t id = 0;      // 0: none under way
    time_point expires{};
    time_point retry_at{};
    bool done = false;
};

struct progress {
    log_offset log_end = -1;
    log_offset leader_end_then = -1;  // our log end when it last fetched
    time_point last_fetch{};
    time_point last_caught_up{};
    time_point last_contact{};        // for check-quorum; starts at the beginning of the epoch
};

struct parked_fetch {
    node_id peer = no_node;
    std::uint64_t id = 0;
    fetch_request request;
    time_point until{};
};

enum class change_kind : std::uint8_t { add, remove, update };
struct voter_change {
    change_kind kind = change_kind::add;
    log_offset offset = 0;    // of the voters record
    node_id peer = no_node;
    std::uint64_t id = 0;
    bool answered = false;
    time_point until = time_point::max();
};

class core {
public:
    core(quorum_config config, quorum_state restored, raft_log& log, std::uint64_t seed, time_point now);

    void step(const message& incoming, time_point now);
    void tick(time_point now);
    void on_flushed(const flush_request& flushed, time_point now);
    result<log_offset> propose(mutable_bytes batch, time_point now);
    void resign(time_point now);
    void on_snapshot(time_point now);
    effects take_effects();
    time_point deadline() const;
    quorum_status status() const;
    snapshot_info voters_at(log_offset offset) const { return voters_.at(offset); }
    std::vector<endpoint> endpoints_of(node_id id) const;

    role current_role() const noexcept { return role_; }
    quorum_epoch epoch() const noexcept { return disk_.leader_epoch; }
    leader_and_epoch leader() const noexcept { return {leader_, disk_.leader_epoch}; }
    log_offset high_watermark() const noexcept { return hw_; }
    const voter_set& voters() const noexcept { return voters_.latest(); }
    quorum_state persisted() const noexcept { return disk_; }

private:
    // quorum.cpp
    void advance(time_point now);
    bool advance_once(time_point now);
    void fail(const error& why);
    void send(node_id peer, std::uint64_t id, message_body body);
    void answer(const message& request, message_body body) { send(request.peer, request.id, std::move(body)); }
    leader_hint hint() const;
    bool foreign(const std::optional<std::string>& cluster_id) const;
    bool is_voter() const { return voters().contains(config_.self); }
    bool may_stand() const;
    bool alone() const { return voters().size() == 1 && is_voter(); }
    time_point jittered(time_point now, nanoseconds timeout);
    void keep(quorum_state state);
    void want_flush();
    result<void> scan_control(bytes_view batch);

    // election.cpp
    void leave_role();
    void become_unattached(quorum_epoch epoch, time_point now);
    void become_follower(quorum_epoch epoch, node_id leader, const std::vector<endpoint>& where, time_point now);
    void become_prospective(time_point now);
    void become_candidate(time_point now);
    void believe(node_id leader);
    bool absorb(const leader_hint& told, time_point now);
    bool can_grant(const vote_request& request) const;
    void count_votes(time_point now);
    void send_votes(time_point now);
    bool drive_election(time_point now);
    void on(const message& from, const vote_request& request, time_point now);
    void on(const message& from, const vote_response& response, time_point now);
    void on(const message& from, const begin_epoch_request& request, time_point now);
    void on(const message& from, const begin_epoch_response& response, time_point now);
    void on(const message& from, const end_epoch_request& request, time_point now);
    void on(const message& from, const end_epoch_response& response, time_point now);

    // leader.cpp
    void become_leader(time_point now);
    bool drive_leader(time_point now);
    bool drive_resigned(time_point now);
    time_point quorum_contact(time_point now) const;
    void update_high_watermark(time_point now);
    void note_fetch(const replica_key& replica, log_offset offset, time_point now);
    progress& progress_of(const replica_key& replica, time_point now);
    fetch_response read_for(const fetch_request& request);
    void wake_fetches(bool watermark_moved);
    result<void> append_control(bytes batch);
    void on(const message& from, const fetch_request& request, time_point now);
    void on(const message& from, const fetch_snapshot_request& request, time_point now);

    // follower.cpp
    bool drive_follower(time_point now);
    void drive_update(time_point now);
    void find_leader(time_point now);
    void send_fetch(node_id peer, time_point now);
    void take_records(bytes_view records, time_point now);
    void truncate_for(const log_position& diverging);
    void install_copy(time_point now);
    void on(const message& from, const fetch_response& response, time_point now);
    void on(const message& from, const fetch_snapshot_response& response, time_point now);

    // voter_changes.cpp
    errc can_change_voters(const std::optional<std::string>& cluster_id, std::string& why) const;
    void start_change(const message& from, change_kind kind, voter_set changed, bool answer_later, time_point until);
    void answer_change(errc code, const std::string& why);
    void finish_change();
    void on(const message& from, const add_voter_request& request, time_point now);
    void on(const message& from, const remove_voter_request& request, time_point now);
    void on(const message& from, const update_voter_request& request, time_point now);
    void on(const message& from, const update_voter_response& response, time_point now);
    void on(const message&, const add_voter_response&, time_point) {}
    void on(const message&, const remove_voter_response&, time_point) {}

    quorum_config config_;
    raft_log& log_;
    random_source random_;
    voter_history voters_;
    effects out_;
    bool failed_ = false;
    std::uint64_t next_id_ = 1;

    quorum_state disk_;
    role role_ = role::unattached;
    node_id leader_ = no_node;   // whom we believe to lead; disk_.leader_id also fences votes after that belief ended
    std::vector<endpoint> leader_endpoints_;
    leader_and_epoch announced_;
    log_offset hw_ = 0;
    log_offset flushed_ = 0;
    std::uint64_t generation_ = 0;  // counts truncations

    time_point election_deadline_ = time_point::max();
    std::map<node_id, call> calls_;      // votes, begin or end of an epoch, by role
    std::set<node_id> granted_, rejected_;

    // follower
    time_point fetch_deadline_ = time_point::max();
    bool has_fetched_ = false;           // from this leader, in this epoch
    call fetch_;
    node_id fetch_peer_ = no_node;
    call update_;
    std::optional<snapshot_id> copying_;
    std::int64_t copied_ = 0;

    // leader
    log_offset epoch_start_ = 0;
    bool leading_announced_ = false;
    std::map<node_id, progress> voter_progress_;
    std::map<replica_key, progress> observer_progress_;
    std::vector<parked_fetch> parked_;
    std::optional<voter_change> change_;
};

}  // namespace weir::raft
