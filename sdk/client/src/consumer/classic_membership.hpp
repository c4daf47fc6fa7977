// Drives a classic_member: its requests to the coordinator, its events to the consumer, and the topics it has to know.
#pragma once
#include "classic_member.hpp"
#include "membership_driver.hpp"

namespace weir::detail {

/// Joins and syncs, which the coordinator holds back until everybody is there, travel on a lane of this member's own.
class classic_membership final : public membership_driver {
public:
    classic_membership(std::shared_ptr<cluster> view, const membership_config& config, membership_events& events, std::uint64_t seed);

    void subscribe(subscription to) override;
    void polled() override;
    void rejected(const group_identity& who, errc code) override;
    void rejoin(std::string reason) override;
    const group_identity& identity() const override { return member_.identity(); }

private:
    void advance() override;
    time_point deadline() const override;
    void begin_leave(farewell how) override;
    void leave_at_once() override { member_.leave_at_once(); }
    void on_close() override;

    void carry_out(member_effect::join& next);
    void carry_out(member_effect::sync& next);
    void carry_out(member_effect::heartbeat& next);
    void carry_out(member_effect::leave& next);
    void carry_out(member_effect::describe_topics& next);
    void carry_out(member_effect::drop_join& next);
    void carry_out(member_effect::forget_coordinator& next);
    void carry_out(member_effect::assigned& next);
    void carry_out(member_effect::revoke& next);
    void carry_out(member_effect::lost& next);
    void carry_out(member_effect::failed& next);
    void carry_out(member_effect::left& next);

    using self_ptr = std::shared_ptr<classic_membership>;
    static task<void> join(self_ptr self, member_effect::join next);
    static task<void> sync(self_ptr self, member_effect::sync next);
    static task<void> heartbeat(self_ptr self, member_effect::heartbeat next);
    static task<void> leave_group(self_ptr self, member_effect::leave next);
    static task<void> describe(self_ptr self, member_effect::describe_topics next);
    /// What the topics are; of those that were never there, asking makes them where that is wanted.
    static task<result<topic_map>> look_up(self_ptr self, std::vector<std::string> topics);
    /// Which topics match the pattern now, and what the topics are that the leader watches.
    static task<void> look(self_ptr self);
    static task<result<void>> match_pattern(self_ptr self);
    void look_at(time_point when);
    void view_changed();

    milliseconds request_margin_;
    milliseconds rebalance_timeout_;
    const bool may_make_topics_, exclude_internal_topics_;
    error misconfigured_;
    classic_member member_;
    lane lane_;
    std::shared_ptr<const topic_pattern> pattern_;
    std::map<std::string, std::size_t> seen_;  ///< partitions by topic, when last looked at as the leader
    std::set<std::string> were_there_;         ///< at some time of this subscription
    time_point look_at_ = time_point::max();
    bool looking_ = false;
    int misses_ = 0;  ///< in a row: a watched topic is not there, or looking failed
};

}  // namespace weir::detail
