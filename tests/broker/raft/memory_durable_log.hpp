// The in-memory log behind the driver: flushes and snapshots go to a simulated disk.
#pragma once
#include <weir/raft/driver.hpp>

#include "raft/memory_raft_log.hpp"

namespace weir::testing {

class memory_durable_log final : public raft::durable_log {
public:
    memory_durable_log(event_loop& loop, file_system& files, std::string folder)
        : files_(files), loop_(loop), folder_(std::move(folder)), snapshots_(*raft::snapshot_directory::open(files, folder_)) {
        if (snapshots_.latest() && snapshots_.latest()->id.offset == 0) memory.format(*snapshots_.latest()->voters);
    }

    raft::log_offset start_offset() const override { return memory.start_offset(); }
    raft::log_offset end_offset() const override { return memory.end_offset(); }
    raft::log_offset flushed_offset() const override { return memory.flushed_offset(); }
    raft::quorum_epoch last_epoch() const override { return memory.last_epoch(); }
    raft::log_position end_of_epoch(raft::quorum_epoch epoch) const override { return memory.end_of_epoch(epoch); }
    result<void> append(bytes_view batch) override { return memory.append(batch); }
    result<void> truncate_to(raft::log_offset offset) override { return memory.truncate_to(offset); }
    result<bytes> read(raft::log_offset offset, std::size_t most) const override { return memory.read(offset, most); }
    std::optional<raft::snapshot_info> latest_snapshot() const override { return snapshots_.latest(); }
    result<raft::snapshot_chunk> read_snapshot(const raft::snapshot_id&, std::int64_t, std::size_t) const override {
        return error{errc::snapshot_not_found};
    }
    result<void> receive_snapshot(const raft::snapshot_id& id, std::int64_t position, bytes_view chunk) override {
        return snapshots_.receive(id, position, chunk);
    }
    result<raft::snapshot_info> install_snapshot(const raft::snapshot_id& id) override { return snapshots_.install(id); }

    void flush(function<void(result<void>)> done) override {
        ++flushes;
        loop_.call_after(flush_time, [this, end = memory.end_offset(), done = std::move(done)]() mutable {
            if (fail_flush) return done(error{errc::io_error, folder_ + ": the disk is gone"});
            memory.synced(end, memory.generation());
            done({});
        });
    }
    const std::string& directory() const noexcept override { return folder_; }
    result<raft::snapshot_reader> open_snapshot(const raft::snapshot_id& id) const override {
        return raft::snapshot_reader::open(files_, snapshots_.path_of(id));
    }
    result<void> snapshot_finished(const raft::snapshot_id& id) override { return snapshots_.added(id); }

    memory_raft_log memory;
    nanoseconds flush_time = milliseconds{2};
    int flushes = 0;
    bool fail_flush = false;

private:
    file_system& files_;
    event_loop& loop_;
    std::string folder_;
    raft::snapshot_directory snapshots_;
};

}  // namespace weir::testing
