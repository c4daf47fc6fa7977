// What happens when, as data: one ordered queue for all timers of a shard.
#pragma once
#include <weir/base/time.hpp>

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace weir::group {

enum class deadline_kind : std::uint8_t {
    session,       ///< a member, or one that was only given an id, has not been heard of
    initial_join,  ///< the first rebalance of an empty group has waited one delay
    join,          ///< the rebalance timeout for rejoining is over
    sync,          ///< the rebalance timeout for SyncGroup is over
    expire_offsets,
};

struct deadline_event {
    deadline_kind kind = deadline_kind::session;
    std::string group;
    std::string member;
};

/// Names an entry of the queue. Stale ones are harmless: numbers are never used twice.
struct deadline_handle {
    time_point when;
    std::uint64_t number = 0;
    auto operator<=>(const deadline_handle&) const = default;
};

class deadline_queue {
public:
    /// Replaces what `handle` named before.
    void set(deadline_handle& handle, time_point when, deadline_event event) {
        cancel(handle);
        handle = {when, ++last_number_};
        events_.emplace(handle, std::move(event));
    }
    /// Moves an entry, which is what a heartbeat does all day: no allocation. False when it is not there any more.
    bool move(deadline_handle& handle, time_point when) {
        auto node = events_.extract(handle);
        if (!node) return false;
        handle.when = when;
        node.key() = handle;
        events_.insert(std::move(node));
        return true;
    }
    void cancel(deadline_handle& handle) {
        if (handle.number != 0) events_.erase(handle);
        handle = {};
    }
    std::optional<time_point> next() const {
        if (events_.empty()) return std::nullopt;
        return events_.begin()->first.when;
    }
    std::optional<deadline_event> take_due(time_point now) {
        if (events_.empty() || events_.begin()->first.when > now) return std::nullopt;
        auto node = events_.extract(events_.begin());
        return std::move(node.mapped());
    }

private:
    std::map<deadline_handle, deadline_event> events_;
    std::uint64_t last_number_ = 0;
};

}  // namespace weir::group
