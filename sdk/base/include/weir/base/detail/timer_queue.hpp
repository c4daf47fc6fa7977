// Pending timers of one loop: a binary heap whose entries know where they are, so that adding and cancelling cost
// O(log n) and no allocation once it has grown. Timers of the same instant fire in the order they were made.
#pragma once
#include <weir/base/event_loop.hpp>

#include <cstdint>
#include <optional>
#include <vector>

namespace weir::detail {

class timer_queue {
public:
    timer_id add(time_point when, function<void()> step);
    /// False when it has fired or never was.
    bool cancel(timer_id timer) noexcept;
    std::optional<time_point> next() const noexcept;
    bool empty() const noexcept { return heap_.empty(); }
    std::size_t size() const noexcept { return heap_.size(); }

    /// Takes the first timer due at `now` out of the heap, not yet its step: until take() it can still be cancelled.
    timer_id pop_due(time_point now) noexcept;
    /// The step of a popped timer; an empty one when it was cancelled meanwhile.
    function<void()> take(timer_id timer) noexcept;
    void clear() noexcept;

private:
    static constexpr std::uint32_t nowhere = ~std::uint32_t{0};
    struct slot {
        function<void()> step;
        std::uint32_t generation = 1;
        std::uint32_t position = nowhere;
        bool used = false;
    };
    struct node {
        time_point when;
        std::uint64_t order;
        std::uint32_t slot;
        bool before(const node& other) const noexcept {
            return when != other.when ? when < other.when : order < other.order;
        }
    };
    slot* find(timer_id timer) noexcept;
    void release(std::uint32_t index) noexcept;
    void place(std::uint32_t position, const node& what) noexcept;
    void sift_up(std::uint32_t position) noexcept;
    void sift_down(std::uint32_t position) noexcept;
    void erase(std::uint32_t position) noexcept;

    std::vector<slot> slots_;
    std::vector<std::uint32_t> free_;
    std::vector<node> heap_;
    std::uint64_t orders_ = 0;
};

}  // namespace weir::detail
