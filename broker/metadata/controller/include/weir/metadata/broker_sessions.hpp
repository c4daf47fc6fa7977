// Which brokers are alive, as the active controller sees it: the part of its state that is not in the log.
#pragma once
#include <weir/base/time.hpp>
#include <weir/metadata/image.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace weir::metadata {

/// Starts anew with every leadership: brokers get one whole session before they are fenced.
class broker_sessions {
public:
    explicit broker_sessions(nanoseconds timeout) : timeout_(timeout) {}

    /// Forgets everything and gives each unfenced broker of `cluster` a session from `now`.
    void reset(const image& cluster, time_point now);
    /// The broker was heard of. `fenced` as the image says after the decision.
    void touch(broker_id id, bool fenced, std::int64_t metadata_offset, time_point now);
    void forget(broker_id id);

    bool alive(broker_id id, time_point now) const noexcept;
    /// An unfenced broker that was not heard of for the timeout; no_broker when there is none.
    broker_id expired(time_point now) const noexcept;
    /// When the next unfenced broker runs out; nullopt when there is none.
    std::optional<time_point> next_deadline() const noexcept;

    /// Controlled shutdown: the broker may go once every other active broker has seen the log up to `offset`.
    void begin_shutdown(broker_id id, std::int64_t offset);
    std::optional<std::int64_t> shutdown_offset(broker_id id) const noexcept;
    /// The lowest metadata offset among active brokers, the ones shutting down left out; INT64_MAX when there is none.
    std::int64_t lowest_active_offset() const noexcept;

private:
    struct session {
        time_point last_contact;
        std::int64_t metadata_offset = -1;
        bool fenced = true;
        std::optional<std::int64_t> shutdown_offset;
    };
    nanoseconds timeout_;
    std::map<broker_id, session> sessions_;
};

}  // namespace weir::metadata
