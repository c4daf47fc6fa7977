// The metadata quorum's log on disk: Kafka's segments (storage) and snapshots (raft) in one folder.
#pragma once
#include <weir/raft/driver.hpp>
#include <weir/raft/snapshot.hpp>
#include <weir/storage/log.hpp>

#include <memory>
#include <string>

namespace weir::broker {

struct metadata_log_options {
    std::int32_t segment_bytes = 1 << 30;             ///< metadata.log.segment.bytes
    milliseconds segment_ms{604'800'000};             ///< metadata.log.segment.ms
    std::int64_t retention_bytes = 100 << 20;         ///< metadata.max.retention.bytes: log and snapshots together
    milliseconds retention_ms{604'800'000};           ///< metadata.max.retention.ms
};

/// <metadata.log.dir>/__cluster_metadata-0. The log starts at the end of the oldest snapshot that is kept, so that the
/// epoch in front of its first record is known.
class metadata_log final : public raft::durable_log {
public:
    /// Opens and recovers it. errc::corrupt_message names the snapshot that is damaged; nothing is changed then.
    static result<std::unique_ptr<metadata_log>> open(file_system& files, event_loop& loop, const std::string& log_directory,
                                                      metadata_log_options options = {});
    /// Clean shutdown, after the driver stopped.
    result<void> close() { return log_->close(); }

    raft::log_offset start_offset() const override { return start_.offset; }
    raft::log_offset end_offset() const override { return log_->log_end_offset(); }
    raft::log_offset flushed_offset() const override { return log_->flushed_offset(); }
    raft::quorum_epoch last_epoch() const override;
    raft::log_position end_of_epoch(raft::quorum_epoch epoch) const override;
    result<void> append(bytes_view batch) override;
    result<void> truncate_to(raft::log_offset offset) override;
    result<bytes> read(raft::log_offset offset, std::size_t max_bytes) const override;
    std::optional<raft::snapshot_info> latest_snapshot() const override { return snapshots_.latest(); }
    result<raft::snapshot_chunk> read_snapshot(const raft::snapshot_id& id, std::int64_t position,
                                               std::size_t max_bytes) const override;
    result<void> receive_snapshot(const raft::snapshot_id& id, std::int64_t position, bytes_view chunk) override;
    result<raft::snapshot_info> install_snapshot(const raft::snapshot_id& id) override;

    void flush(function<void(result<void>)> done) override;
    const std::string& directory() const noexcept override { return snapshots_.path(); }
    result<raft::snapshot_reader> open_snapshot(const raft::snapshot_id& id) const override;
    result<void> snapshot_finished(const raft::snapshot_id& id) override;

    std::uint64_t size_bytes() const noexcept { return log_->size_bytes(); }

private:
    metadata_log(file_system& files, event_loop& loop, metadata_log_options options, raft::snapshot_directory snapshots)
        : files_(files), loop_(loop), options_(options), snapshots_(std::move(snapshots)) {}
    result<bool> over_budget() const;

    file_system& files_;
    event_loop& loop_;
    metadata_log_options options_;
    raft::snapshot_directory snapshots_;
    std::shared_ptr<storage::partition_log> log_;  // shared with flushes under way
    raft::log_position start_;
};

}  // namespace weir::broker
