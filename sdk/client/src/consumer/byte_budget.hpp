// The bytes a consumer may hold: asked for before a fetch or a batch is opened, given back when the last record that lies in them
// is gone.
#pragma once
#include <weir/base/function.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <mutex>

namespace weir::detail {

/// Thread-safe: batches are dropped on any thread.
class byte_budget {
public:
    explicit byte_budget(std::size_t limit) noexcept : limit_(limit) {}

    /// Reserves up to `wanted` bytes, at least `least` of them, or nothing: 0, and `when_room` of on_room() is due once.
    std::size_t reserve(std::size_t wanted, std::size_t least) {
        const std::lock_guard held{mutex_};
        const auto left = limit_ - std::min(used_, limit_);
        const auto given = std::min(wanted, left);
        if (given < std::min(least, limit_)) {
            starved_ = true;
            return 0;
        }
        used_ += given;
        return given;
    }
    /// Whether who has `reserved` may take as much as one batch needs: the others have no more than the limit. If not, `when_room`.
    bool admits(std::size_t reserved) {
        const std::lock_guard held{mutex_};
        if (used_ - reserved <= limit_) return true;
        starved_ = true;
        return false;
    }
    /// Somebody waits for room.
    bool starved() const {
        const std::lock_guard held{mutex_};
        return starved_;
    }
    /// What was reserved turned out to be this much. A single batch larger than every limit makes it more.
    void settle(std::size_t reserved, std::size_t really) { change(reserved, really); }
    void release(std::size_t bytes) { change(bytes, 0); }
    /// Called on the thread that releases, after a reserve() or admits() in vain.
    void on_room(function<void()> tell) {
        const std::lock_guard held{mutex_};
        tell_ = std::move(tell);
    }
    /// Nobody reserves any more.
    void close() { on_room({}); }
    std::size_t used() const {
        const std::lock_guard held{mutex_};
        return used_;
    }
    std::size_t limit() const noexcept { return limit_; }

private:
    void change(std::size_t less, std::size_t more) {
        const std::lock_guard held{mutex_};
        used_ = used_ - less + more;
        if (less > more && starved_ && tell_) {
            starved_ = false;
            tell_();
        }
    }
    const std::size_t limit_;
    mutable std::mutex mutex_;
    std::size_t used_ = 0;
    bool starved_ = false;
    function<void()> tell_;
};

/// Bytes of an answer and their share of the budget.
class held_bytes {
public:
    held_bytes(std::shared_ptr<byte_budget> of, std::size_t bytes, std::shared_ptr<const void> content) noexcept
        : budget_(std::move(of)), bytes_(bytes), content_(std::move(content)) {}
    held_bytes(const held_bytes&) = delete;
    held_bytes& operator=(const held_bytes&) = delete;
    ~held_bytes() {
        content_.reset();
        budget_->release(bytes_);
    }

private:
    std::shared_ptr<byte_budget> budget_;
    std::size_t bytes_;
    std::shared_ptr<const void> content_;
};

}  // namespace weir::detail
