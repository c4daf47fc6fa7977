#include "core_metrics.hpp"

#include <weir/protocol/api_keys.hpp>

#include <string>

namespace weir::server {

struct core_metrics::per_api {
    std::shared_ptr<metrics::counter> requests;
    std::shared_ptr<metrics::histogram> total_time;
};

core_metrics::core_metrics(metrics::registry& registry) : registry_(registry) {
    const auto topic_counter = [&](std::string_view name, std::string_view help) {
        return registry.counter("kafka_server_brokertopicmetrics_" + std::string{name} + "_total", help);
    };
    bytes_in_ = topic_counter("bytesin", "Bytes of record batches that clients produced.");
    bytes_out_ = topic_counter("bytesout", "Bytes of record batches that consumers fetched.");
    messages_in_ = topic_counter("messagesin", "Records that clients produced.");
    bytes_rejected_ = topic_counter("bytesrejected", "Bytes of record batches that were refused for their size.");
    produce_requests_ = topic_counter("totalproducerequests", "Partitions in produce requests.");
    fetch_requests_ = topic_counter("totalfetchrequests", "Partitions in fetch requests.");
    failed_produce_ = topic_counter("failedproducerequests", "Partitions in produce requests that were answered with an error.");
    failed_fetch_ = topic_counter("failedfetchrequests", "Partitions in fetch requests that were answered with an error.");
    refused_ = registry.counter("weir_server_refused_requests_total", "Connections ended because a request could not be understood.");
    idle_closed_ = registry.counter("kafka_network_socketserver_expiredconnectionskilledcount", "Connections closed by connections.max.idle.ms.");
    connections_ = registry.gauge("kafka_server_socket_server_metrics_connection_count", "Open client connections.");
}

core_metrics::~core_metrics() = default;

core_metrics::per_api& core_metrics::of(protocol::api_key api) {
    const auto at = static_cast<std::size_t>(api);
    if (apis_.size() <= at) apis_.resize(at + 1);
    if (!apis_[at]) {
        const metrics::labels where{{"request", std::string{protocol::info(api).name}}};
        apis_[at] = std::make_unique<per_api>();
        apis_[at]->requests = registry_.counter("kafka_network_requestmetrics_requests_total", "Requests answered.", where);
        apis_[at]->total_time = registry_.histogram("kafka_network_requestmetrics_totaltimems", "Milliseconds from a whole request to its answer.", where, 0.001);
    }
    return *apis_[at];
}

void core_metrics::served(protocol::api_key api, nanoseconds time) {
    auto& row = of(api);
    row.requests->add();
    row.total_time->record(static_cast<std::uint64_t>(std::max<std::int64_t>(time.count() / 1000, 0)));
}

}  // namespace weir::server
