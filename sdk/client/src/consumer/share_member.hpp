// A member of a share group (KIP-932), stepped by hand: ShareGroupHeartbeat says that it lives, and is told from which
// partitions it may fetch. Others fetch from them too, so nothing has to be given up before anything is taken.
#pragma once
#include "heartbeat_session.hpp"
#include "membership.hpp"

#include <weir/protocol/messages/share_group_heartbeat.hpp>

#include <map>
#include <set>
#include <variant>

namespace weir::detail {

/// A partition by the id of its topic.
using place = std::pair<uuid, std::int32_t>;

namespace share_effect {
struct heartbeat { std::uint64_t of; protocol::share_group_heartbeat_request request; };
struct find_names { std::vector<uuid> ids; };  ///< answer with names_are(), whenever some are known
struct forget_coordinator {};
struct assigned { std::map<place, std::string> places; };  ///< all of them, with their topics
struct failed { error why; };
struct left {};
}  // namespace share_effect

class share_member {
public:
    using effect = std::variant<share_effect::heartbeat, share_effect::find_names, share_effect::forget_coordinator, share_effect::assigned, share_effect::failed, share_effect::left>;
    /// `member_id`: its own choice, for as long as it lives.
    share_member(std::string group_id, std::string member_id, std::string rack, milliseconds max_poll_interval, net::backoff retry, std::uint64_t seed);

    void subscribe(std::vector<std::string> topics);
    void leave();
    void answered(std::uint64_t of, const protocol::share_group_heartbeat_response& answer, time_point now);
    void request_failed(std::uint64_t of, const error& why, time_point now);
    void names_are(const std::map<uuid, std::string>& names);

    void tick(time_point now, time_point last_polled);
    std::vector<effect> take_effects() { return std::exchange(effects_, {}); }
    time_point deadline(time_point last_polled) const;
    std::vector<uuid> nameless() const;

private:
    void send_heartbeat(std::uint64_t number, std::int32_t epoch);
    void not_accepted(heartbeat_outcome outcome, const error& why);
    void tell_assignment();
    void lose_all();
    void fail(error why);
    void has_left();
    error explained(errc code, const std::string& text) const;

    std::string group_id_, member_id_, rack_;
    milliseconds max_poll_interval_;
    heartbeat_session heartbeats_;
    std::vector<std::string> topics_;
    bool subscribed_ = false, leaving_ = false, away_ = false;
    bool tell_all_ = true, wish_changed_ = false;
    std::set<place> target_;
    std::map<uuid, std::string> names_;
    std::size_t told_ = 0;  ///< places of the target that were told: those without a name are not

    time_point now_;
    std::vector<effect> effects_;
};

}  // namespace weir::detail
