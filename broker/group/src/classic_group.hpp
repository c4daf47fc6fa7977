// One classic group: who is in it, which protocol they share, where its rebalance stands. Knows nothing of requests.
#pragma once
#include "deadlines.hpp"

#include <weir/group/group_shard.hpp>

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace weir::group {

struct member_protocol {
    std::string name;
    bytes metadata;
    bool operator==(const member_protocol&) const = default;
};

struct member {
    std::string id;
    std::optional<std::string> instance_id;
    std::string client_id;
    std::string client_host;
    milliseconds rebalance_timeout{};
    milliseconds session_timeout{};
    std::vector<member_protocol> protocols;  ///< in the member's order of preference, names once
    bytes assignment;

    // Soft: what a reload forgets.
    bool is_new = false;                   ///< parked in its first JoinGroup, which alone shows that it is there
    reply_token join = reply_token::none;  ///< parked JoinGroup
    reply_token sync = reply_token::none;  ///< parked SyncGroup
    deadline_handle session;

    bool awaits_join() const noexcept { return join != reply_token::none; }
    bool awaits_sync() const noexcept { return sync != reply_token::none; }
    /// Empty when it does not list the protocol.
    const bytes& metadata(std::string_view protocol) const;
};

class classic_group {
public:
    explicit classic_group(std::string id) : id(std::move(id)) {}

    const std::string id;
    group_state state = group_state::empty;
    group_state previous_state = group_state::empty;
    std::int32_t generation = 0;
    std::optional<std::string> protocol_type;
    std::optional<std::string> protocol;
    std::optional<std::string> leader;
    timestamp_ms state_timestamp = -1;
    /// The log knows the group. One that it does not is dropped as soon as nobody is interested in it.
    bool recorded = false;

    std::map<std::string, member, std::less<>> members;
    std::map<std::string, std::string, std::less<>> static_members;       ///< instance id -> member id
    std::map<std::string, deadline_handle, std::less<>> pending_members;  ///< were given an id and have not used it yet
    std::set<std::string, std::less<>> pending_sync;  ///< have not sent SyncGroup in this generation
    std::optional<std::set<std::string, std::less<>>> subscribed_topics;  ///< nullopt: unknown

    deadline_handle join_deadline;
    deadline_handle sync_deadline;
    bool member_added = false;  ///< while the first rebalance waits: wait once more
    milliseconds initial_delay{};
    milliseconds initial_remaining{};

    member* find(std::string_view member_id);
    const member* find(std::string_view member_id) const;
    bool is_leader(std::string_view member_id) const { return leader && *leader == member_id; }
    bool is_consumer() const { return protocol_type && *protocol_type == "consumer"; }
    bool can_rebalance() const { return state != group_state::preparing_rebalance; }
    bool all_joined() const;  ///< every member has a parked JoinGroup and nobody is about to come
    std::size_t awaiting_join() const;
    milliseconds rebalance_timeout() const;

    void transition(group_state next, timestamp_ms now);
    /// The first member's protocol type becomes the group's, the first member its leader.
    member& add(member added, std::string_view type);
    /// Leadership passes to another member. The caller has answered what it had parked, and cancelled its timer.
    void remove(const std::string& member_id);
    /// The same member under a new id, which is how a static member comes back.
    member& rename_static(const std::string& old_id, const std::string& new_id);
    /// True when a member that did rejoin leads.
    bool elect_joined_leader();

    /// At least one protocol in common with all members; any will do in an empty group.
    bool supports(std::string_view type, const std::vector<member_protocol>& protocols) const;
    /// The candidate most members like best. Empty when they have none in common, which the checks on joining rule out.
    std::string select_protocol() const;
    void next_generation(timestamp_ms now);
    /// Reads the topics out of the members' consumer protocol metadata, whose version 0 prefixes all others.
    void compute_subscribed_topics();
    /// True when unknown, too, for a group that speaks the consumer protocol.
    bool is_subscribed(std::string_view topic) const;

    errc check_member(std::string_view member_id, const std::optional<std::string>& instance_id) const;
    group_snapshot snapshot() const;
};

}  // namespace weir::group
