// From committed metadata to a broker that acts on it: images, partitions, coordinators.
#pragma once
#include <weir/base/task.hpp>
#include <weir/broker/broker_config.hpp>
#include <weir/coordinator/group_coordinator.hpp>
#include <weir/metadata/controller_runtime.hpp>
#include <weir/metadata/image_loader.hpp>
#include <weir/raft/driver.hpp>
#include <weir/replica/replicas.hpp>
#include <weir/server/services.hpp>

#include <deque>
#include <string>
#include <vector>

namespace weir::broker {

struct running_config;

/// The state machine on top of the quorum. Everything on the first core's loop. Until open() images are only loaded;
/// from then on each change is applied, one after the other: partitions are opened or removed, then every core sees the
/// image, then coordinators take over or let go.
class metadata_publisher final : public raft::quorum_listener {
public:
    struct parts {
        const broker_config& config;
        event_loop& loop;
        file_system& files;
        metadata::controller_runtime& controller;
        replica::replicas& replicas;
        coordinator::group_coordinator& groups;
        server::metadata_cache& cache;
        std::string metadata_directory;
        function<void(metadata::image_ref, std::vector<replica::partition_id>)> opened;  ///< these were opened, or led before
        function<void(const running_config&)> reconfigure;  ///< settings that change while the broker runs may have changed
        function<void(const error&)> failed;  ///< the disk of the metadata log failed, or a record cannot be understood
    };
    explicit metadata_publisher(parts with) : parts_(std::move(with)) { counted_.snapshot_time = parts_.loop.wall_now(); }

    /// Needed before the driver starts: snapshots are written through it.
    void use(raft::quorum_driver& driver) noexcept { driver_ = &driver; }
    const metadata::image_ref& image() const noexcept { return loader_.current(); }
    struct figures {
        std::uint64_t snapshots_loaded = 0;
        std::uint64_t leaderships = 0;       ///< times this node became the active controller
        std::uint64_t snapshot_bytes = 0;    ///< records of the newest snapshot written
        timestamp_ms snapshot_time = 0;      ///< when; the start as long as none was
    };
    const figures& counted() const noexcept { return counted_; }
    /// Completes when this node is the active controller, or will not be (failed was called).
    task<void> wait_for_leadership();
    /// Completes when the image as of now is applied; later changes follow by themselves.
    task<void> open();
    /// Partitions whose log could not be opened are tried once more, between two changes; coordinators take over theirs.
    void try_left_out();
    /// Completes when no change is being applied any more; none will be.
    task<void> stop();

    void on_snapshot(raft::snapshot_reader& snapshot) override;
    void on_commit(std::span<const raft::committed_batch> batches) override;
    void on_high_watermark(raft::log_offset offset) override;
    void on_leadership(raft::quorum_epoch epoch) override;
    void on_resign(raft::quorum_epoch epoch) override;
    void on_leader(const raft::leader_and_epoch&) override {}
    void on_failure(const error& why) override;

private:
    void enqueue(metadata::image_change change);
    void go_on();
    static task<void> apply_all(metadata_publisher& self);
    task<void> apply(const metadata::image_change& change);
    task<void> put_left_out();
    void maybe_snapshot();

    parts parts_;
    raft::quorum_driver* driver_ = nullptr;
    metadata::image_loader loader_;
    std::deque<metadata::image_change> queue_;
    bool open_ = false;
    bool left_out_due_ = false;  // to be tried again
    bool applying_ = false;
    bool stopped_ = false;
    bool snapshotting_ = false;
    timestamp_ms last_snapshot_ = 0;
    figures counted_;
    function<void(bool)> led_;
    std::vector<function<void(bool)>> applied_;
};

}  // namespace weir::broker
