// What a client counts while it works. Each is bumped once per batch, request or event, never per record.
#pragma once
#include <weir/base/error.hpp>
#include <weir/base/function.hpp>
#include <weir/base/time.hpp>
#include <weir/client_metrics.hpp>
#include <weir/net/traffic.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace weir::detail {

struct producer_counters {
    int number = 0;
    std::string transactional_id;
    metrics::counter records, batches, requests;   ///< sent, again ones included
    metrics::counter bytes, plain_bytes;           ///< of these batches as they travel, and before compression
    metrics::counter retried, failed;              ///< records
    metrics::histogram batch_bytes;
    metrics::histogram queue_time;                 ///< from a batch's first record to its first sending, in microseconds
    metrics::histogram latency;                    ///< of Produce, in microseconds
    /// Bytes of records that are not delivered yet, and how many there may be. Asked on any thread.
    function<std::size_t()> queued_bytes;
    std::size_t buffer_bytes = 0;
};

struct consumer_counters {
    int number = 0;
    std::string group_id, group_instance_id;
    metrics::counter records, bytes, fetches;
    metrics::histogram fetch_latency, commit_latency;  ///< in microseconds
    metrics::histogram fetch_bytes;
    metrics::counter commits, commit_failures, rebalances, heartbeats;
    // Asked on any thread.
    function<std::pair<std::size_t, std::uint64_t>()> assigned;  ///< partitions, and the records that the one furthest behind is behind
    function<std::size_t()> buffered_bytes;                      ///< fetched and not read yet
    std::size_t buffer_bytes = 0;
};

struct share_counters {
    int number = 0;
    std::string group_id;
    metrics::counter records, bytes, fetches;          ///< acquired, as brokers count: offsets without a record included
    metrics::histogram fetch_latency;                  ///< in microseconds
    metrics::histogram fetch_bytes;
    metrics::counter verdicts;                         ///< sent, about single records
    metrics::counter accepted, released, rejected, renewed;  ///< of these, as brokers confirmed
    metrics::counter failed;                           ///< refused, or not sent any more
    metrics::counter expired;                          ///< records whose time was up
    metrics::counter sessions, rebalances, heartbeats;
    std::atomic<std::size_t> assigned = 0;             ///< partitions
};

/// Of one client and of what is built on it, whose functions hold nothing alive. Thread-safe.
class client_counters {
public:
    net::traffic traffic;
    metrics::counter metadata_refreshes, metadata_failures;

    void refreshed(bool well, time_point now) noexcept {
        (well ? metadata_refreshes : metadata_failures).add();
        if (well) refreshed_at_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
    }
    /// How old the view of the cluster is; below 0: there is none.
    nanoseconds metadata_age(time_point now) const noexcept {
        const auto at = refreshed_at_.load(std::memory_order_relaxed);
        return at < 0 ? nanoseconds{-1} : now.time_since_epoch() - nanoseconds{at};
    }
    void unreachable(const error& why) noexcept {
        traffic.failed.add();
        const auto code = why.code();
        if (code == errc::tls_failed || code == errc::sasl_authentication_failed || code == errc::unsupported_sasl_mechanism) traffic.authentication_failures.add();
    }

    /// Shown as long as the caller keeps it.
    void add(const std::shared_ptr<producer_counters>& one) { add_to(producers_, one); }
    void add(const std::shared_ptr<consumer_counters>& one) { add_to(consumers_, one); }
    void add(const std::shared_ptr<share_counters>& one) { add_to(share_consumers_, one); }
    /// A number of the application's, until it is removed: it is not read then, nor any more.
    void add(const std::shared_ptr<application_metric>& one);
    void remove(const std::shared_ptr<application_metric>& one);
    struct reading {
        std::shared_ptr<const application_metric> of;
        double value;
    };
    std::vector<reading> read_application() const;
    enum class which : std::uint8_t { open, ended_too };
    std::vector<std::shared_ptr<producer_counters>> producers(which ones) const { return list(producers_, ones); }
    std::vector<std::shared_ptr<consumer_counters>> consumers(which ones) const { return list(consumers_, ones); }
    std::vector<std::shared_ptr<share_counters>> share_consumers(which ones) const { return list(share_consumers_, ones); }
    /// Whether those that end are kept until forget_ended(), for whoever has not heard their last numbers yet.
    void keep_ended(bool yes) { keep_ended_.store(yes, std::memory_order_relaxed); }
    void forget_ended() {
        const std::lock_guard held{mutex_};
        drop_ended(producers_);
        drop_ended(consumers_);
        drop_ended(share_consumers_);
    }

private:
    static constexpr std::size_t most_kept = 100;
    template <class T>
    struct numbered {
        std::vector<std::shared_ptr<T>> all;
        int last = 0;
    };
    template <class T>
    static bool has_ended(const std::shared_ptr<T>& one) {
        return one.use_count() == 1;  // the list's own
    }
    template <class T>
    static void drop_ended(numbered<T>& of) {
        std::erase_if(of.all, [](const auto& each) { return has_ended(each); });
    }
    template <class T>
    void add_to(numbered<T>& to, const std::shared_ptr<T>& one) {
        const std::lock_guard held{mutex_};
        if (!keep_ended_.load(std::memory_order_relaxed) || to.all.size() > most_kept) drop_ended(to);
        one->number = ++to.last;
        to.all.push_back(one);
    }
    template <class T>
    std::vector<std::shared_ptr<T>> list(const numbered<T>& of, which ones) const {
        std::vector<std::shared_ptr<T>> there;
        const std::lock_guard held{mutex_};
        for (const auto& each : of.all) {
            if (ones == which::ended_too || !has_ended(each)) there.push_back(each);
        }
        return there;
    }

    std::atomic<std::int64_t> refreshed_at_{-1};
    std::atomic<bool> keep_ended_{false};
    mutable std::mutex mutex_;
    numbered<producer_counters> producers_;
    numbered<consumer_counters> consumers_;
    numbered<share_counters> share_consumers_;
    mutable std::mutex reading_;  // while the application's are read
    std::vector<std::shared_ptr<application_metric>> application_;
};

}  // namespace weir::detail
