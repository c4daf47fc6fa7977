// Gives the quorum core its event loop, files and network: what the broker runs.
#pragma once
#include <weir/base/event_loop.hpp>
#include <weir/base/files.hpp>
#include <weir/raft/quorum.hpp>
#include <weir/raft/snapshot.hpp>

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace weir::raft {

/// A raft_log on disk.
class durable_log : public raft_log {
public:
    /// Starts making everything appended so far durable; `done` runs on the loop, once. Never blocks. The driver has one
    /// flush under way at a time, so what is proposed meanwhile shares the next one.
    virtual void flush(function<void(result<void>)> done) = 0;
    /// The folder that holds the log, and its snapshots.
    virtual const std::string& directory() const noexcept = 0;
    /// Opens the newest snapshot for the state machine.
    virtual result<snapshot_reader> open_snapshot(const snapshot_id& id) const = 0;
    /// A snapshot file was finished: remember it, drop older ones and the log below it as retention allows.
    virtual result<void> snapshot_finished(const snapshot_id& id) = 0;
};

/// Requests out, answers in. A node that is alone has none.
class raft_transport {
public:
    virtual ~raft_transport() = default;
    /// Sends a request to `outgoing.peer`, at the best of `where` (may be empty: use what was configured for that id).
    /// The answer comes back through quorum_driver::receive with the same id; a lost one is noticed by timeout.
    virtual void send(message outgoing, const std::vector<endpoint>& where) = 0;
};

/// One committed batch, as stored.
struct committed_batch {
    log_offset base_offset = 0;
    log_offset last_offset = 0;
    quorum_epoch epoch = 0;
    timestamp_ms timestamp = 0;
    /// The framed metadata records, offsets base_offset, base_offset + 1, ...; empty for a control batch. Views into a
    /// buffer that lives during the call.
    std::vector<bytes_view> frames;
};

/// The state machine on top: controller runtime and metadata image. Called on the driver's loop, never from inside one
/// of its own calls into the driver.
class quorum_listener {
public:
    virtual ~quorum_listener() = default;
    /// Forget everything and load this; at the start (when there is a snapshot with records) or when the replica fell far behind.
    virtual void on_snapshot(snapshot_reader& snapshot) = 0;
    /// In offset order, each batch once; on the leader too (also its own proposals).
    virtual void on_commit(std::span<const committed_batch> batches) = 0;
    /// The high watermark moved to `offset` (exclusive) and everything below was delivered: answer who waits below it.
    virtual void on_high_watermark(log_offset offset) = 0;
    /// This node leads `epoch`; everything older was delivered. propose() works from here until on_resign.
    virtual void on_leadership(quorum_epoch epoch) = 0;
    /// What was proposed in `epoch` and is not committed yet may or may not survive.
    virtual void on_resign(quorum_epoch epoch) = 0;
    /// Whom the node believes to lead (-1: nobody).
    virtual void on_leader(const leader_and_epoch& leader) = 0;
    /// Disk failed: the replica has stopped; the process should end.
    virtual void on_failure(const error& why) = 0;
};

struct driver_options {
    quorum_config quorum;
    /// controller.quorum.append.linger.ms: how long a flush waits for more proposals. Zero flushes at the end of the
    /// present loop turn, which already groups what is proposed while a flush runs.
    nanoseconds append_linger{0};
    std::uint64_t seed = 1;
};

/// Of the last half minute to minute; times in milliseconds, 0 when nothing happened.
struct quorum_figures {
    double commit_average = 0, commit_max = 0;      ///< from a proposal of this node until it was committed
    double election_average = 0, election_max = 0;  ///< from when no leader was known until one was
    double appended = 0;                            ///< records that this node proposed, a second
};

/// Owns the file quorum-state beside the log and one quorum core. Everything on one loop's thread. An idle one-voter
/// quorum sets no timer.
class quorum_driver {
public:
    /// Reads quorum-state and the log. `transport` may be null for a quorum of one. errc::malformed names the file when
    /// quorum-state cannot be read; nothing is changed then.
    static result<std::unique_ptr<quorum_driver>> open(event_loop& loop, file_system& files, durable_log& log,
                                                       raft_transport* transport, quorum_listener& listener,
                                                       driver_options options);
    ~quorum_driver();

    /// Loads the newest snapshot into the listener, then takes part. A quorum of one leads at once: on_leadership comes
    /// after its first flush.
    void start();
    /// Hands leadership over (if there is anyone) and sets no further timer. Nothing is delivered after.
    void stop();

    /// Appends `frames` as one atomic batch and returns the offset of the last: committed when on_high_watermark is
    /// above. errc::not_leader_or_follower (retry elsewhere), errc::record_list_too_large above 8 MiB: split into
    /// several batches inside BeginTransaction / EndTransaction records.
    result<log_offset> propose(const std::vector<bytes>& frames);
    /// Resign leadership (the state machine failed).
    void resign();

    /// A request from a peer or client; `answer` runs on the loop, possibly much later (long polls), possibly never when
    /// the driver stops.
    void request(node_id from, message_body body, function<void(message_body)> answer);
    /// The answer to a request that went out through the transport.
    void receive(const message& answer);

    /// Starts a snapshot that ends at `end` (a committed offset the listener has applied all below). Finish it with
    /// writer->finish(loop, ...) and then call snapshot_finished().
    result<std::unique_ptr<snapshot_writer>> begin_snapshot(log_offset end);
    void snapshot_finished(const snapshot_id& id);

    quorum_status status() const;
    quorum_figures figures() const;
    bool is_leader() const noexcept;
    leader_and_epoch leader() const noexcept;
    log_offset high_watermark() const noexcept;
    /// Time of the last append by this leader; the app writes a NoOp record when that is metadata.max.idle.interval.ms
    /// ago and somebody watches.
    time_point last_append() const noexcept;

private:
    struct state;
    explicit quorum_driver(std::shared_ptr<state> state);
    std::shared_ptr<state> state_;
};

/// quorum-state as text, both ways.
std::string write_quorum_state(const quorum_state& state);
result<quorum_state> parse_quorum_state(std::string_view text);

}  // namespace weir::raft
