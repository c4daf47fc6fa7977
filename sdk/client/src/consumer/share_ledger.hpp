// What is on loan to a share consumer, and what was said about it: written by the application, told to brokers by the loop.
#pragma once
#include "../metrics/counters.hpp"
#include "chunk.hpp"
#include "share_session.hpp"

#include <weir/detail/share_source.hpp>

#include <atomic>
#include <mutex>

namespace weir::detail {

/// Who lends: decisions go back to that broker, in that session.
struct lender {
    std::int32_t broker = -1;
    std::uint32_t session = 0;
    auto operator<=>(const lender&) const = default;
};

/// Offsets that this consumer acquired, and how often they were before, this time included.
struct acquired_range {
    std::int64_t first;
    std::int64_t last;
    std::int16_t delivery_count;
};
/// As a broker says it lent them with so many bytes of records, in order. errc::malformed for ranges that cannot be, and for
/// more offsets than such an answer can be about: each gets a verdict, with a record or without.
result<std::vector<acquired_range>> acquired_ranges(const std::vector<protocol::share_fetch_response::acquired_records_data>& said, std::size_t bytes);

class share_ledger;

/// What there is to say to a lender.
struct share_news {
    verdicts decided;
    verdicts renewals;
    std::vector<std::shared_ptr<lease_part>> renewing;  ///< the parts of these
    verdicts late;                                      ///< nothing to say any more: others may have the records by now
    std::map<place, std::string> topics;
    bool empty() const noexcept { return decided.empty() && renewals.empty() && late.empty(); }
};

/// What one answer lent of one partition. Its records are found when the application comes to it, on its thread; what is
/// not decided about when the last one of them is dropped goes back.
class lease_part : public std::enable_shared_from_this<lease_part> {
public:
    lease_part(std::shared_ptr<share_ledger> in, lender from, place where, std::string topic, chunk content, std::vector<acquired_range> acquired, time_point ends);
    ~lease_part();
    lease_part(const lease_part&) = delete;
    lease_part& operator=(const lease_part&) = delete;

    /// Finds the records, the first time. Those after bytes that cannot be read are given back, and errc::corrupt_message is returned.
    const error& open();
    std::size_t size() const noexcept { return records_.size(); }
    void describe(std::size_t index, lent_record& into);
    int delivery_count(std::size_t index) const noexcept { return circumstances_[index].delivery_count; }
    time_point ends(std::size_t index) const noexcept { return time_point{nanoseconds{slots_[index].ends.load(std::memory_order_relaxed)}}; }
    time_point ends() const noexcept { return ends_; }
    /// The first verdict counts, renewals apart. False: there is one already.
    bool decide(std::size_t index, verdict what);
    /// Others may have it by now: nothing is said about it any more.
    void forget(std::size_t index);
    void forget_all();

    const share_ledger& ledger() const noexcept { return *ledger_; }
    const lender& from() const noexcept { return lender_; }
    const place& where() const noexcept { return where_; }
    const std::string& topic() const noexcept { return topic_; }

    /// What was decided since the last call; told from now on. Under the ledger's lock. A broker refuses all that it is told of
    /// a partition when it cannot take one verdict: those of loans that ended by `now` are kept from it.
    void collect(share_news& into, time_point now);
    /// These may be kept until then.
    void renewed(const std::map<std::int64_t, verdict>& which, time_point until);
    bool listed = false;  ///< of the ledger

private:
    static constexpr std::uint8_t undecided = 0x40, told = 0x41;
    struct slot {
        std::atomic<std::uint8_t> state{undecided};
        std::atomic<std::int64_t> ends{};
    };
    std::shared_ptr<share_ledger> ledger_;
    const lender lender_;
    const place where_;
    const std::string topic_;
    chunk content_;
    std::vector<acquired_range> acquired_;
    time_point ends_;
    std::vector<raw_record> records_;
    struct circumstance {
        std::int16_t delivery_count;
        bool append_time;
    };
    std::vector<circumstance> circumstances_;  // by record
    std::unique_ptr<slot[]> slots_;
    std::size_t acquired_count() const noexcept;
    std::vector<std::int64_t> missing_;  ///< acquired, but no records: compacted away, or markers of transactions
    std::vector<std::shared_ptr<const void>> keep_;
    bool opened_ = false;
    error broken_;
};

/// Thread-safe.
class share_ledger {
public:
    /// `tell`: there is something to tell a broker, where there was nothing, or something that must not wait.
    share_ledger(const clock& time, std::shared_ptr<share_counters> counters, function<void()> tell)
        : time_(&time), counters_(std::move(counters)), tell_(std::move(tell)) {}

    // --- the loop's side ---
    /// What is to be told that lender; it counts as told from now on.
    share_news take(const lender& from);
    /// Lenders with something to be told, and whether some of it must not wait.
    std::map<lender, bool> waiting();
    /// Nobody tells anything any more.
    void close();
    /// The clock goes away with its client; loans may stay.
    void stop_clock();

    // --- the application's side ---
    void list(const std::shared_ptr<lease_part>& part, bool urgent);
    void give_back(const lender& from, const place& where, const std::string& topic, const std::map<std::int64_t, verdict>& which);
    time_point now() const;  ///< max() when there is no clock any more
    /// The time of so many records is up, with no verdict told. Takes no lock.
    void expired(std::size_t records) noexcept { counters_->expired.add(records); }

private:
    void changed(bool urgent);
    mutable std::mutex mutex_;
    const clock* time_;
    const std::shared_ptr<share_counters> counters_;
    function<void()> tell_;
    std::map<lender, std::vector<std::shared_ptr<lease_part>>> listed_;
    std::map<lender, share_news> returned_;
    std::set<lender> urgent_;
    bool told_ = false;
    bool closed_ = false;
};

}  // namespace weir::detail
