// Reads, processes and writes, exactly once.
#pragma once
#include <weir/consumer.hpp>
#include <weir/detail/transactor_core.hpp>

namespace weir {

/// The names are Kafka's, dots as underscores. What else a consumer or a producer can be told is told to the client.
struct transactor_config {
    std::string group_id{};                    ///< group.id
    /// transactional.id: of this instance alone. One that stays the same over restarts lets a new instance end at once what
    /// the old one left open; empty: the group's and a random part, and what is left open ends with transaction_timeout.
    std::string transactional_id{};
    at::position start = at::earliest;         ///< auto.offset.reset
    duration transaction_timeout{10'000};      ///< transaction.timeout.ms: others wait for so long when this one dies
    int max_poll_records = 2'000;              ///< max.poll.records: of one transaction
};

/// Member of a group that reads one topic, or several of one type, only what is committed there, and commits its positions
/// in the transactions that hold what it writes. run() belongs to one thread at a time; stop() may be called from anywhere.
///
///     weir::transactor work{"localhost:9092", {.group_id = "fraud-check"}, orders};
///     auto end = work.run([](const auto& batch, weir::transaction& tx) {
///         for (const auto& [id, o, info] : batch) if (o.amount > 10'000) tx.send(alerts, id, o.customer);
///     });
template <class K, class V>
class transactor {
public:
    /// Throws weir::exception (errc::invalid_setting) for a configuration that cannot be; does no I/O.
    template <std::same_as<topic<K, V>>... More>
    transactor(const client& on, const transactor_config& config, const topic<K, V>& first, const More&... more)
        : in_(on, detail::transactor_core::reading(config.group_id, config.start, config.max_poll_records), first, more...),
          loop_(on, config.group_id, config.transactional_id, config.transaction_timeout) {}

    /// Gives batch after batch to `work` together with a transaction, commits that with the batch's positions when `work`
    /// returns, and goes back to what is committed when it was aborted. A rebalance of the group waits for the transaction.
    /// Blocks. Returns after stop(), when the transaction in hand has ended, or with the error that no other try can mend:
    /// one that is fatal(), such as errc::producer_fenced, or permanent(), or what the cluster refuses for good, such as
    /// errc::topic_authorization_failed. What `work` throws comes out, after the abort; run() may be called again, and
    /// begins with the same records.
    template <class F>
        requires std::invocable<F&, const records<K, V>&, transaction&>
    result<> run(F&& work) {
        records<K, V> batch;
        const auto poll = [&]() -> result<std::vector<detail::read_span>> {
            auto got = in_.poll().get();
            if (!got) return got.error();
            batch = *std::move(got);
            std::vector<detail::read_span> spans;
            for (const auto& part : batch.by_partition()) {
                const auto& last = std::prev(part.end())->info;
                spans.push_back({part.where, part.begin()->info.offset, last.offset + 1, last.leader_epoch});
            }
            return spans;
        };
        return loop_.run(in_, poll, [&](transaction& open) { work(std::as_const(batch), open); });
    }
    /// run() returns when the batch in hand is done. From any thread.
    void stop() noexcept { in_.stop(); }
    /// Calls stop() at these signals, for as long as the client lives.
    void stop_on(std::initializer_list<int> signals) { in_.stop_on(signals); }

private:
    consumer<K, V> in_;
    detail::transactor_core loop_;
};

}  // namespace weir
