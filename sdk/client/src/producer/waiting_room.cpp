#include "waiting_room.hpp"

#include <algorithm>
#include <utility>

namespace weir::detail {

void waiting_room::add_record(guest waiting) {
    watch(waiting.until);
    records_.push_back(std::move(waiting));
}

void waiting_room::add_question(guest waiting) {
    watch(waiting.until);
    questions_.push_back(std::move(waiting));
}

// Who waits for a topic does not stand in the way of those whose topics are known.
void waiting_room::retry() {
    for (auto at = records_.begin(); at != records_.end();) {
        const auto came = at->attempt();
        if (came == outcome::no_room) break;
        if (came == outcome::no_topic) {
            ++at;
            continue;
        }
        at = records_.erase(at);
        --expected;
    }
    std::erase_if(questions_, [](guest& each) { return each.attempt() == outcome::over; });
}

void waiting_room::watch(time_point until) {
    if (until >= alarm_at_) return;
    alarm_at_ = until;
    loop_.call_at(until, [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->look_at_the_clock();
    });
}

void waiting_room::look_at_the_clock() {
    alarm_at_ = time_point::max();
    const auto late = [now = loop_.now()](guest& each) {
        if (each.until > now) return false;
        each.too_late();
        return true;
    };
    expected -= std::erase_if(records_, late);
    std::erase_if(questions_, late);
    auto next = time_point::max();
    for (const auto& each : records_) next = std::min(next, each.until);
    for (const auto& each : questions_) next = std::min(next, each.until);
    watch(next);
    retry();  // those behind who left may fit
}

}  // namespace weir::detail
