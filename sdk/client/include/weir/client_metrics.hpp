// What a client has done, in numbers: client::metrics().
#pragma once
#include <weir/base/function.hpp>
#include <weir/base/metrics_registration.hpp>
#include <weir/base/time.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace weir {

/// How values were spread since the client was made. Quantiles are right to an eighth of themselves.
struct distribution {
    std::uint64_t count = 0;
    double sum = 0;
    double p50 = 0, p99 = 0, max = 0;
    double average() const noexcept { return count == 0 ? 0 : sum / static_cast<double>(count); }
};

struct connection_metrics {
    std::uint64_t open = 0;
    std::uint64_t opened = 0, closed = 0;          ///< usable ones: versions agreed, logged in
    std::uint64_t failed = 0;                      ///< attempts that came to nothing
    std::uint64_t authentication_failures = 0;     ///< of those, by TLS or a login
    std::uint64_t requests = 0, answers = 0;
    std::uint64_t bytes_out = 0, bytes_in = 0;     ///< before TLS
    distribution latency_ms{};                     ///< of all requests, those that wait on purpose (fetches) included
};

struct producer_metrics {
    int number = 0;                                ///< counts the client's producers from 1
    std::string transactional_id{};
    std::uint64_t records = 0, batches = 0;        ///< sent; again when they were sent again
    std::uint64_t bytes = 0, uncompressed_bytes = 0;  ///< of these batches
    std::uint64_t requests = 0;
    std::uint64_t retried = 0, failed = 0;         ///< records
    distribution batch_bytes{}, queue_ms{}, latency_ms{};  ///< queue: from a batch's first record to its sending
    std::uint64_t queued_bytes = 0, buffer_bytes = 0;      ///< not delivered yet, and buffer.memory
    /// Bytes on the wire by bytes before compression.
    double compression_ratio() const noexcept { return uncompressed_bytes == 0 ? 1 : static_cast<double>(bytes) / static_cast<double>(uncompressed_bytes); }
};

struct consumer_metrics {
    int number = 0;                                ///< counts the client's consumers from 1
    std::string group_id{}, group_instance_id{};
    std::uint64_t records = 0, bytes = 0;          ///< fetched; bytes as they travel
    std::uint64_t fetches = 0;
    distribution fetch_ms{}, fetch_bytes{}, commit_ms{};
    std::uint64_t commits = 0, commit_failures = 0;
    std::uint64_t rebalances = 0, heartbeats = 0;
    std::uint64_t assigned = 0;                    ///< partitions
    std::uint64_t lag_max = 0;                     ///< records, of the assigned partition that is behind most
    std::uint64_t buffered_bytes = 0, buffer_bytes = 0;  ///< fetched and not read yet, and how many there may be
};

struct share_consumer_metrics {
    int number = 0;                                ///< counts the client's share consumers from 1
    std::string group_id{};
    std::uint64_t records = 0, bytes = 0;          ///< acquired, as brokers count them, and what they sent for it
    std::uint64_t fetches = 0;
    distribution fetch_ms{}, fetch_bytes{};
    std::uint64_t sent = 0;                        ///< verdicts about single records, told to brokers
    std::uint64_t accepted = 0, released = 0, rejected = 0, renewed = 0;  ///< of these, as brokers confirmed
    std::uint64_t failed = 0;                      ///< verdicts that do not count: refused, too late, or their session is gone
    std::uint64_t expired = 0;                     ///< records whose time was up with no verdict told: others may have them
    std::uint64_t sessions = 0;                    ///< share sessions begun: one for each broker, when all is well
    std::uint64_t rebalances = 0, heartbeats = 0;
    std::uint64_t assigned = 0;                    ///< partitions
};

struct client_metrics {
    std::string client_id{};
    connection_metrics connections{};
    std::optional<milliseconds> metadata_age{};    ///< nullopt: the cluster has told nothing yet
    std::uint64_t metadata_refreshes = 0, metadata_failures = 0;
    std::vector<producer_metrics> producers{};     ///< those that are open
    std::vector<consumer_metrics> consumers{};
    std::vector<share_consumer_metrics> share_consumers{};
    /// In Prometheus' text format 0.0.4 under the names of Kafka's clients, such as
    /// kafka_producer_producer_metrics_record_send_total{client_id="weir",producer="1"} (docs/guides/metrics.md).
    std::string prometheus_text() const;
};

/// A number of the application's own, for client::register_metric_for_subscription().
struct application_metric {
    std::string name{};          ///< in full, "com.example.shop.orders.open"; Java's are org.apache.kafka.<group>.<name>, with dots
    metrics::labels labels{};
    enum class kind_of : std::uint8_t {
        gauge,
        total,                   ///< only grows; told as it is or as what came since the last push, as brokers want it
    };
    kind_of kind = kind_of::gauge;
    function<double()> read{};   ///< at each push, on the client's thread: never blocks, nor calls the client
};

}  // namespace weir
