// Takes batches from the accumulator to the leaders of their partitions.
#pragma once
#include "../cluster.hpp"
#include "../metrics/counters.hpp"
#include "accumulator.hpp"
#include "transaction_manager.hpp"

#include <weir/protocol/messages/produce.hpp>

#include <map>

namespace weir::detail {

/// Several requests per broker may be under way, one batch per partition in each. Batches of a partition keep their order:
/// with idempotence by sequence numbers, and a batch that has to be sent again goes before those after it. Lives on the
/// client's loop; coroutines keep it alive.
class sender : public std::enable_shared_from_this<sender> {
public:
    /// Takes the hooks out of `config`. `transactions`: nullptr without a transactional id.
    sender(std::shared_ptr<cluster> view, std::shared_ptr<callbacks> strand, std::shared_ptr<accumulator> records,
           std::shared_ptr<transaction_manager> transactions, producer_config& config);

    /// Makes the topic known, and its partitions to the accumulator.
    void learn(const std::string& topic);
    /// Sends what may be sent now.
    void run();
    /// Ends when every batch below `id` has and its callbacks have returned; open ones are sent at once.
    void flush(std::uint64_t id, std::shared_ptr<op_state<void>> done);
    /// flush(), then the end; what is not done after `most` is failed. Callbacks are waited for until then, or for a second;
    /// or not at all.
    void close(std::uint64_t id, milliseconds most, bool callbacks_too, std::shared_ptr<op_state<void>> done);
    /// Sends what was sent before `id`, and calls `done` when all of that has ended; with an error when this has too.
    void drain(std::uint64_t id, function<void(const error&)> done);
    /// Gives up what is not on its way, and what cannot be delivered by the answer that is waited for; until resume().
    void drop(const error& why);
    void resume() { dropping_ = {}; }
    /// A record did not become part of a batch: tells on_acknowledgement. Any thread.
    void acknowledge(const error& why) const;
    /// Called when something append() waited for may have changed.
    void on_change(function<void()> hook) { changed_ = std::move(hook); }
    /// Called when the transaction has something to ask, or has failed.
    void on_transaction(function<void()> hook) { transaction_moved_ = std::move(hook); }

private:
    struct item {
        queue_ptr queue;
        batch_ptr records;
        uuid topic_id;
    };
    struct shipment {
        std::vector<item> items;
        std::size_t bytes = 0;
        bool stalled = false;  // something was ready, and had to stay
    };
    struct flush_waiter {
        std::uint64_t id;
        function<void(const error&)> done;
    };
    static task<void> ship(std::shared_ptr<sender> self, std::int32_t broker, std::vector<item> items);
    /// Sorts the items as the request has them; the newest version that it can be sent in.
    std::int16_t fill(protocol::produce_request& request, std::vector<item>& items) const;
    void read(const protocol::produce_response& answer, std::vector<item>& items);
    void fail_all(std::vector<item>& items, const error& why);
    static task<void> init_producer_id(std::shared_ptr<sender> self);
    /// Fails everything that is not done, and sends nothing more.
    void abandon(const error& why);
    /// Fails everything that is not on its way.
    void lose_waiting(const error& why);
    void forget_idle();
    void retire();
    void update_topics();
    /// Nobody has sent to the topic for metadata.max.idle.ms.
    bool disused(const std::string& name, time_point needed_until);
    void note_stalls(const std::map<std::int32_t, shipment>& out, time_point& wake_at);
    bool stalled(std::int32_t broker) const;
    bool admitted(partition_queue& queue);
    std::int32_t leader_of(const partition_queue& queue) const;
    /// The batch of this queue that may go to its leader now; `wake_at` gets earlier when time alone will change that.
    batch_ptr next_batch(partition_queue& queue, shipment& to, bool idle_leader, bool room, time_point& wake_at);
    void expire(partition_queue& queue, time_point& wake_at);
    result<void> seal(partition_queue& queue, batch& records);
    /// What drain() came to: its error, or what was lost since the last flush.
    result<void> outcome(const error& why) { return why ? result<void>{why} : result<void>{std::exchange(lost_, error{})}; }
    static void landed(const item& each);
    void settle(item& each, errc code, std::string_view message, std::int64_t base_offset, timestamp_ms append_time);
    void try_again(item& each, errc code, std::string_view message);
    void put_back(partition_queue& queue, batch_ptr records);
    bool split(item& each);
    void restart_sequences(partition_queue& queue);
    void succeed(const item& each, std::int64_t base_offset, timestamp_ms append_time);
    void lose(const batch_ptr& records, error why);
    void ended(batch_ptr records);
    void acknowledge(const batch_ptr& records) const;
    void count(const std::vector<item>& sent);

    std::shared_ptr<cluster> view_;
    std::shared_ptr<callbacks> strand_;
    std::shared_ptr<accumulator> keeps_records_;
    accumulator& records_;
    struct {
        acks required_acks;
        bool idempotence;
        milliseconds linger, delivery_timeout, max_block, availability_timeout, metadata_max_idle;
        std::size_t max_request_size;
        int max_in_flight, retries;
    } config_;
    std::shared_ptr<transaction_manager> transactions_;
    std::shared_ptr<function<void(const error&)>> on_lost_;
    std::shared_ptr<function<void(const result<record_metadata>&)>> on_acknowledgement_;
    std::shared_ptr<producer_counters> counters_;
    function<void()> changed_, transaction_moved_;
    struct topic_in_use {
        time_point needed_until;  // somebody waits for it
        uuid id;                  // zero: not known yet
    };
    std::map<std::string, topic_in_use> topics_;
    std::vector<queue_ptr> active_;
    std::map<std::int32_t, int> requests_;  // on their way, by broker
    std::map<std::int32_t, time_point> stalled_since_;
    std::vector<flush_waiter> flushing_;
    error lost_;  // since the last flush
    std::int64_t producer_id_ = -1;
    std::int16_t epoch_ = -1;
    bool asking_id_ = false;
    int id_failures_ = 0;
    timer_id alarm_ = timer_id::none;
    timer_id give_up_ = timer_id::none;
    bool closing_ = false;
    error dropping_;
    std::size_t turn_ = 0;
    bool watching_ = false;
    bool running_ = false;
    bool run_again_ = false;
    error abandoned_;
};

}  // namespace weir::detail
