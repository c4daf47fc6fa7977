// From the committed metadata log to images.
#pragma once
#include <weir/base/error.hpp>
#include <weir/metadata/image.hpp>
#include <weir/metadata/image_change.hpp>

#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace weir::metadata {

/// One committed batch of the log; the frames are views that live during the call.
struct log_batch {
    std::int64_t base_offset = 0;
    std::int64_t last_offset = 0;
    std::int32_t epoch = 0;
    timestamp_ms timestamp = no_timestamp;
    std::span<const bytes_view> frames;  ///< empty for a control batch
};

/// Follows the committed log. Records between BeginTransaction and EndTransaction are held back and appear in one
/// image; AbortTransaction drops them (KIP-868). Not thread-safe; the images it makes are.
class image_loader {
public:
    image_loader();
    ~image_loader();

    /// The newest image; never null.
    const image_ref& current() const noexcept { return current_; }
    bool in_transaction() const noexcept { return transaction_ != nullptr; }
    /// The offset after the last batch or snapshot taken, held-back records included.
    std::int64_t next_offset() const noexcept { return next_offset_; }
    /// Bytes of frames since the last snapshot was loaded or noted: for
    /// metadata.log.max.record.bytes.between.snapshots.
    std::int64_t bytes_since_snapshot() const noexcept { return bytes_since_snapshot_; }
    void snapshot_noted() noexcept { bytes_since_snapshot_ = 0; }

    /// Takes batches in offset order. nullopt when no new image came of it (only held-back records); otherwise what
    /// changed, also when only the position did. Batches below next_offset() are skipped. An error (errc::malformed or
    /// errc::unsupported_version, with the offset) leaves the loader as it was: the process should end.
    result<std::optional<image_change>> apply(std::span<const log_batch> batches);

    /// Starts to read a snapshot of the log below `end_offset`; then its frames, in as many steps as one likes; finish
    /// replaces the current image and drops a held-back transaction.
    void begin_snapshot(std::int64_t end_offset, std::int32_t epoch, timestamp_ms timestamp);
    result<void> add_snapshot_frames(std::span<const bytes_view> frames);
    image_change finish_snapshot();

private:
    struct held_back;
    struct snapshot_in_progress;
    image_ref current_;
    std::unique_ptr<held_back> transaction_;
    std::unique_ptr<snapshot_in_progress> snapshot_;
    std::int64_t next_offset_ = 0;
    std::int64_t bytes_since_snapshot_ = 0;
};

}  // namespace weir::metadata
