// One replica of the metadata quorum (KRaft: KIP-595, KIP-630, KIP-853, KIP-996) as a value: messages, time and flushes
// go in, effects come out.
#pragma once
#include <weir/base/error.hpp>
#include <weir/base/time.hpp>
#include <weir/raft/log.hpp>
#include <weir/raft/messages.hpp>
#include <weir/raft/types.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace weir::raft {

struct quorum_config {
    replica_key self;
    std::string cluster_id;
    std::vector<endpoint> endpoints;      ///< this node's, as voters must reach it
    voter_set static_voters;              ///< controller.quorum.voters; used while no voters are in log or snapshot
    std::vector<node_id> bootstrap_peers; ///< whom to ask for the leader when no voter is known; ids the transport knows
    nanoseconds election_timeout = milliseconds{1000};     ///< controller.quorum.election.timeout.ms
    nanoseconds fetch_timeout = milliseconds{2000};        ///< controller.quorum.fetch.timeout.ms
    nanoseconds election_backoff_max = milliseconds{1000}; ///< controller.quorum.election.backoff.max.ms
    nanoseconds request_timeout = milliseconds{2000};      ///< controller.quorum.request.timeout.ms
    nanoseconds retry_backoff = milliseconds{20};          ///< controller.quorum.retry.backoff.ms
    nanoseconds fetch_max_wait = milliseconds{500};        ///< how long the leader may hold an empty fetch
    std::int32_t fetch_max_bytes = 1 << 20;                ///< controller.quorum.fetch.max.bytes
    std::int32_t snapshot_max_bytes = 1 << 20;             ///< controller.quorum.fetch.snapshot.max.bytes
    const clock* wall = nullptr;                           ///< timestamps of control records; none: 0
};

enum class role : std::uint8_t { unattached, follower, prospective, candidate, leader, resigned };
std::string_view to_string(role what) noexcept;

/// Asks for the log to be made durable below `end`. `generation` tells a flush begun before a truncation from one after.
struct flush_request {
    log_offset end = 0;
    std::uint64_t generation = 0;
};

/// What the owner has to do, in this order. A crash anywhere in between is allowed.
struct effects {
    std::optional<quorum_state> persist;          ///< durable before anything below happens
    std::vector<message> messages;                ///< requests and answers to hand to the transport
    std::optional<flush_request> flush;           ///< start a flush (or remember it while one runs), report on_flushed
    bool stopped_leading = false;                 ///< deliver before commits
    std::optional<snapshot_info> load_snapshot;   ///< a snapshot was copied: the state machine starts over from it
    std::optional<log_offset> high_watermark;     ///< it moved: everything below may be applied
    std::optional<quorum_epoch> began_leading;    ///< everything of older epochs is committed; deliver after commits
    std::optional<leader_and_epoch> leader;       ///< the known leader changed (-1: none)
    std::optional<error> failure;                 ///< the log failed: stop this replica
    bool empty() const noexcept;
};

struct replica_progress {
    replica_key key;
    log_offset log_end = -1;
    time_point last_fetch{};       ///< default: never
    time_point last_caught_up{};   ///< when it last had all the leader had; default: never
};

/// For DescribeQuorum and metrics.
struct quorum_status {
    raft::role role = raft::role::unattached;
    leader_and_epoch leader;
    log_offset high_watermark = 0;
    log_offset log_end = 0;
    quorum_epoch log_end_epoch = 0;   ///< of the last record
    node_id voted = no_node;          ///< whom this node votes for in this epoch, a leader for itself
    std::int16_t kraft_version = 0;
    voter_set voters;
    std::vector<replica_progress> voter_progress;     ///< on the leader only
    std::vector<replica_progress> observer_progress;
};

/// One replica, stepped by hand: no sockets, files, threads or clock inside, so any schedule can be replayed: the same
/// inputs in the same order give the same effects. Drain take_effects() after every call. Not thread-safe.
class quorum {
public:
    /// `restored` is what the last run persisted, `log` outlives this. `seed` drives jitter only. Reads the log once for
    /// voter records; throws weir::exception when that fails.
    quorum(quorum_config config, quorum_state restored, raft_log& log, std::uint64_t seed, time_point now);
    ~quorum();

    void step(const message& incoming, time_point now);  ///< a peer (or a client, for voter changes) spoke
    void tick(time_point now);                           ///< time passed; harmless if called early
    /// The log is durable below `flushed.end`. Flushes from before a truncation are recognised and ignored.
    void on_flushed(const flush_request& flushed, time_point now);
    /// Appends `batch` (one record batch, base offset and epoch not yet set) and returns the offset of its last record:
    /// committed once the high watermark is above. errc::not_leader_or_follower names the leader when it is known.
    result<log_offset> propose(mutable_bytes batch, time_point now);
    /// Gives up leadership in favour of the follower that is furthest (shutdown). Nothing to do on others.
    void resign(time_point now);
    /// A snapshot was taken here, or the log start moved.
    void on_snapshot(time_point now);

    effects take_effects();
    time_point deadline() const;             ///< tick() has nothing to do before; time_point::max(): never

    role current_role() const noexcept;
    bool is_leader() const noexcept { return current_role() == role::leader; }
    quorum_epoch epoch() const noexcept;
    leader_and_epoch leader() const noexcept;
    log_offset high_watermark() const noexcept;  ///< exclusive: everything below is committed
    const voter_set& voters() const noexcept;    ///< in force, committed or not
    quorum_state persisted() const noexcept;     ///< what `persist` said last
    quorum_status status() const;
    /// Voters as of `offset` (exclusive), for a snapshot that ends there.
    snapshot_info voters_at(log_offset offset) const;
    /// Where a node can be reached, from voters and from what leaders told; empty when unknown.
    std::vector<endpoint> endpoints_of(node_id id) const;

    quorum(const quorum&) = delete;
    quorum& operator=(const quorum&) = delete;

private:
    std::unique_ptr<class core> core_;
};

}  // namespace weir::raft
