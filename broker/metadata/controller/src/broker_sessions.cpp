#include <weir/metadata/broker_sessions.hpp>

#include <algorithm>
#include <limits>

namespace weir::metadata {

void broker_sessions::reset(const image& cluster, time_point now) {
    sessions_.clear();
    for (const auto& [id, each] : cluster.brokers()) {
        if (each.fenced) continue;
        auto& made = sessions_[id];
        made.last_contact = now;
        made.fenced = false;
    }
}

void broker_sessions::touch(broker_id id, bool fenced, std::int64_t metadata_offset, time_point now) {
    auto& known = sessions_[id];
    known.last_contact = now;
    known.metadata_offset = std::max(known.metadata_offset, metadata_offset);
    known.fenced = fenced;
    if (fenced) known.shutdown_offset.reset();
}

void broker_sessions::forget(broker_id id) { sessions_.erase(id); }

bool broker_sessions::alive(broker_id id, time_point now) const noexcept {
    const auto at = sessions_.find(id);
    return at != sessions_.end() && now < at->second.last_contact + timeout_;
}

broker_id broker_sessions::expired(time_point now) const noexcept {
    for (const auto& [id, each] : sessions_)
        if (!each.fenced && now >= each.last_contact + timeout_) return id;
    return no_broker;
}

std::optional<time_point> broker_sessions::next_deadline() const noexcept {
    std::optional<time_point> next;
    for (const auto& [id, each] : sessions_)
        if (!each.fenced && (!next || each.last_contact + timeout_ < *next)) next = each.last_contact + timeout_;
    return next;
}

void broker_sessions::begin_shutdown(broker_id id, std::int64_t offset) {
    auto& known = sessions_[id];
    if (!known.shutdown_offset) known.shutdown_offset = offset;
}

std::optional<std::int64_t> broker_sessions::shutdown_offset(broker_id id) const noexcept {
    const auto at = sessions_.find(id);
    return at == sessions_.end() ? std::nullopt : at->second.shutdown_offset;
}

std::int64_t broker_sessions::lowest_active_offset() const noexcept {
    std::int64_t lowest = std::numeric_limits<std::int64_t>::max();
    for (const auto& [id, each] : sessions_)
        if (!each.fenced && !each.shutdown_offset) lowest = std::min(lowest, each.metadata_offset);
    return lowest;
}

}  // namespace weir::metadata
