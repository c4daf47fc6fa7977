// What the client knows of the cluster, and its connections to the brokers.
#pragma once
#include <weir/base/random.hpp>
#include <weir/client.hpp>
#include <weir/net/backoff.hpp>
#include <weir/net/connection.hpp>

#include <map>
#include <set>
#include <unordered_map>

namespace weir::protocol {
struct metadata_response;
}

namespace weir::detail {

class client_counters;

using connection_ptr = std::shared_ptr<net::connection>;

struct cluster_config {
    std::vector<endpoint> bootstrap;
    net::connection_config connection;
    milliseconds metadata_max_age{300'000};
    net::backoff retry;
    net::backoff reconnect;
    milliseconds connect_timeout_max{30'000};
    milliseconds connections_max_idle{540'000};  ///< below 0: no end
    metadata_recovery_strategy recovery = metadata_recovery_strategy::rebootstrap;
    milliseconds rebootstrap_trigger{300'000};
};

enum class coordinator_kind : std::int8_t { group = 0, transaction = 1, share = 2 };

/// Requests of one lane share a connection per broker, and a broker answers a connection in order: what may wait long
/// (long polls, joining a group) has a lane of its own.
enum class lane : std::uint32_t { shared = 0 };

/// Asks for the topics somebody wants, when they are not known, when told that they changed, and when the view is old
/// (metadata.max.age.ms). Connects to a broker when it is first needed, and closes what nobody used for long. Goes back to the
/// bootstrap list when none of the known brokers can be reached (KIP-899), when they tell nothing for long, and when a broker
/// says so (KIP-1102), unless the strategy is none. An error that is permanent() (TLS, a login, a bootstrap list of hosts that
/// do not exist) is for the user at once: nothing here tries again by itself. Lives on one loop; close() before it is dropped.
class cluster : public std::enable_shared_from_this<cluster> {
public:
    struct partition {
        std::int32_t leader = -1;
        std::int32_t leader_epoch = -1;
    };
    struct topic {
        errc code = errc::none;  ///< why there are no partitions
        uuid id;
        std::vector<partition> partitions;
    };
    cluster(event_loop& loop, network& net, cluster_config config, std::uint64_t seed);

    /// nullptr until the cluster was asked.
    const topic* find(const std::string& name) const;
    const std::map<std::int32_t, endpoint>& brokers() const noexcept { return brokers_; }
    /// Keeps the topic known for `owner`, until that says unwant() or forget(). Asking for one that is not there may make it
    /// (auto.create.topics.enable); one that was there and is deleted is made anew only for who wants that once more.
    void want(const void* owner, const std::string& name, bool may_be_made);
    void unwant(const void* owner, const std::string& name);
    /// Asks anew: what is known turned out to be wrong.
    void refresh();
    /// What an answer said about a partition's leader (KIP-951); older epochs are passed over.
    void learn_leader(const std::string& name, std::int32_t index, std::int32_t leader, std::int32_t epoch);
    void learn_broker(std::int32_t id, const endpoint& where);
    /// Forgets all of it and goes back to the bootstrap list (KIP-1102), unless the strategy is none.
    void begin_again(const error& why);
    /// Called after every attempt to refresh, failed ones too, and by close(), until `owner` forgets it.
    void watch(const void* owner, function<void()> on_change);
    /// `owner` watches and wants nothing any more.
    void forget(const void* owner);
    /// Why the last attempt to refresh failed; no error when it did not.
    const error& last_failure() const noexcept { return last_failure_; }

    lane new_lane() noexcept { return lane{++last_lane_}; }
    /// Closes the lane's connections; calls under way fail with errc::closed.
    void drop_lane(lane of);
    /// A connection to that broker. errc::broker_not_available when the cluster has none of that id.
    static task<result<connection_ptr>> broker(std::shared_ptr<cluster> self, std::int32_t id, lane on = lane::shared);
    /// A connection to some broker.
    static task<result<connection_ptr>> any(std::shared_ptr<cluster> self);
    /// A connection to who coordinates a group, a transactional id or a share partition ("group:topicId:partition").
    /// Remembered until forget_coordinator(), which is due when an answer's code has describe(code).refresh, and on
    /// errors of the connection. Asks once: retriable errors are the caller's to retry.
    static task<result<connection_ptr>> coordinator(std::shared_ptr<cluster> self, coordinator_kind kind, std::string key, lane on = lane::shared);
    void forget_coordinator(coordinator_kind kind, const std::string& key);
    /// The broker that coordinator() found last; -1 when none is remembered.
    std::int32_t known_coordinator(coordinator_kind kind, const std::string& key) const;
    std::string name_of(std::int32_t id) const;  ///< "broker 2 (kafka-2:9092)"
    /// Addresses that a connection is being made to, or last time could not be.
    std::vector<std::string> unreached() const;
    void close();
    bool closed() const noexcept { return closed_; }
    /// Hears of each connection that was made.
    void on_connected(function<void(const connection_ptr&)> hear) { connected_ = std::move(hear); }
    client_counters& counters() const noexcept { return *counters_; }
    const std::shared_ptr<client_counters>& shared_counters() const noexcept { return counters_; }

    event_loop& loop() const noexcept { return loop_; }
    milliseconds metadata_max_age() const noexcept { return config_.metadata_max_age; }
    milliseconds request_timeout() const noexcept { return config_.connection.request_timeout; }
    random_source& random() noexcept { return random_; }
    const net::backoff& retry() const noexcept { return config_.retry; }

private:
    struct peer {
        endpoint where;
        connection_ptr link;
        connection_ptr negotiating;
        bool opening = false;
        int failures = 0;
        time_point not_before;
        error dropped;
        std::vector<function<void(result<connection_ptr>)>> waiting;
    };
    static task<void> run_refresh(std::shared_ptr<cluster> self);
    static task<result<void>> ask(std::shared_ptr<cluster> self);
    void learn(protocol::metadata_response& answer);
    using peer_key = std::pair<lane, std::int32_t>;
    static task<void> open(std::shared_ptr<cluster> self, std::shared_ptr<peer> entry, endpoint where);
    static task<result<connection_ptr>> reach(std::shared_ptr<cluster> self, peer_key key, endpoint where);
    static void shut(peer& of, const error& why);
    void tell_watchers();
    void age_from_now();
    milliseconds connect_timeout(int failures);
    void watch_idle(time_point at);
    void close_idle();

    event_loop& loop_;
    network& net_;
    cluster_config config_;
    random_source random_;
    std::map<std::int32_t, endpoint> brokers_;
    std::map<peer_key, std::shared_ptr<peer>> peers_;  // bootstrap addresses have ids below -1
    std::map<std::pair<coordinator_kind, std::string>, std::int32_t> coordinators_;
    std::uint32_t last_lane_ = 0;
    std::unordered_map<std::string, topic> topics_;
    struct wish {
        const void* owner;
        bool may_be_made;  // by asking for it
    };
    std::map<std::string, std::vector<wish>> wanted_;
    std::vector<std::pair<const void*, function<void()>>> watchers_;
    error last_failure_;
    timer_id age_ = timer_id::none;
    timer_id idle_ = timer_id::none;
    std::optional<time_point> untold_since_;  // when the first of the attempts to refresh began that came to nothing
    function<void(const connection_ptr&)> connected_;
    std::shared_ptr<client_counters> counters_;
    std::size_t next_any_ = 0;
    bool refreshing_ = false;
    bool refresh_again_ = false;
    bool closed_ = false;
    bool reached_ = false;  // some broker, once: the names are right, and one that is unknown later may come back
};

/// Topics that are wanted as long as a question about them is under way.
class wanted_topics {
public:
    explicit wanted_topics(std::shared_ptr<cluster> view) : view_(std::move(view)) {}
    wanted_topics(const wanted_topics&) = delete;
    ~wanted_topics() { view_->forget(this); }
    void add(const std::string& name, bool may_be_made) { view_->want(this, name, may_be_made); }

private:
    std::shared_ptr<cluster> view_;
};

}  // namespace weir::detail
