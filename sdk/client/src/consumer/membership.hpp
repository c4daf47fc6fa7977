// Who owns which partitions: one consumer's membership of its group.
#pragma once
#include "../cluster.hpp"
#include "../metrics/counters.hpp"

#include <weir/consumer_config.hpp>

namespace weir::detail {

struct membership_config {
    std::string group_id;
    std::string instance_id;             ///< group.instance.id; empty: a dynamic member
    std::string rack;                    ///< client.rack
    group_protocol protocol = group_protocol::classic;
    std::vector<std::string> assignors;  ///< partition.assignment.strategy, the preferred one first: range, roundrobin, sticky, cooperative-sticky
    std::string remote_assignor;         ///< group.remote.assignor; empty: the coordinator's choice
    milliseconds session_timeout{45'000};
    milliseconds heartbeat_interval{3'000};
    milliseconds max_poll_interval{300'000};  ///< also how long others wait for this member in a rebalance
    bool may_make_topics = true;         ///< allow.auto.create.topics
    bool exclude_internal_topics = true; ///< of patterns
    std::shared_ptr<consumer_counters> counters = std::make_shared<consumer_counters>();
};

/// What a commit says about who commits.
struct group_identity {
    std::string group_id;
    std::string member_id;         ///< empty while not a member
    std::int32_t generation = -1;  ///< the member epoch in KIP-848; -1 while not a member
    std::string instance_id;       ///< empty: none
};

/// What the consumer is told. On the loop, one at a time, never from within a call of membership's own functions. A
/// partition is assigned, then revoked or lost, and never assigned twice in between.
class membership_events {
public:
    virtual ~membership_events() = default;
    /// These are this member's from now on, besides those it has. Told after every rebalance, without any too.
    virtual void assigned(std::vector<topic_partition> added) = 0;
    /// These are going to others. They are still this member's until `done` is called, once, on the loop, so that their
    /// offsets can be committed; the rebalance waits for that, at most max_poll_interval, then they are lost. Never empty.
    virtual void revoke(std::vector<topic_partition> going, function<void()> done) = 0;
    /// These went without asking: fenced, timed out, or not polled in time. Committing for them is no use. Also ends a
    /// revoke() that was not done.
    virtual void lost(std::vector<topic_partition> gone) = 0;
    /// When the application last asked for records; now, while it waits for them.
    virtual time_point last_polled() const = 0;
    /// No membership any more, and trying again would not help: errc::group_authorization_failed,
    /// errc::fenced_instance_id, errc::inconsistent_group_protocol ... What was owned was lost() before.
    virtual void failed(error why) = 0;
};

/// Finds the coordinator, joins, keeps the session alive, takes part in rebalances and joins again after retriable
/// failures, with back-off, for as long as it takes. Lives on the cluster's loop; close() before it is dropped.
class membership {
public:
    virtual ~membership() = default;
    /// Joins, or tells the group of other wishes. A pattern that cannot be compiled is told through failed().
    virtual void subscribe(subscription to) = 0;
    /// When last_polled() is max_poll_interval ago the member leaves and what it owned is lost(). polled() says that the
    /// application asks again after that, and joins anew; harmless at other times.
    virtual void polled() = 0;
    /// revoke() for all that is owned, then leaves the group, then `done`, whatever came of it. With farewell::standard a
    /// static member stays in the group (classic) or leaves for a while (KIP-848, epoch -2). `done` is called within `most`
    /// even when nobody answers. subscribe() may follow.
    virtual void leave(milliseconds most, farewell how, function<void()> done) = 0;
    /// An answer to this identity's request had a code that ends or moves the membership (unknown_member_id,
    /// illegal_generation, fenced_instance_id, fenced_member_epoch, stale_member_epoch): joins again, or asks for its
    /// epoch, unless it is somebody else by now.
    virtual void rejected(const group_identity& who, errc code) = 0;
    /// Starts a rebalance (Consumer.enforceRebalance); nothing in KIP-848.
    virtual void rejoin(std::string reason) = 0;
    /// Who commits now. Valid until the next event or call.
    virtual const group_identity& identity() const = 0;
    /// Stops everything at once, without a word to the group or to the events, which may be gone afterwards.
    virtual void close() = 0;
};

/// `events` outlives it, or close() comes first.
std::shared_ptr<membership> make_membership(std::shared_ptr<cluster> view, const membership_config& config, membership_events& events);

}  // namespace weir::detail
