// Where send() puts records: one open batch per partition, within a budget of bytes.
#pragma once
#include "batch.hpp"
#include "partitioner.hpp"
#include "record_clock.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <unordered_map>

namespace weir::detail {

/// The batches of one partition. What stands before `retry` belongs to the accumulator's lock, the rest to the sender's loop.
struct partition_queue {
    std::string topic;
    std::int32_t partition = 0;
    std::size_t ready_bytes = 0;  ///< a batch of so many goes at once ...
    std::size_t most_bytes = 0;   ///< ... and grows up to here while its leader is busy
    batch_ptr open;
    std::deque<batch_ptr> closed;
    std::size_t usual_bytes = 0;  ///< what the last batch had
    bool listed = false;      ///< the sender knows that there is something
    bool hungry = true;       ///< the leader has nothing to do: the sender wants to hear of the next record

    std::deque<batch_ptr> retry;  ///< in the order of their sequences
    std::vector<batch_ptr> shipped;  ///< on their way, no answer yet
    time_point retry_at;
    time_point last_sent;
    std::int64_t producer_id = -1;
    std::int16_t epoch = -1;
    std::int32_t next_sequence = 0;
    bool introduced = false;    ///< the partition has a batch of this producer id
    std::int64_t admitted = 0;  ///< the transaction that batches of this partition may go out in
};
using queue_ptr = std::shared_ptr<partition_queue>;

struct encoded_record {
    encoded_record() noexcept {}  // member by member: GCC zeroes a whole aggregate, with the slowest of all instructions
    std::optional<bytes_view> key;
    std::optional<bytes_view> value;
    std::span<const protocol::header_view> headers;
    std::int32_t partition = -1;
    timestamp_ms time = no_timestamp;
    std::int64_t transaction = 0;  ///< 0: of none
};

enum class append_outcome : std::uint8_t { appended, unknown_topic, full, refused };
struct appended {
    append_outcome outcome = append_outcome::refused;
    batch_ptr where;
    std::uint32_t index = 0;
    bool wake = false;  ///< the sender should look
    error why;          ///< refused; or unknown_topic, when waiting is pointless
};

/// Thread-safe. `wake` in an answer is true once until take_listed() was called.
class accumulator {
public:
    accumulator(const producer_config& config, std::shared_ptr<callbacks> strand, const clock& time, std::uint64_t seed);

    static constexpr std::size_t largest = 1u << 30;  ///< batch, whatever the settings say: frames count their bytes in 31 bits
    /// A record without a time gets the present one.
    appended append(std::string_view topic, const encoded_record& record);
    /// 0 while the topic is unknown.
    std::size_t partitions_of(std::string_view topic);
    /// From now on append() takes records of this transaction, and no others.
    void open_transaction(std::int64_t number);
    /// ... and now none, for this reason.
    void close_transaction(error why);
    /// How many partitions the topic has: more may come, fewer only when it was made `anew`.
    void set_partitions(const std::string& topic, std::size_t count, bool anew = false);
    /// Makes the topic unknown again, unless records of it wait or one of its queues is `busy`.
    bool let_go(const std::string& topic, function<bool(partition_queue&)> busy);
    /// Why there is no point in waiting for the topic; no error: there may be.
    void refuse(const std::string& topic, error why);
    error refusal(std::string_view topic);
    /// The topic's batches turned out to be too large: later ones have at most so many bytes, uncompressed.
    void limit_batches(const std::string& topic, std::size_t bytes);
    const protocol::batch_settings& settings() const noexcept { return settings_; }
    /// Which partitions have a leader.
    void set_available(const std::string& topic, std::size_t partition, bool available);

    /// The queues that got records since the last call.
    std::vector<queue_ptr> take_listed();
    struct head {
        batch_ptr open;
        bool ready = false;  ///< there is one that waits for nothing but its leader
        time_point oldest = time_point::max();  ///< when the oldest waiting batch began
    };
    /// What waits in a queue; its leader's idleness decides whether further records wake the sender.
    head look(partition_queue& queue, bool idle_leader);
    /// The next batch to send.
    batch_ptr pop(partition_queue& queue);
    /// Nothing waits any more: true, and the next record lists it again.
    bool unlist(partition_queue& queue);
    /// A batch has ended: its bytes are free, and so is who waited for that. `room`: memory for batches to come.
    void release(const batch_ptr& ended, bytes room);

    std::uint64_t next_id();            ///< of the next batch
    std::uint64_t oldest_unfinished();  ///< every batch below this id has ended
    bool pressed();   ///< somebody waits for room
    std::size_t used();  ///< bytes of the budget
    /// append() refuses from now on.
    void close(const error& why);
    std::vector<queue_ptr> all();

    /// Blocks until something changed since `seen` that append() may succeed for, at most `most`; false when that passed.
    bool wait_for_change(std::uint64_t seen, nanoseconds most);
    std::uint64_t changes();
    /// `obstacle`: why the cluster could not be asked; none when it could.
    void changed(error obstacle);
    error obstacle();

private:
    struct hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
    };
    struct topic_state {
        std::vector<queue_ptr> partitions;  // those of an earlier topic of that name, too
        std::size_t count = 0;              // of the present one
        std::vector<std::int32_t> queued;  // batches waiting, large ones counted as several; below 0: no leader
        sticky_partitioner sticky;
        std::size_t ready_bytes = 0, most_bytes = 0;
        error refused;
    };
    using topic_map = std::unordered_map<std::string, topic_state, hash, std::equal_to<>>;
    topic_state* find(std::string_view name);
    topic_state* look_up(std::string_view name);
    topic_state& state_of(const std::string& name);
    std::int32_t choose(topic_state& topic, const encoded_record& record);
    /// Why append() cannot take a record now.
    void turn_away(appended& answer, std::string_view name, const topic_state* topic, const encoded_record& record, std::size_t bound);
    /// There is an open batch then with room for so many bytes, or it counts for more; true when that is news for the sender.
    bool make_way(topic_state& topic, partition_queue& queue, std::size_t bound);
    /// Memory for a batch of this queue: what was kept, or new.
    bytes room_for(const partition_queue& queue);
    void keep(bytes room);

    const std::size_t batch_size_, max_record_, budget_;
    const bool ignore_keys_, adaptive_;
    protocol::batch_settings settings_;
    std::shared_ptr<callbacks> strand_;
    const clock& time_;
    std::mutex mutex_;
    std::condition_variable room_;
    record_clock stamps_;
    random_source random_;
    topic_map topics_;
    topic_map::value_type* last_ = nullptr;
    std::vector<queue_ptr> listed_;
    std::size_t used_ = 0;
    std::vector<bytes> spare_;  // memory of ended batches
    std::size_t spare_bytes_ = 0;
    std::uint64_t next_id_ = 0;
    std::deque<std::pair<std::uint64_t, bool>> unfinished_;  // ids in order; true: ended
    std::uint64_t changes_ = 0;
    int waiters_ = 0;
    bool woken_ = false;
    std::int64_t transaction_ = 0;  // whose records append() takes; -1: nobody's
    error outside_;                 // what the others are told
    error closed_;
    error obstacle_;
};

}  // namespace weir::detail
