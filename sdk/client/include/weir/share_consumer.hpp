// Shares the records of topics with others, one by one, as a queue does (KIP-932).
#pragma once
#include <weir/detail/record_iterator.hpp>
#include <weir/detail/share_core.hpp>
#include <weir/topic.hpp>

namespace weir {

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

/// Belongs to one thread or strand at a time; commit(), stop(), close() and what is on loan may be used from anywhere. A
/// record without a verdict is accepted when the loop moves on to the next one, or the next poll() begins; with explicit_ack
/// it goes back to the queue instead: in a loop when it moves on, from poll() when the last record of its batch is dropped.
///
///     weir::share_consumer jobs{"localhost:9092", {.group_id = "label-printers"}, shipments};
///     for (auto& job : jobs) ...
template <class K = bytes_view, class V = bytes_view>
class share_consumer : public detail::share_core {
public:
    using record_type = leased<K, V>;
    /// Throws weir::exception (errc::invalid_setting) for a configuration that cannot be; does no I/O.
    template <std::same_as<topic<K, V>>... More>
    share_consumer(const client& on, share_consumer_config config, const topic<K, V>& first, const More&... more)
        : share_core(on, std::move(config), {first.name(), more.name()...}), types_(std::make_shared<types>(types{first.key(), first.value()})) {}

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
