// Sends records to topics, one by one or in transactions.
#pragma once
#include <weir/client.hpp>
#include <weir/group.hpp>
#include <weir/topic.hpp>

#include <limits>

namespace weir {

enum class acks : std::int16_t {
    none = 0,    ///< nobody answers: a record counts as sent when it left; its offset is unknown
    leader = 1,  ///< the leader has it
    all = -1,    ///< every in-sync replica has it
};
enum class compression : std::uint8_t { none, gzip, snappy, lz4, zstd };
enum class when_full : std::uint8_t { block, fail };

struct record_metadata {
    std::string topic{};
    std::int32_t partition = -1;
    std::int64_t offset = -1;  ///< -1 with acks::none, or when a retry found the record already there
    timestamp time{};          ///< the broker's when the topic has log append time
};

struct send_options {
    std::int32_t partition = -1;                  ///< -1: by key, or where there is room
    std::optional<timestamp> time{};              ///< none: now
    std::vector<header> headers{};
};

/// A record on its way into a batch, as hooks see it.
struct outgoing_record {
    std::string_view topic{};
    std::optional<bytes_view> key{}, value{};     ///< nullopt: null
    send_options options{};                       ///< on_send may change these
};

/// The names are Kafka's, dots as underscores.
struct producer_config {
    acks required_acks = acks::all;               ///< acks
    bool idempotence = true;                      ///< enable.idempotence: no duplicates and no gaps; needs acks::all: other acks go without, unless it was asked for by name
    duration linger{5};                           ///< linger.ms: how long a batch may fill while the broker is busy; an idle one gets it at once
    /// batch.size, bytes before compression: a batch of so many goes at once. It grows further, up to max_request_size, while
    /// its leader is busy; so the standard is good for few records and for many.
    std::size_t batch_size = 65'536;
    std::size_t max_request_size = 1'048'576;     ///< max.request.size: the largest record and request
    weir::compression compression = weir::compression::none;  ///< compression.type
    std::optional<int> compression_level{};       ///< compression.<type>.level
    std::size_t buffer_memory = 32u << 20;        ///< buffer.memory: bytes of records not yet delivered
    weir::when_full when_full = weir::when_full::block;  ///< of send(); enqueue() waits without blocking
    duration max_block{60'000};                   ///< max.block.ms: for room, for a topic's partitions, for a transaction to begin
    duration delivery_timeout{120'000};           ///< delivery.timeout.ms: from send() to success or failure, retries included
    duration metadata_max_idle{300'000};          ///< metadata.max.idle.ms: how long a topic that nothing is sent to stays known
    int retries = std::numeric_limits<int>::max();  ///< retries: how often a batch is sent again; delivery_timeout ends that otherwise. 0 goes without idempotence
    int max_in_flight = 5;                        ///< max.in.flight.requests.per.connection; at most 5 with idempotence
    duration close_timeout{30'000};               ///< how long the destructor waits for what is under way
    std::string transactional_id{};               ///< transactional.id: one producer at a time has it; a new one fences the old
    duration transaction_timeout{60'000};         ///< transaction.timeout.ms: the coordinator aborts what is open for longer
    bool partitioner_ignore_keys = false;         ///< partitioner.ignore.keys: records with a key go where there is room, too
    bool partitioner_adaptive_partitioning = true;  ///< partitioner.adaptive.partitioning.enable: the more the shorter the queue (KIP-794)
    duration partitioner_availability_timeout{0};   ///< partitioner.availability.timeout.ms: avoid brokers that take nothing for so long; 0: never
    /// Chooses the partition, of so many, of records that do not name theirs; below 0: by key, or where there is room. On the
    /// thread of send(), on several at once when those do.
    function<std::int32_t(const outgoing_record&, std::int32_t)> partitioner{};
    /// Hears of each record before its partition is chosen and may change its options. Threads as above. What it throws is
    /// logged.
    function<void(outgoing_record&)> on_send{};
    /// Hears what became of each record, on the client's callback strand. What it throws is logged.
    function<void(const result<record_metadata>&)> on_acknowledgement{};
    /// A batch was lost and nobody waited for (some of) its records. On the client's callback strand. Not for records of a
    /// transaction, whose end tells.
    function<void(const error&)> on_lost{};
    properties extra{};                           ///< any setting of a producer by Kafka's or librdkafka's name
    static std::span<const setting> settings();
};

using delivery = op<record_metadata>;

namespace detail {
class producer_core;
class producer_handle;
class transactor_core;
struct erased {
    const void* value = nullptr;  ///< nullptr: null on the wire
    const serde_ops* ops = nullptr;
    const void* state = nullptr;
};
/// What a value is taken as at the call: text and bytes without a temporary owner.
template <class T>
struct sent_as { using type = T; };
template <>
struct sent_as<std::string> { using type = std::string_view; };
template <>
struct sent_as<bytes> { using type = bytes_view; };
template <class T>
using sent_t = typename sent_as<T>::type;
template <class T>
struct on_the_spot { using type = std::remove_cvref_t<T>; };
template <std::size_t N>
struct on_the_spot<char[N]> { using type = std::string_view; };
template <>
struct on_the_spot<const char*> { using type = std::string_view; };
template <class T>
using wire_t = typename on_the_spot<T>::type;

/// A value for the length of a call. Text and bytes go as the view they came in, unless the topic has a serde of its own,
/// which takes the owner.
template <class T>
struct erase : erased {
    erase(const serde<T>& with, const T& value) : erased{&value, &with.ops(), with.state()} {}
};
template <class T>
    requires(!std::same_as<sent_t<T>, T>)
struct erase<T> : erased {
    erase(const serde<T>& with, const sent_t<T>& value) : erased{&value, &default_serde_ops<sent_t<T>>, nullptr} {
        if (&with.ops() == &default_serde_ops<T>) [[likely]] return;
        owner.emplace(value.begin(), value.end());
        static_cast<erased&>(*this) = {&*owner, &with.ops(), with.state()};
    }
    erase(const erase&) = delete;
    erase& operator=(const erase&) = delete;
    std::optional<T> owner;
};
}  // namespace detail

namespace detail {
/// The ways to hand over a record. They encode it before they return, so nothing has to outlive the call.
template <class Self>
class sends {
public:
    /// Blocks only while the topic is unknown or the buffer full (max_block). The delivery fails with, among others:
    /// errc::message_too_large, errc::timed_out, errc::buffer_full, errc::invalid_topic, errc::topic_authorization_failed,
    /// errc::closed.
    template <class K, class V>
    delivery send(const topic<K, V>& to, const sent_t<K>& key, const sent_t<V>& value) {
        return self().send_erased(to.name(), erase<K>(to.key(), key), erase<V>(to.value(), value), nullptr);
    }
    template <class K, class V>
    delivery send(const topic<K, V>& to, const sent_t<K>& key, const sent_t<V>& value, const send_options& options) {
        return self().send_erased(to.name(), erase<K>(to.key(), key), erase<V>(to.value(), value), &options);
    }
    template <class V>
    delivery send(const topic<none, V>& to, const sent_t<V>& value) {
        return self().send_erased(to.name(), {}, erase<V>(to.value(), value), nullptr);
    }
    template <class V>
    delivery send(const topic<none, V>& to, const sent_t<V>& value, const send_options& options) {
        return self().send_erased(to.name(), {}, erase<V>(to.value(), value), &options);
    }
    /// Without a topic handle: the types at the call say how key and value travel.
    template <class K, class V>
        requires has_serde<wire_t<K>> && has_serde<wire_t<V>>
    delivery send(std::string_view to, const K& key, const V& value) {
        const wire_t<K>& k = key;
        const wire_t<V>& v = value;
        return self().send_erased(to, {&k, &default_serde_ops<wire_t<K>>, nullptr}, {&v, &default_serde_ops<wire_t<V>>, nullptr}, nullptr);
    }
    template <class K, class V>
        requires has_serde<wire_t<K>> && has_serde<wire_t<V>>
    delivery send(std::string_view to, const K& key, const V& value, const send_options& options) {
        const wire_t<K>& k = key;
        const wire_t<V>& v = value;
        return self().send_erased(to, {&k, &default_serde_ops<wire_t<K>>, nullptr}, {&v, &default_serde_ops<wire_t<V>>, nullptr}, &options);
    }

    /// Waits for the topic and for room without blocking, then gives the delivery: back-pressure for coroutines.
    template <class K, class V>
    op<delivery> enqueue(const topic<K, V>& to, const sent_t<K>& key, const sent_t<V>& value) {
        return self().enqueue_erased(to.name(), erase<K>(to.key(), key), erase<V>(to.value(), value), nullptr);
    }
    template <class K, class V>
    op<delivery> enqueue(const topic<K, V>& to, const sent_t<K>& key, const sent_t<V>& value, const send_options& options) {
        return self().enqueue_erased(to.name(), erase<K>(to.key(), key), erase<V>(to.value(), value), &options);
    }
    template <class V>
    op<delivery> enqueue(const topic<none, V>& to, const sent_t<V>& value) {
        return self().enqueue_erased(to.name(), {}, erase<V>(to.value(), value), nullptr);
    }
    template <class V>
    op<delivery> enqueue(const topic<none, V>& to, const sent_t<V>& value, const send_options& options) {
        return self().enqueue_erased(to.name(), {}, erase<V>(to.value(), value), &options);
    }

private:
    Self& self() noexcept { return static_cast<Self&>(*this); }
};
}  // namespace detail

/// Open until commit() or abort(); dropped before, it aborts. Thread-safe, but not to be moved while others use it. It keeps
/// its producer alive.
class transaction : public detail::sends<transaction> {
public:
    transaction(transaction&&) noexcept = default;
    transaction& operator=(transaction&& other) noexcept;
    ~transaction();

    /// Commits the group's positions together with the records (KIP-447). A group that has moved on since refuses them, and
    /// the transaction can only abort: errc::illegal_generation, errc::unknown_member_id, errc::stale_member_epoch.
    op<> add_offsets(group_metadata of, std::vector<partition_offset> offsets);
    /// Waits for what was sent, then makes all of it visible. errc::transaction_aborted when something in it failed (the
    /// cause says what): it has been aborted, and may be run again. An error that is fatal(): this producer cannot go on,
    /// because another one took over, or nobody can say what became of the commit.
    op<> commit();
    /// Ends when nothing of it can become visible any more.
    op<> abort();

private:
    friend class detail::sends<transaction>;
    friend class detail::producer_core;
    friend class detail::transactor_core;
    transaction(std::shared_ptr<detail::producer_handle> of, std::int64_t number) noexcept : handle_(std::move(of)), number_(number) {}
    void drop() noexcept;
    delivery send_erased(std::string_view to, const detail::erased& key, const detail::erased& value, const send_options* options);
    op<delivery> enqueue_erased(std::string_view to, const detail::erased& key, const detail::erased& value, const send_options* options);
    std::shared_ptr<detail::producer_handle> handle_;
    std::int64_t number_;
};

/// Thread-safe; a cheap handle, copies are the same producer. Order is kept per partition. Partition by the key's murmur2 as
/// Java's producer chooses it; records without a key stay with one partition for a batch and then go where the queue is
/// short (KIP-480, KIP-794). The last handle's destructor delivers what is under way, for at most close_timeout.
class producer : public detail::sends<producer> {
public:
    /// Throws weir::exception (errc::invalid_setting) for a configuration that cannot be; does no I/O.
    explicit producer(const client& on, producer_config config = producer_config{});
    producer(const char* bootstrap) : producer(client{bootstrap}) {}  // NOLINT: as a client is made

    /// The next transaction, once the one before has ended; the first also takes over from whoever had the transactional id
    /// before, and finishes what that left open. errc::timed_out after max_block; errc::invalid_request while one is open.
    op<transaction> begin();
    /// Runs `f` in a transaction, commits when it returns and aborts when it throws. The result is commit()'s. Blocks.
    template <std::invocable<transaction&> F>
    result<> transact(F&& f) {
        auto begun = begin().get();
        if (!begun) return begun.error();
        auto open = *std::move(begun);
        std::forward<F>(f)(open);
        return open.commit().get();
    }

    /// When it ends, everything sent before is delivered or lost, and the callbacks of that have returned: who runs them does not
    /// block for it. The first loss since the last flush() that nobody waited for is its error.
    op<> flush();
    /// The topic's partitions; waits until they are known, for at most max_block.
    op<std::vector<partition_info>> partitions_for(std::string topic);
    /// Aborts the open transaction, delivers what else was sent and then refuses with errc::closed. What is not done within
    /// `most` is given up, and callbacks that have not returned a second later are not waited for.
    op<> close(duration most = duration::max());

private:
    friend class detail::sends<producer>;
    delivery send_erased(std::string_view to, const detail::erased& key, const detail::erased& value, const send_options* options);
    op<delivery> enqueue_erased(std::string_view to, const detail::erased& key, const detail::erased& value, const send_options* options);
    std::shared_ptr<detail::producer_handle> handle_;
};

}  // namespace weir
