#include "request_memory.hpp"

#include <bit>

namespace weir::server {

using namespace std::chrono_literals;

request_memory::request_memory(event_loop& home, std::uint64_t budget_bytes) : home_(home), budget_(budget_bytes) {}

request_memory::~request_memory() { home_.cancel(trim_); }

void request_memory::acquire(std::size_t size, function<void(request_buffer_ptr)> ready) {
    auto& where = lane_of(size);
    if (where.waiters.empty() && fits(where, size)) return ready(make(size));
    where.waiters.push_back({size, std::move(ready)});
}

request_buffer_ptr request_memory::make(std::size_t size) {
    const auto exponent = std::max<std::size_t>(std::bit_width(size ? size - 1 : 0), smallest_class);
    const auto at = exponent - smallest_class;
    std::unique_ptr<request_buffer> buffer;
    if (at < classes && !kept_[at].empty()) {
        buffer = std::move(kept_[at].back());
        kept_[at].pop_back();
        kept_bytes_ -= buffer->capacity();
    } else {
        const auto capacity = at < classes ? std::size_t{1} << exponent : size;
        buffer = std::make_unique<request_buffer>(std::make_unique_for_overwrite<std::byte[]>(capacity), capacity);
    }
    buffer->size = size;
    lane_of(size).in_use += size;
    return {buffer.release(), [this](request_buffer* done) { release(done); }};
}

void request_memory::release(request_buffer* done) noexcept {
    std::unique_ptr<request_buffer> buffer{done};
    auto& where = lane_of(buffer->size);
    where.in_use -= buffer->size;
    const auto at = static_cast<std::size_t>(std::countr_zero(buffer->capacity())) - smallest_class;
    if (std::has_single_bit(buffer->capacity()) && at < classes && kept_bytes_ + buffer->capacity() <= kept_bytes_limit) {
        kept_bytes_ += buffer->capacity();
        kept_[at].push_back(std::move(buffer));
        used_since_trim_ = true;
        arm_trim();
    }
    serve(where);
}

void request_memory::serve(lane& where) noexcept {
    if (where.serving) return;  // a waiter that finishes at once comes back here: the loop below goes on for it
    where.serving = true;
    while (!where.waiters.empty() && fits(where, where.waiters.front().size)) {
        auto next = std::move(where.waiters.front());
        where.waiters.pop_front();
        next.ready(make(next.size));
    }
    where.serving = false;
}

// Memory goes back to the system once nobody has used it for a while; a quiet broker has no timer.
void request_memory::arm_trim() {
    if (trim_ != timer_id::none) return;
    trim_ = home_.call_after(5s, [this] {
        trim_ = timer_id::none;
        if (std::exchange(used_since_trim_, false)) return arm_trim();
        for (auto& list : kept_) list.clear();
        kept_bytes_ = 0;
    });
}

}  // namespace weir::server
