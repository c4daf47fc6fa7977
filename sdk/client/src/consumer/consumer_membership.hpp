// Drives a consumer_member: heartbeats to the coordinator, names of topic ids, events to the consumer.
#pragma once
#include "consumer_member.hpp"
#include "membership_driver.hpp"

namespace weir::detail {

class consumer_membership final : public membership_driver {
public:
    consumer_membership(std::shared_ptr<cluster> view, const membership_config& config, membership_events& events, std::uint64_t seed);

    void subscribe(subscription to) override;
    void polled() override;
    void rejected(const group_identity& who, errc code) override;
    void rejoin(std::string) override {}  // the coordinator decides
    const group_identity& identity() const override { return member_.identity(); }

private:
    void advance() override;
    time_point deadline() const override { return member_.deadline(last_polled()); }
    void begin_leave(farewell how) override { member_.leave(how); }
    void leave_at_once() override { member_.leave_at_once(); }

    void carry_out(consumer_effect::heartbeat& next);
    void carry_out(consumer_effect::find_names& next);
    void carry_out(consumer_effect::forget_coordinator& next);
    void carry_out(consumer_effect::assigned& next);
    void carry_out(consumer_effect::revoke& next);
    void carry_out(consumer_effect::lost& next);
    void carry_out(consumer_effect::failed& next);
    void carry_out(consumer_effect::left& next);

    using self_ptr = std::shared_ptr<consumer_membership>;
    static task<void> heartbeat(self_ptr self, consumer_effect::heartbeat next);
    static task<void> find_names(self_ptr self, std::vector<uuid> ids);

    consumer_member member_;
    bool finding_ = false;
};

}  // namespace weir::detail
