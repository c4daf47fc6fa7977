// A share consumer's part on the client's loop: the group, fetching, and telling verdicts.
//
// Nothing is fetched before the application asks: what is borrowed and waits here runs out of time. Verdicts travel with
// the next fetch, or by themselves when there is none.
#pragma once
#include "../metrics/counters.hpp"
#include "../op_state.hpp"
#include "share_ledger.hpp"

#include <deque>

namespace weir::detail {

using part_ptr = std::shared_ptr<lease_part>;

/// Who waits for records.
class share_poll : public op_signal {
public:
    share_poll(std::shared_ptr<callbacks> strand, time_point limit) : op_signal(std::move(strand)), until(limit) {}
    virtual void end(std::vector<part_ptr> found, error why) {
        if (ended()) return;
        brought = std::move(found);
        problem = std::move(why);
        finish();
    }
    void take(std::uint32_t, void*) override {}  // whoever waits looks below
    std::vector<part_ptr> brought;
    error problem;
    const time_point until;
};

class share_loop final : public std::enable_shared_from_this<share_loop> {
public:
    share_loop(std::shared_ptr<cluster> view, std::shared_ptr<callbacks> strand, share_consumer_config config, std::uint64_t seed);
    /// Once there is a shared_ptr; before anything else, on any thread.
    void open();
    const std::shared_ptr<share_ledger>& ledger() const noexcept { return ledger_; }

    // --- on the loop ---
    void subscribe(std::vector<std::string> topics);
    void unsubscribe();
    void want(std::shared_ptr<share_poll> who);
    void commit(std::shared_ptr<op_state<std::vector<acknowledged>>> done);
    void stop();
    void close(milliseconds most, std::shared_ptr<op_state<void>> done);

    /// Any thread. nullopt: no broker has told it yet.
    std::optional<duration> lock_timeout() const {
        const auto told = lock_timeout_.load(std::memory_order_relaxed);
        return told > duration{0} ? std::optional{told} : std::nullopt;
    }

private:
    struct link_state {
        explicit link_state(share_session fresh) : session(std::move(fresh)) {}
        share_session session;
        bool busy = false;
        std::uint64_t asked = 0;     ///< requests so far, and answers
        std::uint64_t answered = 0;
        int failures = 0;
        time_point not_before{};
    };
    struct committer {
        std::shared_ptr<op_state<std::vector<acknowledged>>> done;
        std::map<std::int32_t, std::uint64_t> until;  ///< by broker: which answer is enough
        std::vector<acknowledged> results;
        time_point give_up;
    };
    using self_ptr = std::shared_ptr<share_loop>;

    void wake();
    void step();
    void advance_member();
    void carry_out(share_effect::heartbeat& next);
    void carry_out(share_effect::find_names& next);
    void carry_out(share_effect::forget_coordinator& next);
    void carry_out(share_effect::assigned& next);
    void carry_out(share_effect::failed& next);
    void carry_out(share_effect::left& next);
    static task<void> heartbeat(self_ptr self, share_effect::heartbeat next);
    static task<void> find_names(self_ptr self, std::vector<uuid> ids);

    void serve_polls();
    void fetch_more();
    void tell_verdicts();
    void drop_stale_verdicts();
    void say_farewell();
    void end(const error& why);
    bool ended() const noexcept { return ended_; }
    link_state& link_to(std::int32_t broker);
    std::map<std::int32_t, std::set<place>> places_by_leader();

    enum class errand : std::uint8_t { fetch, tell, farewell };
    /// What there is to say to one broker, one request after the other. `wanted`: to fetch from.
    static task<void> converse(self_ptr self, std::int32_t broker, errand what, std::set<place> wanted);
    static task<error> renew(self_ptr self, connection_ptr link, std::int32_t broker, const share_news& told);
    static task<error> acknowledge(self_ptr self, connection_ptr link, std::int32_t broker, const share_news& told, bool farewell);
    static task<error> fetch(self_ptr self, connection_ptr link, std::int32_t broker, const std::set<place>& wanted, const share_news& told);
    void begin(std::int32_t broker, errand what, std::set<place> wanted);
    void learn_lock_timeout(std::int32_t ms);
    time_point end_of_loan() const;
    void lend(const lender& from, const place& where, const std::string& topic, const protocol::share_fetch_response::partition_data& part, std::shared_ptr<const void> owner);
    error part_trouble(const place& where, const std::string& topic, errc code, std::int32_t leader, std::int32_t epoch);
    /// Tells the application what became of its verdicts: `whys` of single partitions, or `of_all`.
    void report(const verdicts& which, const std::map<place, std::string>& topics, const std::map<place, error>& whys, const error& of_all);
    void count(acknowledgement what, bool counts);
    void settle_committers();

    std::shared_ptr<cluster> view_;
    std::shared_ptr<callbacks> strand_;
    std::string group_id_, member_id_;
    share_limits limits_;
    bool check_crcs_;
    milliseconds api_timeout_, max_wait_;
    std::shared_ptr<function<void(const std::vector<acknowledged>&)>> on_acknowledged_;
    share_member member_;
    std::shared_ptr<share_counters> counters_ = std::make_shared<share_counters>();
    std::shared_ptr<share_ledger> ledger_;
    lane lane_;
    std::atomic<duration> lock_timeout_{duration{0}};  ///< as the brokers say

    std::map<place, std::string> assigned_;
    std::map<std::int32_t, link_state> links_;
    std::int32_t turn_ = -1;  ///< the broker that was asked last, when one at a time is
    std::deque<part_ptr> lent_;  ///< and nobody asked for it yet
    std::deque<std::shared_ptr<share_poll>> polls_;
    std::vector<committer> committers_;
    time_point last_asked_{};
    time_point tell_at_ = time_point::max();
    bool finding_names_ = false;

    timer_id alarm_ = timer_id::none;
    timer_id give_up_ = timer_id::none;
    bool awake_ = false;
    bool stopped_ = false;  ///< nobody gets records any more
    bool left_ = false;     ///< the group
    bool ended_ = false;
    error failure_;
    std::vector<std::shared_ptr<op_state<void>>> closing_;
};

}  // namespace weir::detail
