// A member of a classic group, stepped by hand: what it asks, and what it makes of the answers (KIP-62, 345, 394, 429, 800).
//
// Whoever drives it feeds in answers, time and the consumer's wishes, and then does what take_effects() says, in order.
// No I/O and no clock inside: the same inputs give the same effects.
#pragma once
#include "assignor.hpp"
#include "membership.hpp"
#include "topic_pattern.hpp"

#include <weir/net/backoff.hpp>
#include <weir/protocol/messages/heartbeat.hpp>
#include <weir/protocol/messages/join_group.hpp>
#include <weir/protocol/messages/leave_group.hpp>
#include <weir/protocol/messages/sync_group.hpp>

#include <set>
#include <variant>

namespace weir::detail {

/// Says which question an answer belongs to; answers to questions that no longer matter are passed over.
using ticket = std::uint64_t;

namespace member_effect {
struct join { ticket of; protocol::join_group_request request; };
struct sync { ticket of; protocol::sync_group_request request; };
struct heartbeat { ticket of; protocol::heartbeat_request request; };
struct leave { ticket of; protocol::leave_group_request request; };
struct describe_topics { ticket of; std::vector<std::string> topics; };  ///< as the cluster has them now: answer with described()
struct drop_join {};            ///< nobody wants the join's answer any more, and others would wait behind it
struct forget_coordinator {};
struct assigned { std::vector<topic_partition> added; };
struct revoke { ticket of; std::vector<topic_partition> going; };  ///< answer with revoked()
struct lost { std::vector<topic_partition> gone; };
struct failed { error why; };
struct left {};
}  // namespace member_effect

class classic_member {
public:
    using effect = std::variant<member_effect::join, member_effect::sync, member_effect::heartbeat, member_effect::leave, member_effect::describe_topics,
                                member_effect::drop_join, member_effect::forget_coordinator, member_effect::assigned, member_effect::revoke, member_effect::lost,
                                member_effect::failed, member_effect::left>;
    /// `config.assignors` are names that find_assignor() knows.
    classic_member(membership_config config, net::backoff retry, std::uint64_t seed);

    // --- the consumer's wishes
    /// `pattern`, when topics are meant by one: a leader that knows more topics may give what matches it.
    void subscribe(std::vector<std::string> topics, std::shared_ptr<const topic_pattern> pattern = nullptr);
    void polled();
    void rejoin(std::string_view reason);
    void leave(farewell how = farewell::standard);  ///< ends in effect::left
    void leave_at_once();    ///< the time for that is up: without revocation, without a word to the group
    void rejected(const group_identity& who, errc code);
    void revoked(ticket of);

    // --- what came of the requests; `why` is no error when `answer` is one
    void joined(ticket of, const protocol::join_group_response& answer, time_point now);
    void synced(ticket of, const protocol::sync_group_response& answer, time_point now);
    void heartbeat_answered(ticket of, errc code, time_point now);
    void described(ticket of, topic_map topics);
    void leave_ended(ticket of);
    /// No answer came: the connection broke, nobody coordinates, or the coordinator does not know such requests.
    void request_failed(ticket of, const error& why, time_point now);
    /// The leader's view of the topics, while it watches them.
    void topics_are(const topic_map& topics);

    /// Lets time pass, and goes on with what can go on. `last_polled`: of the application.
    void tick(time_point now, time_point last_polled);
    std::vector<effect> take_effects() { return std::exchange(effects_, {}); }
    /// When tick() is due at the latest; max() when only an input can change anything.
    time_point deadline(time_point last_polled) const;

    const group_identity& identity() const noexcept { return identity_; }
    /// What the leader watches: the topics of all members. Empty for others.
    const std::set<std::string>& watched_topics() const noexcept { return watched_; }
    bool cooperative() const noexcept { return cooperative_; }
    const std::set<topic_partition>& owned() const noexcept { return owned_; }

private:
    enum class phase : std::uint8_t {
        out,             ///< not in the group, or about to join again
        giving_up,       ///< revoking before a join
        joining,
        describing,      ///< the leader asks for the group's topics
        syncing,
        giving_up_some,  ///< revoking what the new assignment lacks (cooperative)
        stable,
        leaving,
    };
    struct strategy {
        const assignor* how;
        std::optional<std::vector<topic_partition>> last;  ///< of the newest assignment this strategy made
        std::int32_t generation = -1;
    };

    /// Heartbeats matter: also while joining with partitions in hand, for nothing else tells that they are taken away.
    bool in_group() const noexcept {
        return identity_.generation >= 0 && phase_ != phase::leaving && (phase_ != phase::joining || !owned_.empty());
    }
    bool may_join() const noexcept { return subscribed_ && !away_ && !leaving_; }
    bool wants(const std::string& topic) const { return topics_.contains(topic) || (pattern_ && pattern_->matches(topic)); }
    void go_on();
    void begin_revoke(std::vector<topic_partition> going, phase next);
    void after_revoke();
    void send_join();
    void send_sync(std::vector<protocol::sync_group_request::sync_group_request_assignment> assignments);
    void assign_all(const topic_map& topics);
    void take_assignment(std::vector<topic_partition> partitions);
    void send_leave(std::string_view reason);
    void begin_session();
    void ask_to_rejoin(std::string_view reason);
    /// Not a member any more: what was owned is lost.
    void reset(std::string_view reason, bool keep_id);
    void lose_all();
    void drop_join();
    void retry_later(const error& why, bool beat);
    void trouble(errc code, std::string_view api);
    void fail(error why);
    error explained(errc code, std::string_view api, const std::string& detail) const;

    membership_config config_;
    net::backoff retry_;
    random_source random_;
    std::vector<strategy> strategies_;
    bool cooperative_ = true;

    std::set<std::string> topics_;
    std::set<std::string> joined_topics_;  ///< what the group was told
    std::shared_ptr<const topic_pattern> pattern_;
    bool subscribed_ = false;
    bool away_ = false;     ///< left because nobody polled
    bool leaving_ = false;
    farewell farewell_ = farewell::standard;

    phase phase_ = phase::out;
    group_identity identity_;
    std::set<topic_partition> owned_;
    bool rejoin_needed_ = false;
    std::string rejoin_reason_;
    strategy* chosen_ = nullptr;
    std::vector<joining_member> members_;  ///< the leader's, while it assigns
    bool skip_assignment_ = false;
    std::set<std::string> watched_;
    topic_map assigned_from_;            ///< what the leader's assignment was made of
    std::vector<topic_partition> coming_;  ///< after giving_up_some
    std::vector<topic_partition> going_;   ///< being revoked

    time_point now_;
    time_point retry_at_;
    int failures_ = 0;
    time_point give_up_at_ = time_point::max();   ///< of a revocation
    time_point beat_at_ = time_point::max();
    time_point session_ends_ = time_point::max();
    time_point beat_sent_;
    ticket last_ticket_ = 0;
    ticket asked_ = 0;      ///< join, sync, describe, leave, revoke: one at a time
    ticket beating_ = 0;    ///< the heartbeat on its way
    ticket join_out_ = 0;   ///< the join that is not answered yet, wanted or not
    std::vector<effect> effects_;
};

}  // namespace weir::detail
