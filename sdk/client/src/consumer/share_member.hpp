// A member of a share group (KIP-932), stepped by hand: ShareGroupHeartbeat says that it lives, and is told from which
// partitions it may fetch. Others fetch from them too, so nothing has to be given up before anything is taken.
#pragma once
#include "membership.hpp"

#include <weir/net/backoff.hpp>
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
    enum class phase : std::uint8_t { out, joining, member, leaving };
    void send_heartbeat(std::int32_t epoch);
    void tell_assignment();
    void lose_all();
    void retry_later(const error& why);
    void fail(error why);
    void ended();
    error explained(errc code, const std::string& text) const;

    std::string group_id_, member_id_, rack_;
    milliseconds max_poll_interval_;
    net::backoff retry_;
    random_source random_;
    std::vector<std::string> topics_;
    bool subscribed_ = false, leaving_ = false, away_ = false;
    bool tell_all_ = true, wish_changed_ = false;
    phase phase_ = phase::out;
    std::int32_t epoch_ = 0;
    std::set<place> target_;
    std::map<uuid, std::string> names_;
    std::size_t told_ = 0;  ///< places of the target that were told: those without a name are not

    time_point now_;
    time_point beat_at_ = time_point::max();
    milliseconds interval_{5'000};
    int failures_ = 0;
    std::uint64_t last_ticket_ = 0, beating_ = 0;
    std::vector<effect> effects_;
};

}  // namespace weir::detail
