// Reads records from topics.
#pragma once
#include <weir/client.hpp>
#include <weir/consumer_config.hpp>
#include <weir/detail/poll_source.hpp>
#include <weir/detail/record_iterator.hpp>
#include <weir/share_consumer.hpp>

#include <initializer_list>
#include <map>

namespace weir {
namespace detail {
class consumer_handle;
}

/// One batch: a contiguous range, and a cheap view that shares ownership of the fetched bytes below. <weir/ranges.hpp> tells
/// range-v3 so. Its bytes count in consumer_config::buffer_memory until the last copy is gone.
template <class K, class V>
class records {
public:
    using value_type = record<K, V>;
    /// The records of one partition.
    struct slice {
        topic_partition where{};
        const value_type* first = nullptr;
        const value_type* last = nullptr;
        const value_type* begin() const noexcept { return first; }
        const value_type* end() const noexcept { return last; }
        std::size_t size() const noexcept { return static_cast<std::size_t>(last - first); }
    };
    records() noexcept = default;
    const value_type* begin() const noexcept { return body_ ? body_->all.data() : nullptr; }
    const value_type* end() const noexcept { return begin() + size(); }
    std::size_t size() const noexcept { return body_ ? body_->count : 0; }
    bool empty() const noexcept { return size() == 0; }
    const value_type& operator[](std::size_t index) const noexcept { return begin()[index]; }
    /// Each partition once.
    std::vector<slice> by_partition() const {
        std::vector<slice> all;
        for (const auto* at = begin(); at != end(); ++at) {
            if (all.empty() || all.back().where.partition != at->info.partition || all.back().where.topic != at->info.topic) all.push_back({at->info.where(), at, at});
            all.back().last = at + 1;
        }
        return all;
    }
    /// Behind each partition's last record: for commit(), seek(), and transaction::add_offsets().
    std::vector<partition_offset> next_offsets() const {
        std::vector<partition_offset> all;
        for (const auto& part : by_partition()) {
            const auto& last = std::prev(part.end())->info;
            all.push_back({part.where, last.offset + 1, last.leader_epoch, {}});
        }
        return all;
    }

private:
    template <class, class>
    friend class consumer;
    struct body {
        std::vector<value_type> all;  // its first `count`; the others keep their room for the next batch
        std::size_t count = 0;
        std::vector<std::shared_ptr<const void>> keep;
    };
    explicit records(std::shared_ptr<const body> of) noexcept : body_(std::move(of)) {}
    std::shared_ptr<const body> body_;
};

/// What every consumer can do, whatever its types; compiled once, in the library. Made as a consumer<K, V>, below.
class consumer_base {
public:
    consumer_base(consumer_base&&) noexcept;
    consumer_base& operator=(consumer_base&&) = delete;
    ~consumer_base();  ///< as close(close_timeout), and waits for it where waiting is possible

    // --- what to read: subscribe() or assign(), not both ---
    /// These topics, shared with the group's other members.
    void subscribe(std::vector<std::string> topics);
    /// Every topic whose whole name matches, those made later included; docs/guides/groups.md tells the syntax.
    void subscribe_matching(std::string pattern);
    void unsubscribe();
    /// These partitions and no others, without the group's help.
    void assign(const std::vector<topic_partition>& to, at::position from = at::committed);
    std::vector<topic_partition> assignment() const;
    /// What subscribe() or subscribe_matching() said last, or the constructor; empty after assign() and unsubscribe().
    weir::subscription subscription() const;
    /// Before subscribe(), or else from the next rebalance on.
    void on_rebalance(rebalance_listener listener);

    // --- where; from any thread. What is not assigned is passed over ---
    void seek(const topic_partition& where, at::position to);
    /// To what was committed; where that is nothing, as auto.offset.reset says. With a leader epoch, the log is asked first
    /// whether it still has what is before the offset (KIP-320). The metadata is yours.
    void seek(const partition_offset& to);
    void pause(const std::vector<topic_partition>& which);  ///< hands out nothing of these, and fetches nothing
    void resume(const std::vector<topic_partition>& which);
    std::vector<topic_partition> paused() const;  ///< of those assigned
    op<std::int64_t> position(const topic_partition& where);  ///< offset of the next record to be handed out
    /// Records of this partition, or of all that are assigned, that were not handed out yet; of those that a reader of
    /// this isolation may see.
    op<std::int64_t> lag(const topic_partition& of);
    op<std::int64_t> lag();

    // --- commit ---
    /// Everything handed out, the record or batch in hand included. Errors, among others: errc::rebalance_in_progress,
    /// errc::unknown_member_id, errc::illegal_generation: the partitions went to others; errc::timed_out.
    op<> commit();
    /// That partition, up to and including this record.
    op<> commit(const record_info& finished);
    op<> commit(std::vector<partition_offset> offsets);
    op<std::vector<partition_offset>> committed(std::vector<topic_partition> of);
    /// What a transaction needs to commit offsets in this group's name.
    op<group_metadata> metadata();
    /// Has the group assign its partitions anew (Consumer.enforceRebalance); nothing with group_protocol::consumer.
    void rejoin(std::string reason);

    // --- about topics, assigned or not ---
    op<std::vector<partition_info>> partitions_for(const std::string& topic);
    /// Every topic that one may see, internal ones too, with its partitions.
    op<std::map<std::string, std::vector<partition_info>>> list_topics();
    op<std::vector<offset_and_time>> beginning_offsets(std::vector<topic_partition> of);
    op<std::vector<offset_and_time>> end_offsets(std::vector<topic_partition> of);
    /// The first records of that time or later.
    op<std::vector<offset_and_time>> offsets_for_times(std::vector<std::pair<topic_partition, timestamp>> of);

    // --- the end ---
    /// Ends the loop or poll() at the next record: errc::closed without a word in status(). From any thread, and from a signal
    /// handler.
    void stop() noexcept;
    /// Calls stop() at these signals, for as long as the client lives.
    void stop_on(std::initializer_list<int> signals);
    /// Commits what was moved past (auto_commit), tells the listener, leaves the group. A record still in hand has not
    /// been moved past: commit() says that it is done with.
    op<> close(duration most = duration::max(), farewell to_group = farewell::standard);
    /// Why the loop ended; no error after stop().
    error status() const;

protected:
    consumer_base(const client& on, consumer_config config, std::vector<std::string> topics);
    /// Blocks for more records; false at the end: status() says why.
    bool refill();
    /// True: pass over it. False: the loop ends.
    bool undecodable(const detail::raw_record& which, const error& why);
    std::shared_ptr<detail::op_core> start_poll(duration most, std::size_t records, std::shared_ptr<void> types, detail::poll_types how);

    /// For consumer_config::on_consume.
    void hear(const detail::raw_record& which, const record_info& where);

    detail::record_window window_;
    bool hooked_;  ///< there is one
    const std::atomic<bool>* disturbed_;  ///< somebody stopped, moved, paused or took partitions: refill() sorts it out

private:
    std::shared_ptr<detail::consumer_handle> handle_;
};

/// Reads topics, as a member of a group or by itself. Belongs to one thread or strand at a time: iterating, poll() and next()
/// by two at once gives errc::wrong_thread; everything else may be called from anywhere. Heartbeats, rebalances and
/// fetching go on in the client's thread meanwhile.
///
///     weir::consumer in{"localhost:9092", {.group_id = "printer"}, page_views};
///     for (const auto& [user, view, info] : in) ...
///
/// What the application has moved past is committed on its own (auto_commit): the record or batch in hand never is.
template <class K = bytes_view, class V = bytes_view>
class consumer : public consumer_base {
public:
    using record_type = record<K, V>;
    /// Bytes, for assign() or subscribe(). Throws weir::exception (errc::invalid_setting) for a configuration that cannot
    /// be; does no I/O.
    consumer(const client& on, consumer_config config)
        requires has_serde<K> && has_serde<V>
        : consumer_base(on, std::move(config), {}), types_(std::make_shared<types>(serde<K>{}, serde<V>{})) {}
    /// With a group the topics are subscribed to when records are first asked for, unless assign() or subscribe() came
    /// before; otherwise they only say what is in them.
    template <std::same_as<topic<K, V>>... More>
    consumer(const client& on, consumer_config config, const topic<K, V>& first, const More&... more)
        : consumer_base(on, std::move(config), {first.name(), more.name()...}), types_(std::make_shared<types>(first.key(), first.value())) {}

    using iterator = detail::record_iterator<consumer, record_type>;
    /// Blocks for the next record. A record is valid until the next: its strings and spans are used again.
    iterator begin() { return iterator{this}; }
    std::default_sentinel_t end() const noexcept { return {}; }

    /// The next batch, of at most max_poll_records; empty when nothing came within `most` but records that on_bad_record
    /// passed over, which a commit() covers. An error ends the loop: stopped (errc::closed), or what status() says. Decoded
    /// where the result is taken; where records may be passed over, the first one where the op is waited for, or on the
    /// callback strand.
    op<records<K, V>> poll(duration most = duration::max()) { return op<records<K, V>>{start_poll(most, 0, types_, {&build_batch, &check})}; }
    /// The next record; views in it are valid until the next one.
    op<record_type> next() { return op<record_type>{start_poll(duration::max(), 1, types_, {&build_one, &check})}; }

private:
    friend iterator;
    using body = typename records<K, V>::body;
    struct types : std::enable_shared_from_this<types> {
        types(serde<K> of_key, serde<V> of_value) : key(std::move(of_key)), value(std::move(of_value)) {}
        ~types() { delete spare.load(); }
        serde<K> key;
        serde<V> value;
        std::atomic<body*> spare{nullptr};  // a batch that nobody holds any more: the next one has its room, and its strings'
        std::vector<std::shared_ptr<const void>> one{};  // keeps what next() gave

        std::shared_ptr<body> fresh() {
            auto* room = spare.exchange(nullptr, std::memory_order_acq_rel);
            return {room ? room : new body, [to = this->shared_from_this()](body* unused) {
                unused->keep.clear();
                unused->count = 0;
                delete to->spare.exchange(unused, std::memory_order_acq_rel);
            }};
        }
    };
    template <class T>
    static error decode(const serde<T>& with, bytes_view data, T& into) {
        if constexpr (has_serde<T>) {
            if (&with.ops() == &default_serde_ops<T>) [[likely]] return serde_traits<T>::decode(data, into);
        }
        return with.decode(data, into);
    }
    static error check(void* types_of, const detail::raw_record& raw) {
        record_type unused;
        return decode(*static_cast<const types*>(types_of), raw, unused);
    }
    static error decode(const types& with, const detail::raw_record& raw, record_type& into) {
        if (auto why = decode(with.key, raw.key_bytes(), into.key)) [[unlikely]] return error{why.code(), "key: " + std::string{why.what()}};
        if (auto why = decode(with.value, raw.value_bytes(), into.value)) [[unlikely]] return error{why.code(), "value: " + std::string{why.what()}};
        raw.describe(into.info);
        return {};
    }
    bool advance() {
        for (;;) {
            if (window_.next == window_.end || disturbed_->load(std::memory_order_relaxed)) [[unlikely]] {
                if (!refill()) return false;
                current_.info = window_.where;
            }
            const auto& raw = *window_.next++;
            window_.of->finished.store(raw.offset, std::memory_order_release);  // everything before the one in hand
            window_.of->handed.store(raw.offset + 1, std::memory_order_release);
            auto why = decode(*types_, raw, current_);
            if (!why) [[likely]] {
                if (hooked_) [[unlikely]] hear(raw, current_.info);
                return true;
            }
            if (!undecodable(raw, why)) return false;
        }
    }
    static void build_batch(void* types_of, detail::poll_source& from, void* into) {
        auto& with = *static_cast<types*>(types_of);
        auto& outcome = *static_cast<result<records<K, V>>*>(into);
        auto made = with.fresh();
        auto& found = *made;
        detail::raw_part part;
        for (bool more = true; more && from.next(part, found.keep);) {
            for (const auto& raw : part.records) {
                if (found.count == found.all.size()) found.all.emplace_back();
                auto& next = found.all[found.count];
                next.info = part.where;
                auto why = decode(with, raw, next);
                if (!why) [[likely]] {
                    if (from.hooked) [[unlikely]] from.hear(raw, next.info);
                    ++found.count;
                    continue;
                }
                more = from.undecodable(part, raw, why);
                if (!more) break;
            }
        }
        if (found.count == 0 && from.failure()) outcome = from.failure();
        else outcome = records<K, V>{std::move(made)};
    }
    static void build_one(void* types_of, detail::poll_source& from, void* into) {
        auto& with = *static_cast<types*>(types_of);
        auto& outcome = *static_cast<result<record_type>*>(into);
        with.one.clear();
        detail::raw_part part;
        while (from.next(part, with.one)) {
            record_type next;
            next.info = part.where;
            auto why = decode(with, part.records.front(), next);
            if (!why) {
                if (from.hooked) [[unlikely]] from.hear(part.records.front(), next.info);
                outcome = std::move(next);
                return;
            }
            if (!from.undecodable(part, part.records.front(), why)) break;
        }
        outcome = from.failure();
    }

    std::shared_ptr<types> types_;
    record_type current_{};
};
consumer(const client&, consumer_config) -> consumer<>;

}  // namespace weir
