// Shares the records of topics with others, one by one, as a queue does (KIP-932).
#pragma once
#include <weir/client.hpp>
#include <weir/detail/record_iterator.hpp>
#include <weir/detail/share_source.hpp>
#include <weir/topic.hpp>

#include <initializer_list>
#include <optional>

namespace weir {
namespace detail {
class share_handle;
}

/// A record on loan: nobody else of the group gets it until it is given back, or its time is up. The first verdict counts;
/// brokers hear of it with the next fetch, within a second at the latest, or by commit(). Thread-safe.
template <class K, class V>
struct leased : record<K, V> {
    /// 1: nobody had it before. Brokers give up on a record after group.share.delivery.count.limit of them.
    int delivery_count() const noexcept { return loan.delivery_count(); }
    /// Until others may get it.
    duration time_left() const noexcept { return loan.time_left(); }
    void accept() const { loan.decide(acknowledgement::accept); }    ///< done with
    void release() const { loan.decide(acknowledgement::release); }  ///< back to the queue for another try
    void reject() const { loan.decide(acknowledgement::reject); }    ///< never again
    void renew() const { loan.decide(acknowledgement::renew); }      ///< I need longer: told at once; a verdict may follow
    detail::lease loan{};                                            ///< for the library
};

/// What every share consumer can do, whatever its types; compiled once, in the library. Made as a share_consumer<K, V>, below.
class share_consumer_base {
public:
    share_consumer_base(share_consumer_base&&) noexcept;
    share_consumer_base& operator=(share_consumer_base&&) = delete;
    ~share_consumer_base();  ///< as close(close_timeout), and waits for it where waiting is possible

    /// These topics from now on; the constructor's before.
    void subscribe(std::vector<std::string> topics);
    /// Leaves the group; what is on loan stays so, and verdicts count. Nothing more comes before the next subscribe().
    void unsubscribe();
    /// As it was said last, or by the constructor.
    std::vector<std::string> subscription() const;
    /// How long brokers lend records for, as they last said (KIP-1222); nullopt before anything was asked for.
    std::optional<duration> acquisition_lock_timeout() const;
    /// Accepts what was handed out and has no verdict, the record or batch in hand included (explicit_ack: leaves it), and
    /// ends when the brokers have answered for every verdict given before. An error: errc::timed_out.
    op<std::vector<acknowledged>> commit();
    /// Ends the loop or poll() with errc::closed, without a word in status(). From any thread, and from a signal handler.
    void stop() noexcept;
    /// Calls stop() at these signals, for as long as the client lives.
    void stop_on(std::initializer_list<int> signals);
    /// Tells the verdicts, gives back what has none, leaves the group.
    op<> close(duration most = duration::max());
    /// Why the loop ended; no error after stop().
    error status() const;

protected:
    share_consumer_base(const client& on, share_consumer_config config, std::vector<std::string> topics);
    /// The one in hand is done with. Blocks for the next; false at the end: status() says why.
    bool take_next(detail::lent_record& into);
    /// True: pass over it. False: the loop ends.
    bool undecodable(const detail::lent_record& which, const error& why);
    std::shared_ptr<detail::op_core> start_poll(duration most, std::shared_ptr<void> types, detail::share_types how);

private:
    std::shared_ptr<detail::share_handle> handle_;
};

/// Belongs to one thread or strand at a time; commit(), stop(), close() and what is on loan may be used from anywhere. A
/// record without a verdict is accepted when the loop moves on to the next one, or the next poll() begins; with explicit_ack
/// it goes back to the queue instead: in a loop when it moves on, from poll() when the last record of its batch is dropped.
///
///     weir::share_consumer jobs{"localhost:9092", {.group_id = "label-printers"}, shipments};
///     for (auto& job : jobs) ...
template <class K = bytes_view, class V = bytes_view>
class share_consumer : public share_consumer_base {
public:
    using record_type = leased<K, V>;
    /// Throws weir::exception (errc::invalid_setting) for a configuration that cannot be; does no I/O.
    template <std::same_as<topic<K, V>>... More>
    share_consumer(const client& on, share_consumer_config config, const topic<K, V>& first, const More&... more)
        : share_consumer_base(on, std::move(config), {first.name(), more.name()...}), types_(std::make_shared<types>(types{first.key(), first.value()})) {}

    using iterator = detail::record_iterator<share_consumer, record_type>;
    /// Blocks for the next record.
    iterator begin() { return iterator{this}; }
    std::default_sentinel_t end() const noexcept { return {}; }

    /// What there is, around max_poll_records; empty when nothing came within `most` but records that on_bad_record rejected.
    /// An error ends the loop: stopped (errc::closed), or what status() says. Decoded where the result is taken; where records
    /// may be rejected, the first one where the op is waited for, or on the callback strand.
    op<std::vector<record_type>> poll(duration most = duration::max()) { return op<std::vector<record_type>>{start_poll(most, types_, {&build, &check})}; }

private:
    friend iterator;
    struct types {
        serde<K> key;
        serde<V> value;
    };
    static error decode(const types& with, const detail::raw_record& raw, record<K, V>& into) {
        if (auto why = with.key.decode(raw.key_bytes(), into.key)) return error{why.code(), "key: " + std::string{why.what()}};
        if (auto why = with.value.decode(raw.value_bytes(), into.value)) return error{why.code(), "value: " + std::string{why.what()}};
        return {};
    }
    static error decode(const types& with, const detail::lent_record& found, record_type& into) {
        auto why = decode(with, *found.raw, into);
        if (why) return why;
        into.info = found.where;
        into.loan = found.loan;
        return {};
    }
    static error check(void* types_of, const detail::raw_record& raw) {
        record<K, V> unused;
        return decode(*static_cast<const types*>(types_of), raw, unused);
    }
    bool advance() {
        detail::lent_record found;
        while (take_next(found)) {
            auto why = decode(*types_, found, current_);
            if (!why) return true;
            if (!undecodable(found, why)) break;
        }
        return false;
    }
    static void build(void* types_of, detail::share_source& from, void* into) {
        auto& outcome = *static_cast<result<std::vector<record_type>>*>(into);
        std::vector<record_type> all;
        detail::lent_record found;
        while (from.next(found)) {
            auto why = decode(*static_cast<types*>(types_of), found, all.emplace_back());
            if (!why) continue;
            all.pop_back();
            if (!from.undecodable(found, why)) break;
        }
        if (all.empty() && from.failure()) outcome = from.failure();
        else outcome = std::move(all);
    }
    std::shared_ptr<types> types_;
    record_type current_{};
};

}  // namespace weir
