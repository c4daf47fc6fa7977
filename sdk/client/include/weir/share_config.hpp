// How a share consumer is set up, and what becomes of what it says about records.
#pragma once
#include <weir/consumer_config.hpp>
#include <weir/properties.hpp>

namespace weir {

/// What a consumer of a share group says about a record that it was lent.
enum class acknowledgement : std::int8_t {
    accept = 1,   ///< done with
    release = 2,  ///< another try, by whoever asks next
    reject = 3,   ///< never again
    renew = 4,    ///< still at it: the time starts again (KIP-1222)
};

enum class acquire_mode : std::uint8_t {
    batch_optimized,  ///< whole batches of the producer: somewhat more than max_poll_records
    record_limit,     ///< never more than max_poll_records, from one broker at a time (KIP-1206)
};

/// What the broker made of it, for offsets that follow each other.
struct acknowledged {
    topic_partition where{};
    std::int64_t first = -1;
    std::int64_t last = -1;
    acknowledgement what = acknowledgement::accept;
    error why{};  ///< none: it counts. errc::invalid_record_state: too late, the record had been taken back
};

/// The names are Kafka's, dots as underscores.
struct share_consumer_config {
    std::string group_id{};                   ///< group.id
    bool explicit_ack = false;                ///< share.acknowledgement.mode=explicit: what has no verdict is released, not accepted
    acquire_mode acquire = acquire_mode::batch_optimized;  ///< share.acquire.mode
    int max_poll_records = 500;               ///< max.poll.records: borrowed at a time
    duration max_wait{500};                   ///< fetch.max.wait.ms: of a broker that has nothing
    std::size_t fetch_min_bytes = 1;          ///< fetch.min.bytes
    std::size_t fetch_max_bytes = 50u << 20;  ///< fetch.max.bytes: in one answer of a broker
    bool check_crcs = true;                   ///< check.crcs
    std::string rack{};                       ///< client.rack
    duration max_poll_interval{300'000};      ///< max.poll.interval.ms: asks for no records for that long: no member any more
    /// stop: the record is released and the loop ends; skip: it is rejected.
    weir::on_bad_record on_bad_record = weir::on_bad_record::stop;
    duration default_api_timeout{60'000};     ///< default.api.timeout.ms: of commit()
    duration close_timeout{30'000};           ///< how long the destructor waits
    /// What became of verdicts, as the brokers answer. On the client's callback strand.
    function<void(const std::vector<acknowledged>&)> on_acknowledged{};
    properties extra{};                       ///< any setting of a share consumer by Kafka's name
    static std::span<const setting> settings();
};

}  // namespace weir
