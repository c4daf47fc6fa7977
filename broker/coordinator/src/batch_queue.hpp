// Records of several operations, gathered into batches that fit the topic's limit.
#pragma once
#include <weir/base/error.hpp>
#include <weir/coordinator/runtime.hpp>
#include <weir/protocol/records/batch_builder.hpp>

#include <deque>

namespace weir::coordinator {

struct sealed_batch {
    bytes content;
    std::int64_t first_offset = -1;
    std::int64_t next_offset = -1;
};

class batch_queue {
public:
    batch_queue(std::int32_t max_batch_bytes, std::int64_t next_offset)
        : max_bytes_(static_cast<std::size_t>(max_batch_bytes)),
          next_offset_(next_offset) {}

    /// True when a batch of its own would hold it.
    bool fits(const record& r) const;
    /// Takes the record at next_offset(); it fits.
    void add(const record& r, const std::optional<transaction_producer>& producer, timestamp_ms now);
    void add_marker(const transaction_producer& producer, bool commit, std::int32_t coordinator_epoch,
                    timestamp_ms now);

    std::int64_t next_offset() const noexcept { return next_offset_; }
    bool empty() const noexcept { return sealed_.empty() && open_count_ == 0; }
    /// The oldest batch, closing the one that gathers when it is the oldest.
    sealed_batch take();

private:
    void seal();

    std::size_t max_bytes_;
    std::int64_t next_offset_;
    std::deque<sealed_batch> sealed_;
    protocol::batch_builder open_;
    std::optional<transaction_producer> open_producer_;
    std::int64_t open_first_ = -1;
    std::int32_t open_count_ = 0;
};

}  // namespace weir::coordinator
