// Which partition records without a key go to (KIP-480, KIP-794).
#pragma once
#include <weir/base/random.hpp>

#include <cstdint>
#include <span>

namespace weir::detail {

/// Stays with a partition until a batch's worth of bytes went there, so that batches fill; then draws the next one, the
/// more likely the shorter its queue is. One per topic; not thread-safe.
class sticky_partitioner {
public:
    /// `queued`: batches waiting per partition; one without a leader counts as below 0 and is avoided while there are
    /// others. Not `adaptive`: all with a leader are alike. The same answer until appended() says otherwise.
    std::int32_t partition(std::span<const std::int32_t> queued, bool adaptive, random_source& random) {
        if (current_ < 0 || static_cast<std::size_t>(current_) >= queued.size()) [[unlikely]] draw(queued, adaptive, random);
        return current_;
    }
    /// `count` bytes went to partition(); true when the next record goes elsewhere.
    bool appended(std::size_t count, std::size_t batch_size) noexcept {
        bytes_ += count;
        if (bytes_ < batch_size) return false;
        bytes_ = 0;
        current_ = -1;
        return true;
    }

private:
    void draw(std::span<const std::int32_t> queued, bool adaptive, random_source& random);
    std::int32_t current_ = -1;
    std::size_t bytes_ = 0;
};

}  // namespace weir::detail
