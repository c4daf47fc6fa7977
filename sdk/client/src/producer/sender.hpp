// Takes batches from the accumulator to the leaders of their partitions.
#pragma once
#include "../cluster.hpp"
#include "accumulator.hpp"

#include <map>

namespace weir::detail {

/// Several requests per broker may be under way, one batch per partition in each. Batches of a partition keep their order:
/// with idempotence by sequence numbers, and a batch that has to be sent again goes before those after it. Lives on the
/// client's loop; coroutines keep it alive.
class sender : public std::enable_shared_from_this<sender> {
public:
    /// Takes config.on_lost.
    sender(std::shared_ptr<cluster> view, std::shared_ptr<callbacks> strand, std::shared_ptr<accumulator> records, producer_config& config);

    /// Makes the topic known, and its partitions to the accumulator.
    void learn(const std::string& topic);
    /// Sends what may be sent now.
    void run();
    /// Ends when every batch below `id` has; open ones are sent at once.
    void flush(std::uint64_t id, std::shared_ptr<op_state<void>> done);
    /// flush(), then the end; what is not done after `most` is failed.
    void close(std::uint64_t id, milliseconds most, std::shared_ptr<op_state<void>> done);
    /// Called when something append() waited for may have changed.
    void on_change(function<void()> hook) { changed_ = std::move(hook); }

private:
    struct item {
        queue_ptr queue;
        batch_ptr records;
    };
    struct shipment {
        std::vector<item> items;
        std::size_t bytes = 0;
    };
    struct flush_waiter {
        std::uint64_t id;
        std::shared_ptr<op_state<void>> done;
    };
    static task<void> ship(std::shared_ptr<sender> self, std::int32_t broker, std::vector<item> items);
    static task<void> init_producer_id(std::shared_ptr<sender> self);
    /// Fails everything that is not done, and sends nothing more.
    void abandon(const error& why);
    /// Fails everything that is not on its way.
    void lose_waiting(const error& why);
    void forget_idle();
    void retire();
    void update_topics();
    std::int32_t leader_of(const partition_queue& queue) const;
    /// The batch of this queue that may go to its leader now; `wake_at` gets earlier when time alone will change that.
    batch_ptr next_batch(partition_queue& queue, bool idle_leader, bool room, time_point& wake_at);
    bool expire(partition_queue& queue, time_point& wake_at);
    result<void> seal(partition_queue& queue, batch& records);
    static void landed(const item& each);
    void settle(item& each, errc code, std::string_view message, std::int64_t base_offset, timestamp_ms append_time);
    void try_again(item& each, errc code, std::string_view message);
    void restart_sequences(partition_queue& queue);
    void succeed(const item& each, std::int64_t base_offset, timestamp_ms append_time);
    void lose(const batch_ptr& records, error why);
    void ended(const batch_ptr& records);

    std::shared_ptr<cluster> view_;
    std::shared_ptr<callbacks> strand_;
    std::shared_ptr<accumulator> keeps_records_;
    accumulator& records_;
    struct {
        acks required_acks;
        bool idempotence;
        milliseconds linger, delivery_timeout, max_block;
        std::size_t max_request_size;
        int max_in_flight;
    } config_;
    std::shared_ptr<function<void(const error&)>> on_lost_;
    function<void()> changed_;
    std::map<std::string, time_point> topics_;  // and until when somebody waits for them
    std::vector<queue_ptr> active_;
    std::map<std::int32_t, int> requests_;  // on their way, by broker
    std::vector<flush_waiter> flushing_;
    error lost_;  // since the last flush
    std::int64_t producer_id_ = -1;
    std::int16_t epoch_ = -1;
    bool asking_id_ = false;
    int id_failures_ = 0;
    timer_id alarm_ = timer_id::none;
    timer_id give_up_ = timer_id::none;
    bool closing_ = false;
    std::size_t turn_ = 0;
    bool running_ = false;
    bool run_again_ = false;
    error abandoned_;
};

}  // namespace weir::detail
