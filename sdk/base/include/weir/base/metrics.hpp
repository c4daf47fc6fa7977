// Numbers about the running process: made once, bumped cheaply, read as Prometheus text.
//
// Counters, gauges and histograms are owned by whoever bumps them; when the last owner lets go, the series disappears.
// Making one takes a lock and allocates; bumping one is a relaxed atomic and may happen on any thread. Several objects
// with the same name and labels (one per loop, to keep cores off each other's cache lines) are shown as their sum.
#pragma once
#include <weir/base/function.hpp>
#include <weir/base/metrics_registration.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace weir::metrics {

/// Only grows.
class counter {
public:
    void add(std::uint64_t by = 1) noexcept { value_.fetch_add(by, std::memory_order_relaxed); }
    std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> value_{0};
};

class gauge {
public:
    void set(double value) noexcept { value_.store(value, std::memory_order_relaxed); }
    void add(double by) noexcept { value_.fetch_add(by, std::memory_order_relaxed); }
    double value() const noexcept { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<double> value_{0};
};

/// How values are spread, in fixed buckets that grow with the value: a quantile is right to an eighth of itself.
/// Values are whole numbers in the unit of the caller (microseconds, bytes) below 2^44; larger ones count as that.
class histogram {
public:
    void record(std::uint64_t value) noexcept {
        buckets_[bucket_of(value)].fetch_add(1, std::memory_order_relaxed);
        sum_.fetch_add(value, std::memory_order_relaxed);
    }
    std::uint64_t count() const noexcept;
    std::uint64_t sum() const noexcept { return sum_.load(std::memory_order_relaxed); }
    /// The value that the share `q` of all values does not exceed; 0 when there are none.
    double quantile(double q) const noexcept;
    /// Adds what `other` holds.
    void merge(const histogram& other) noexcept;

private:
    static constexpr int sub_bits = 2;  // four buckets for each doubling
    static constexpr std::size_t bucket_count = (44 - sub_bits + 1) << sub_bits;
    static std::size_t bucket_of(std::uint64_t value) noexcept;
    static std::uint64_t lower_end(std::size_t bucket) noexcept;

    std::array<std::atomic<std::uint64_t>, bucket_count> buckets_{};
    std::atomic<std::uint64_t> sum_{0};
};

enum class series_type : std::uint8_t { counter, gauge };

/// Receives the samples of a collector.
class sample_sink {
public:
    virtual void add(const labels& where, double value) = 0;

protected:
    ~sample_sink() = default;
};

/// Thread-safe. Names are Prometheus names; other characters become '_'. The first use of a name settles its type and
/// help. Outlives what it made, or not: the objects work on without it.
class registry {
public:
    registry();
    ~registry();

    std::shared_ptr<metrics::counter> counter(std::string_view name, std::string_view help, const labels& where = {});
    std::shared_ptr<metrics::gauge> gauge(std::string_view name, std::string_view help, const labels& where = {});
    /// Shown as a summary: quantiles 0.5, 0.75, 0.95, 0.99 and 0.999, sum and count. `scale` turns the recorded unit
    /// into the shown one (microseconds to milliseconds: 0.001).
    std::shared_ptr<metrics::histogram> histogram(std::string_view name, std::string_view help, const labels& where = {},
                                                  double scale = 1);
    /// A gauge read when asked. `read` runs on the reader's thread: it touches nothing but atomics and what it owns.
    [[nodiscard]] registration gauge_from(std::string_view name, std::string_view help, labels where,
                                          function<double()> read);
    /// Many samples made when asked, so that ten thousand partitions cost nothing in between. Threads as above.
    [[nodiscard]] registration collect(std::string_view name, std::string_view help, series_type type,
                                       function<void(sample_sink&)> collector);

    /// Everything, in Prometheus' text format 0.0.4, sorted by name.
    std::string text() const;

private:
    struct state;
    std::shared_ptr<state> state_;
};

}  // namespace weir::metrics
