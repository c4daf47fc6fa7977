// How a share consumer is set up, and what becomes of what it says about records.
#pragma once
#include <weir/consumer_config.hpp>
#include <weir/properties.hpp>

namespace weir {

/// What a consumer of a share group says about a record that it has acquired.
enum class acknowledgement : std::int8_t {
    accept = 1,   ///< processed
    release = 2,  ///< not processed: another member may try
    reject = 3,   ///< cannot be processed: no member gets it again
    renew = 4,    ///< still being processed: the acquisition lock starts again (KIP-1222)
};

enum class acquire_mode : std::uint8_t {
    batch_optimized,  ///< whole batches of the producer, so possibly more than max_poll_records
    record_limit,     ///< never more than max_poll_records, from one broker at a time (KIP-1206)
};

/// A broker's answer to acknowledgements of consecutive offsets.
struct acknowledged {
    topic_partition where{};
    std::int64_t first = -1;
    std::int64_t last = -1;
    acknowledgement what = acknowledgement::accept;
    error why{};  ///< none: it counts. errc::invalid_record_state: too late, the acquisition lock was over
};

/// The names are Kafka's, dots as underscores.
struct share_consumer_config {
    std::string group_id{};                   ///< group.id
    bool explicit_ack = false;                ///< share.acknowledgement.mode=explicit: a record that is not acknowledged is released instead of accepted
    acquire_mode acquire = acquire_mode::batch_optimized;  ///< share.acquire.mode
    int max_poll_records = 500;               ///< max.poll.records: acquired at a time
    duration max_wait{500};                   ///< fetch.max.wait.ms: how long a broker waits that has less than fetch_min_bytes
    std::size_t fetch_min_bytes = 1;          ///< fetch.min.bytes
    std::size_t fetch_max_bytes = 50u << 20;  ///< fetch.max.bytes: the most a broker sends in one answer
    bool check_crcs = true;                   ///< check.crcs: verifies the checksum of each batch
    std::string rack{};                       ///< client.rack: where this program runs; for the coordinator's assignment
    duration max_poll_interval{300'000};      ///< max.poll.interval.ms: an application that asks for no records for this long leaves the group
    /// stop: the record is released and the loop ends; skip: it is rejected.
    weir::on_bad_record on_bad_record = weir::on_bad_record::stop;
    duration default_api_timeout{60'000};     ///< default.api.timeout.ms: how long commit() may take
    duration close_timeout{30'000};           ///< how long the destructor waits for acknowledgements to be sent and for leaving the group
    /// Gets what brokers answer to acknowledgements. On the client's callback strand.
    function<void(const std::vector<acknowledged>&)> on_acknowledged{};
    properties extra{};                       ///< any setting of a share consumer by Kafka's name
    static std::span<const setting> settings();
};

}  // namespace weir
