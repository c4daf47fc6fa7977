// Memory for requests: buffers that are used again, within a budget that back-pressure enforces.
#pragma once
#include <weir/base/bytes.hpp>
#include <weir/base/event_loop.hpp>

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

namespace weir::server {

/// One request's bytes, from the socket until its answer is encoded. Writable, because a leader patches offsets in place.
class request_buffer {
public:
    request_buffer(std::unique_ptr<std::byte[]> memory, std::size_t capacity) noexcept
        : memory_(std::move(memory)), capacity_(capacity) {}
    mutable_bytes data() noexcept { return {memory_.get(), size}; }
    bytes_view data() const noexcept { return {memory_.get(), size}; }
    std::size_t capacity() const noexcept { return capacity_; }
    std::size_t size = 0;

private:
    std::unique_ptr<std::byte[]> memory_;
    std::size_t capacity_;
};
using request_buffer_ptr = std::shared_ptr<request_buffer>;

/// The share of one core. A connection that would exceed it is not read from until others have been answered; first
/// come, first served. Requests above a 64th of the budget have one half of it, those below the other: who announces
/// large ones and sends nothing keeps nobody else waiting. One that is larger than a half passes when it is alone there.
/// Belongs to one event loop, and so do the buffers it hands out: drop them there.
class request_memory {
public:
    request_memory(event_loop& home, std::uint64_t budget_bytes);
    ~request_memory();

    /// Runs `ready` with a buffer of `size` bytes (not zeroed), at once or when there is room.
    void acquire(std::size_t size, function<void(request_buffer_ptr)> ready);
    std::uint64_t bytes_in_use() const noexcept { return small_.in_use + large_.in_use; }

private:
    // Buffers of 4 KiB to 4 MiB are kept for the next request: mapping fresh pages costs more than reading into them.
    static constexpr std::size_t smallest_class = 12;
    static constexpr std::size_t classes = 11;
    static constexpr std::size_t kept_bytes_limit = 16 << 20;

    struct waiter {
        std::size_t size;
        function<void(request_buffer_ptr)> ready;
    };
    struct lane {
        std::uint64_t in_use = 0;
        std::deque<waiter> waiters;
        bool serving = false;
    };
    lane& lane_of(std::size_t size) noexcept { return size > budget_ / 64 ? large_ : small_; }
    bool fits(const lane& where, std::size_t size) const noexcept { return where.in_use == 0 || where.in_use + size <= budget_ / 2; }
    request_buffer_ptr make(std::size_t size);
    void release(request_buffer* buffer) noexcept;
    void serve(lane& where) noexcept;
    void arm_trim();

    event_loop& home_;
    const std::uint64_t budget_;
    lane small_, large_;
    std::size_t kept_bytes_ = 0;
    std::array<std::vector<std::unique_ptr<request_buffer>>, classes> kept_;
    bool used_since_trim_ = false;
    timer_id trim_ = timer_id::none;
};

}  // namespace weir::server
