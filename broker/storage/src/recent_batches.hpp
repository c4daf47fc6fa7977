// Where the last batches of the active segment begin: reads at the tail need neither index nor scan.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>

namespace weir::storage {

/// A ring that is allocated with the first batch and can be given back while a log is idle.
class recent_batches {
public:
    void push(std::int64_t base_offset, std::int64_t last_offset, std::uint64_t position) {
        if (!ring_) ring_ = std::make_unique_for_overwrite<entry[]>(capacity);
        if (count_ == capacity)
            ++first_;
        else
            ++count_;
        ring_[(first_ + count_ - 1) % capacity] = {base_offset, last_offset, position};
    }
    void clear() noexcept { first_ = count_ = 0; }
    void release() noexcept {
        clear();
        ring_.reset();
    }

    struct place {
        std::uint64_t position = 0;
        std::optional<std::uint64_t> next;  ///< where the batch behind it begins, if there is one
    };
    /// The first batch that ends at or above `offset`; nullopt when the ring cannot tell.
    std::optional<place> find(std::int64_t offset) const noexcept {
        const auto which = first_where([offset](const entry& batch) { return batch.last_offset >= offset; });
        if (which == count_ || (which == 0 && at(0).base_offset > offset)) return std::nullopt;
        place found{at(which).position, std::nullopt};
        if (which + 1 < count_) found.next = at(which + 1).position;
        return found;
    }
    /// Where the first batch that begins at or above `offset` begins, `file_end` when there is none; nullopt when the
    /// ring cannot tell.
    std::optional<std::uint64_t> begins_at_or_above(std::int64_t offset, std::uint64_t file_end) const noexcept {
        const auto which = first_where([offset](const entry& batch) { return batch.base_offset >= offset; });
        if (count_ == 0 || (which == 0 && at(0).base_offset != offset)) return std::nullopt;
        return which == count_ ? file_end : at(which).position;
    }

private:
    static constexpr std::size_t capacity = 256;
    struct entry {
        std::int64_t base_offset;
        std::int64_t last_offset;
        std::uint64_t position;
    };
    const entry& at(std::size_t which) const noexcept { return ring_[(first_ + which) % capacity]; }
    template <class Holds>
    std::size_t first_where(const Holds& holds) const noexcept {
        std::size_t low = 0, high = count_;
        while (low < high) {
            const auto middle = (low + high) / 2;
            if (holds(at(middle)))
                high = middle;
            else
                low = middle + 1;
        }
        return low;
    }

    std::unique_ptr<entry[]> ring_;
    std::size_t first_ = 0;
    std::size_t count_ = 0;
};

}  // namespace weir::storage
