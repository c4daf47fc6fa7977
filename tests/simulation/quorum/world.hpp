// A whole quorum in one process, from one seed: replicas, links that delay, lose and reorder, disks that lose what was
// not flushed, clients. check() holds the invariants of docs/architecture/quorum.md against it after every event.
#pragma once
#include <weir/base/function.hpp>
#include <weir/raft/quorum.hpp>

#include "raft/memory_raft_log.hpp"

#include <map>
#include <memory>
#include <queue>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace weir::simulation {

using raft::log_offset;
using raft::node_id;
using raft::quorum_epoch;

/// A deliberate fault in what surrounds the core, to prove that the checks notice.
enum class broken { nothing, ack_before_flush, forget_votes, forget_truncation };

struct settings {
    std::uint64_t seed = 1;
    broken fault = broken::nothing;
    bool trace = false;
};

struct violation : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct totals {
    std::uint64_t events = 0, proposals = 0, acknowledged = 0, committed = 0, elections = 0, crashes = 0, snapshots = 0,
                  installs = 0, voter_changes = 0;
};

class world {
public:
    explicit world(const settings& chosen);
    ~world();
    /// Faults for a while, then none; throws violation.
    totals run();

private:
    struct node {
        node_id id = -1;
        raft::replica_key key;
        testing::memory_raft_log log;
        raft::quorum_state disk;
        std::unique_ptr<raft::quorum> core;   // null while the node is down
        std::uint32_t incarnation = 0;
        time_point timer = time_point::max();
        bool flushing = false;
        std::optional<raft::flush_request> next_flush;
        log_offset applied = 0;
        std::uint64_t state = 0;              // hash of everything applied
        log_offset high_watermark = 0;
        quorum_epoch epoch = 0;
        std::optional<quorum_epoch> leading;  // as the listener was told
        std::uint64_t log_generation = 0;
    };
    struct token { node_id from; std::uint32_t incarnation; std::uint64_t id; raft::message_body request; };
    struct proposal { node_id node; std::uint32_t incarnation; quorum_epoch epoch; log_offset last; std::uint64_t fingerprint; };
    struct event { time_point at; std::uint64_t order; function<void()> run; };

    void later(nanoseconds delay, function<void()> step);
    nanoseconds some(nanoseconds most) { return nanoseconds{static_cast<nanoseconds::rep>(random_.below(static_cast<std::uint64_t>(most.count()) + 1))}; }
    void start(node& which);
    void crash(node& which);
    void settle(node& which);                 // do what the core asks for
    void do_effects(node& which, raft::effects outcome);
    void start_flush(node& which, raft::flush_request wanted);
    void apply(node& which, log_offset to);
    void arm(node& which);
    void transmit(node& from, raft::message outgoing);
    void deliver(node_id to, node_id from, std::uint64_t id, raft::message_body body);
    void note_vote(node_id voter, quorum_epoch epoch, const raft::replica_key& candidate);

    void client_turn();
    void fault_turn();
    void admin_turn();
    void snapshot_turn();

    void check(node& touched);
    void check_durable();
    void check_logs();
    void check_end();
    [[noreturn]] void fail(const std::string& what) const;
    template <class... Parts>
    void trace(const Parts&... parts);
    node* leader();
    bool cut(node_id from, node_id to) const { return cuts_.contains({from, to}); }
    std::uint64_t committed_state(log_offset end) const { return end == 0 ? 0 : model_[static_cast<std::size_t>(end - 1)].state; }

    settings chosen_;
    random_source random_;
    time_point now_{milliseconds{1000}};
    std::uint64_t order_ = 0;
    std::vector<event> queue_;  // a heap
    std::map<node_id, node> nodes_;
    std::vector<token> tokens_;
    std::set<std::pair<node_id, node_id>> cuts_;
    raft::quorum_config base_;
    bool dynamic_ = true, snapshots_ = false, voter_changes_ = false;
    bool calm_ = false;
    double loss_ = 0;
    nanoseconds most_delay_{};
    time_point storm_end_{};

    struct committed { std::uint64_t fingerprint, state; };
    std::vector<committed> model_;                             // by offset
    std::map<quorum_epoch, node_id> leaders_;
    std::map<std::pair<node_id, quorum_epoch>, raft::replica_key> votes_;
    std::vector<proposal> waiting_;
    std::vector<proposal> acknowledged_;
    std::uint64_t next_value_ = 1;
    raft::voter_set committed_voters_;
    totals totals_;
};

}  // namespace weir::simulation
