// The numbers of a client under the names that Kafka's clients give them: one list for Prometheus and for telemetry.
#pragma once
#include "counters.hpp"

#include <weir/base/metrics.hpp>
#include <weir/client_metrics.hpp>

namespace weir::detail {

enum class sample_kind : std::uint8_t {
    total,    ///< only grows
    gauge,
    average,  ///< value / weight, both only grow: an average since the beginning, or since an earlier sample
};

struct sample {
    std::string_view group;     ///< "consumer-fetch-manager-metrics"; empty: `name` is in full, the application's
    std::string_view name;      ///< "records-consumed-total"
    std::string_view help;
    sample_kind kind = sample_kind::gauge;
    double value = 0;
    double weight = 1;
    metrics::labels where;      ///< which producer or consumer
    metrics::labels resource;   ///< transactional_id, group_id, group_instance_id
};

/// What all share (connections, metadata) is shown once for each kind of thing that the client serves: in Kafka producers,
/// consumers and admin clients have their own connections, and so their own metrics of them.
std::vector<sample> samples_of(const client_metrics& all);

/// Of the application's own; they live as long as what was read.
std::vector<sample> samples_of(const std::vector<client_counters::reading>& read);

/// "org.apache.kafka.consumer.fetch.manager.records.consumed.total" (KIP-714).
std::string telemetry_name(std::string_view group, std::string_view name);

}  // namespace weir::detail
