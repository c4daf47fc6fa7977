// A member of a group whose coordinator assigns (KIP-848), stepped by hand: one kind of request, ConsumerGroupHeartbeat,
// says what the member wants and has, and is told what it shall have.
//
// As with classic_member: inputs in, effects out, no I/O and no clock.
#pragma once
#include "heartbeat_session.hpp"
#include "membership.hpp"

#include <weir/protocol/messages/consumer_group_heartbeat.hpp>

#include <map>
#include <set>
#include <variant>

namespace weir::detail {

namespace consumer_effect {
struct heartbeat { std::uint64_t of; protocol::consumer_group_heartbeat_request request; };
struct find_names { std::vector<uuid> ids; };  ///< answer with names_are(), whenever some are known
struct forget_coordinator {};
struct assigned { std::vector<topic_partition> added; };
struct revoke { std::uint64_t of; std::vector<topic_partition> going; };  ///< answer with revoked()
struct lost { std::vector<topic_partition> gone; };
struct failed { error why; };
struct left {};
}  // namespace consumer_effect

class consumer_member {
public:
    using effect = std::variant<consumer_effect::heartbeat, consumer_effect::find_names, consumer_effect::forget_coordinator, consumer_effect::assigned,
                                consumer_effect::revoke, consumer_effect::lost, consumer_effect::failed, consumer_effect::left>;
    consumer_member(membership_config config, net::backoff retry, std::uint64_t seed);

    // --- the consumer's wishes
    void subscribe(subscription to);
    void polled();
    void leave(farewell how = farewell::standard);
    void leave_at_once();
    void rejected(const group_identity& who, errc code);
    void revoked(std::uint64_t of);

    // --- what came of the requests
    void answered(std::uint64_t of, const protocol::consumer_group_heartbeat_response& answer, time_point now);
    void request_failed(std::uint64_t of, const error& why, time_point now);
    void names_are(const std::map<uuid, std::string>& names);

    void tick(time_point now, time_point last_polled);
    std::vector<effect> take_effects() { return std::exchange(effects_, {}); }
    time_point deadline(time_point last_polled) const;
    const group_identity& identity() const noexcept { return identity_; }
    /// Ids without a name yet.
    std::vector<uuid> nameless() const;

private:
    /// Topic id and partition; topics of one name may follow each other.
    using place = std::pair<uuid, std::int32_t>;

    bool in_group() const noexcept { return heartbeats_.member(); }
    bool revoking() const noexcept { return !going_.empty(); }
    std::vector<topic_partition> named(const std::set<place>& places) const;
    void take_target(const protocol::consumer_group_heartbeat_response::assignment_data& assignment);
    void reconcile();
    void begin_revoke(std::set<place> going);
    void after_revoke();
    void lose_all();
    /// No member any more, and joins again with the same id.
    void fenced(std::string_view reason);
    void fail(error why);
    void not_accepted(heartbeat_outcome outcome, const error& why);
    void send_heartbeat(std::uint64_t number, std::int32_t epoch);
    void send_leave();
    void has_left();
    error explained(errc code, const std::string& text) const;

    membership_config config_;
    random_source random_;
    heartbeat_session heartbeats_;
    subscription wish_;
    bool subscribed_ = false;
    bool away_ = false;
    bool leaving_ = false;
    farewell farewell_ = farewell::standard;

    group_identity identity_;
    std::map<uuid, std::string> names_;
    std::set<place> owned_;
    std::set<place> going_;                  ///< being revoked; still in owned_
    std::optional<std::set<place>> target_;  ///< what the coordinator wants, until owned_ is that

    // What the coordinator was last told; everything is told again after a failure.
    bool tell_all_ = true;
    bool wish_changed_ = false;
    bool pattern_told_ = false;
    bool owned_changed_ = false;

    time_point now_;
    time_point give_up_at_ = time_point::max();
    std::uint64_t revocation_ = 0;  // the last one's number
    std::vector<effect> effects_;
};

}  // namespace weir::detail
