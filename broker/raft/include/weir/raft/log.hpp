// What the quorum needs of its log and snapshots. The owner implements it: files in the broker (app/metadata_log),
// memory in tests.
#pragma once
#include <weir/base/bytes.hpp>
#include <weir/base/error.hpp>
#include <weir/raft/types.hpp>

namespace weir::raft {

struct snapshot_chunk {
    std::int64_t size = 0;  ///< of the whole snapshot
    bytes content;
};

/// The log of one replica and its newest snapshot. Calls answer at once; what they wrote may be lost by a power cut
/// until it was flushed, which the owner reports to quorum::on_flushed. Batches are whole record batches (format 2)
/// without compression. A failed write is final: the owner stops the replica.
class raft_log {
public:
    virtual ~raft_log() = default;

    virtual log_offset start_offset() const = 0;    ///< first offset that can be read
    virtual log_offset end_offset() const = 0;      ///< exclusive
    virtual log_offset flushed_offset() const = 0;  ///< exclusive; asked once, when the replica starts
    /// Epoch of the last record; of the snapshot the log starts at when it is empty; 0 when there is neither.
    virtual quorum_epoch last_epoch() const = 0;
    /// The largest epoch not above `epoch` that the log (or the snapshot it starts at) knows, and the exclusive end of
    /// it; {start_offset, epoch of the snapshot} when all it knows is newer.
    virtual log_position end_of_epoch(quorum_epoch epoch) const = 0;

    /// Appends one batch whose base offset (= end_offset()) and leader epoch are set already.
    virtual result<void> append(bytes_view batch) = 0;
    /// Drops everything from `offset` on. Durable when it returns, so that no power cut brings back an old tail behind new
    /// batches; it happens once per election at most.
    virtual result<void> truncate_to(log_offset offset) = 0;
    /// Whole batches from the one that holds `offset`; at least one however small `max_bytes` is, none at the end.
    virtual result<bytes> read(log_offset offset, std::size_t max_bytes) const = 0;

    /// The newest complete snapshot.
    virtual std::optional<snapshot_info> latest_snapshot() const = 0;
    /// Up to `max_bytes` of a snapshot; errc::snapshot_not_found, errc::position_out_of_range.
    virtual result<snapshot_chunk> read_snapshot(const snapshot_id& id, std::int64_t position,
                                                 std::size_t max_bytes) const = 0;
    /// The three steps by which a replica copies a snapshot: `receive` from position 0 starts over; `install` checks
    /// it, makes it durable, makes it the newest and restarts the (then empty and flushed) log at its end.
    virtual result<void> receive_snapshot(const snapshot_id& id, std::int64_t position, bytes_view chunk) = 0;
    virtual result<snapshot_info> install_snapshot(const snapshot_id& id) = 0;
};

}  // namespace weir::raft
