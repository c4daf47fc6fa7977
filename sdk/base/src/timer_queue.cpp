#include <weir/base/detail/timer_queue.hpp>

namespace weir::detail {
namespace {

std::uint32_t slot_of(timer_id timer) noexcept { return static_cast<std::uint32_t>(timer); }
std::uint32_t generation_of(timer_id timer) noexcept {
    return static_cast<std::uint32_t>(static_cast<std::uint64_t>(timer) >> 32);
}
timer_id make_id(std::uint32_t slot, std::uint32_t generation) noexcept {
    return static_cast<timer_id>(std::uint64_t{generation} << 32 | slot);
}

}  // namespace

timer_id timer_queue::add(time_point when, function<void()> step) {
    if (free_.empty()) {
        slots_.emplace_back();
        free_.reserve(slots_.capacity());  // so that release() never allocates
        free_.push_back(static_cast<std::uint32_t>(slots_.size() - 1));
    }
    const auto index = free_.back();
    heap_.push_back({when, orders_++, index});
    free_.pop_back();
    auto& mine = slots_[index];
    mine.step = std::move(step);
    mine.used = true;
    mine.position = static_cast<std::uint32_t>(heap_.size() - 1);
    sift_up(mine.position);
    return make_id(index, mine.generation);
}

timer_queue::slot* timer_queue::find(timer_id timer) noexcept {
    const auto index = slot_of(timer);
    if (index >= slots_.size()) return nullptr;
    auto& found = slots_[index];
    return found.used && found.generation == generation_of(timer) ? &found : nullptr;
}

bool timer_queue::cancel(timer_id timer) noexcept {
    auto* found = find(timer);
    if (!found) return false;
    if (found->position != nowhere) erase(found->position);
    auto dropped = std::move(found->step);  // its destructor may call back into this queue
    release(slot_of(timer));
    return true;
}

std::optional<time_point> timer_queue::next() const noexcept {
    if (heap_.empty()) return std::nullopt;
    return heap_.front().when;
}

timer_id timer_queue::pop_due(time_point now) noexcept {
    if (heap_.empty() || heap_.front().when > now) return timer_id::none;
    const auto index = heap_.front().slot;
    erase(0);
    return make_id(index, slots_[index].generation);
}

function<void()> timer_queue::take(timer_id timer) noexcept {
    auto* found = find(timer);
    if (!found) return {};
    auto step = std::move(found->step);
    release(slot_of(timer));
    return step;
}

void timer_queue::clear() noexcept {
    heap_.clear();
    for (std::uint32_t i = 0; i < slots_.size(); ++i) {
        if (!slots_[i].used) continue;
        auto dropped = std::move(slots_[i].step);
        release(i);
    }
}

void timer_queue::release(std::uint32_t index) noexcept {
    auto& mine = slots_[index];
    mine.used = false;
    mine.position = nowhere;
    if (++mine.generation == 0) mine.generation = 1;  // an id is never 0
    free_.push_back(index);
}

void timer_queue::place(std::uint32_t position, const node& what) noexcept {
    heap_[position] = what;
    slots_[what.slot].position = position;
}

void timer_queue::sift_up(std::uint32_t position) noexcept {
    const auto moving = heap_[position];
    while (position > 0) {
        const auto parent = (position - 1) / 2;
        if (!moving.before(heap_[parent])) break;
        place(position, heap_[parent]);
        position = parent;
    }
    place(position, moving);
}

void timer_queue::sift_down(std::uint32_t position) noexcept {
    const auto moving = heap_[position];
    const auto size = static_cast<std::uint32_t>(heap_.size());
    for (;;) {
        auto child = position * 2 + 1;
        if (child >= size) break;
        if (child + 1 < size && heap_[child + 1].before(heap_[child])) ++child;
        if (!heap_[child].before(moving)) break;
        place(position, heap_[child]);
        position = child;
    }
    place(position, moving);
}

void timer_queue::erase(std::uint32_t position) noexcept {
    slots_[heap_[position].slot].position = nowhere;
    const auto last = heap_.back();
    heap_.pop_back();
    if (position == heap_.size()) return;
    heap_[position] = last;
    slots_[last.slot].position = position;
    sift_up(position);
    sift_down(slots_[last.slot].position);
}

}  // namespace weir::detail
