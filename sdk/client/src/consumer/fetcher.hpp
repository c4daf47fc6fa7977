// Keeps the inbox filled: where each assigned partition stands, who is asked for it, and what comes back.
#pragma once
#include "../metrics/counters.hpp"
#include "byte_budget.hpp"
#include "fetch_session.hpp"
#include "inbox.hpp"
#include "membership.hpp"

#include <weir/protocol/messages/fetch.hpp>

#include <set>
#include <unordered_map>

namespace weir::detail {

struct fetch_settings {
    at::position start;
    isolation level = isolation::read_uncommitted;
    std::size_t max_bytes = 50u << 20;
    std::size_t max_partition_bytes = 1u << 20;
    std::size_t min_bytes = 1;
    milliseconds max_wait{500};
    bool check_crcs = true;
    bool may_make_topics = true;
    std::string rack;
    std::string group_id;
    milliseconds stall_timeout{30'000};
    std::size_t buffer_memory = 64u << 20;
    std::shared_ptr<byte_budget> opened;
    std::shared_ptr<consumer_counters> counters = std::make_shared<consumer_counters>();
};

/// Lives on the client's loop; coroutines keep it alive. One request at a time per broker, in an incremental session; the work
/// of a round is that of the partitions that have news. Every request reserves its bytes of the budget first.
class fetcher : public std::enable_shared_from_this<fetcher> {
public:
    fetcher(std::shared_ptr<cluster> view, std::shared_ptr<byte_budget> budget, fetch_settings settings);
    /// Before anything else.
    void into(std::shared_ptr<inbox> to) { inbox_ = std::move(to); }

    /// Reads these, from there. Without `start_now` their positions are not looked for before start().
    void add(const std::vector<topic_partition>& which, at::position from, bool start_now = true);
    void start(const std::vector<topic_partition>& which);
    void remove(const std::vector<topic_partition>& which);
    /// Topics of which nothing is assigned need not stay known: add() says so itself, and so does who assigns nothing more.
    /// remove() does not, for in a rebalance partitions may be back at once.
    void let_topics_go();
    /// `epoch`: of the leader that appended what is before an offset; -1: unknown.
    void seek(const topic_partition& where, at::position to, std::int32_t epoch = -1);
    void pause(const topic_partition& where, bool yes);
    /// The application read something, or let go of it.
    void hungry(const std::vector<feed_ptr>& which);
    void room();
    /// Nothing is fetched any more; `done` when the brokers have ended their sessions, within a second.
    void close(function<void()> done = {});

    /// Who asks for committed offsets.
    void on_identity(function<group_identity()> ask) { identity_ = std::move(ask); }
    /// Something was put into the inbox, or is to be committed.
    void on_data(function<void()> tell) { data_ = std::move(tell); }
    /// What goes wrong without ending anything.
    void on_trouble(function<void(error)> tell) { trouble_ = std::move(tell); }
    /// The topic was deleted and made anew: what was committed of that partition is gone with it.
    void on_made_anew(function<void(const topic_partition&)> tell) { made_anew_ = std::move(tell); }

    std::vector<topic_partition> assigned() const;
    /// nullptr: not assigned.
    feed_ptr feed_of(const topic_partition& where) const;
    bool current(const feed_ptr& which) const;
    /// The next offset to be handed out; -1: not known yet. nullopt: not assigned.
    std::optional<std::int64_t> position(const topic_partition& where) const;
    /// The end as the last answer told it: what readers of this isolation may see. -1: not known yet.
    std::int64_t end_of(const topic_partition& where) const;

private:
    enum class phase : std::uint8_t {
        unassigned,
        held,       // not started
        seeking,    // the offset is being looked for
        checking,   // the log may have been truncated: the new leader is being asked (KIP-320)
        reading,    // in a session, or would be, but for a leader, a pause or enough bytes
        stuck,      // only a seek helps
    };
    struct slot {
        topic_partition where;
        uuid topic_id;                   // of the topic that the position is about; zero: nobody has told it
        feed_ptr in;
        phase now = phase::unassigned;
        at::position target;
        std::int64_t offset = -1;        // to fetch next
        std::int32_t epoch = -1;         // of the record before it, or before the target
        std::int32_t leader_epoch = -1;  // of the leader that was asked last
        std::int32_t broker = -1;        // whose session has it
        std::int32_t replica = -1;       // the leader says to ask that one (KIP-392)
        time_point replica_until;
        std::int64_t end = -1;
        bool paused = false;
        bool full = false;
        bool busy = false;               // a question about it is under way
        bool fresh = false;              // the group has committed nothing of it
        int failures = 0;
        time_point not_before;
        time_point troubled{time_point::max()};  // since when it cannot be fetched
        bool told = false;
        error why;
    };
    struct lane_state {
        std::int32_t broker = -1;
        fetch_session session;
        bool in_flight = false;
        bool starved = false;   // of the budget
        std::size_t full = 0;   // partitions left out because they have enough
        timer_id probe = timer_id::none;
        int failures = 0;
        time_point not_before;
        time_point answered;
    };
    using lane_ptr = std::shared_ptr<lane_state>;
    using answer = net::answer<protocol::fetch_response>;

    slot* find(const topic_partition& where);
    const slot* find(const topic_partition& where) const;
    slot& make(const topic_partition& where);
    std::uint32_t number_of(const slot& of) const { return of.in->number; }
    void begin(slot& of, at::position from, phase first);
    void leave(slot& of);
    void arrive(slot& of, std::int64_t offset, std::int32_t epoch);
    void place(slot& of);
    void want(slot& of, const lane_ptr& on);
    void fail(slot& of, error why, bool refresh);
    void stick(slot& of, error why);
    void reset(slot& of, const error& why);
    bool is_another(slot& of, const uuid& topic_id);
    void later(time_point when);
    void wake();
    void on_metadata();

    static task<void> settle(std::shared_ptr<fetcher> self);
    task<void> look_up_committed(std::vector<slot*> which);
    task<void> look_up_offsets(std::vector<slot*> which);
    task<void> check_epochs(std::vector<slot*> which);

    void pump(const lane_ptr& on, bool probing = false);
    static task<void> fetch(std::shared_ptr<fetcher> self, lane_ptr on, std::size_t reserved, bool probing);
    void end_sessions(function<void()> done);
    static task<void> end_session(std::shared_ptr<fetcher> self, lane_ptr of, protocol::fetch_request last, function<void()> done);
    void take(const lane_ptr& from, answer got, std::size_t reserved);
    void take_part(const lane_ptr& from, slot& of, protocol::fetch_response::partition_data& part, const std::shared_ptr<const void>& owner);
    void refused(const lane_ptr& from, slot& of, errc code);
    void check_stalled();

    std::shared_ptr<cluster> view_;
    std::shared_ptr<inbox> inbox_;
    std::shared_ptr<byte_budget> budget_;
    fetch_settings settings_;
    lane connections_;
    function<group_identity()> identity_;
    function<void()> data_;
    function<void(error)> trouble_;
    function<void(const topic_partition&)> made_anew_;
    std::vector<std::unique_ptr<slot>> slots_;  // by number
    std::map<std::string, std::map<std::int32_t, std::uint32_t>> numbers_;
    std::set<std::uint32_t> unsettled_;  // seeking or checking
    std::set<std::uint32_t> homeless_;   // reading, but nobody to ask
    std::map<std::int32_t, lane_ptr> lanes_;
    timer_id alarm_ = timer_id::none;
    time_point alarm_at_ = time_point::max();
    timer_id stall_ = timer_id::none;
    bool watching_ = false;
    bool settling_ = false;
    bool settle_again_ = false;
    bool closed_ = false;
};

}  // namespace weir::detail
