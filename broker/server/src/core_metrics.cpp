#include "core_metrics.hpp"

#include <weir/protocol/api_keys.hpp>

#include <string>

namespace weir::server {

struct core_metrics::per_api {
    std::shared_ptr<metrics::counter> requests;
    std::shared_ptr<metrics::histogram> total_time;
};

traffic_counters::traffic_counters(metrics::registry& registry, const metrics::labels& where) {
    const auto count = [&](std::string_view name, std::string_view help) {
        return registry.counter("kafka_server_brokertopicmetrics_" + std::string{name} + "_total", help, where);
    };
    bytes_in = count("bytesin", "Bytes of record batches that clients produced.");
    bytes_out = count("bytesout", "Bytes of record batches that consumers fetched.");
    messages_in = count("messagesin", "Records that clients produced.");
    bytes_rejected = count("bytesrejected", "Bytes of record batches that were refused for their size.");
    produce_requests = count("totalproducerequests", "Partitions in produce requests.");
    fetch_requests = count("totalfetchrequests", "Partitions in fetch requests.");
    failed_produce = count("failedproducerequests", "Partitions in produce requests that were answered with an error.");
    failed_fetch = count("failedfetchrequests", "Partitions in fetch requests that were answered with an error.");
    corrupt = count("invalidmessagecrcrecords", "Record batches that were damaged on their way.");
    out_of_sequence = count("invalidoffsetorsequencerecords", "Record batches out of their producer's sequence.");
}

core_metrics::core_metrics(metrics::registry& registry) : registry_(registry), all_(registry, {}) {
    refused_ = registry.counter("weir_server_refused_requests_total", "Connections ended because a request could not be understood.");
    idle_closed_ = registry.counter("kafka_network_socketserver_expiredconnectionskilledcount", "Connections closed by connections.max.idle.ms.");
    connections_ = registry.gauge("kafka_server_socket_server_metrics_connection_count", "Open client connections.");
    parked_fetches_ = registry.gauge("kafka_server_delayedoperationpurgatory_purgatorysize", "Requests that wait for something to happen.", {{"delayedOperation", "Fetch"}});
}

core_metrics::~core_metrics() = default;

traffic_counters& core_metrics::topic(std::string_view name) {
    const auto known = topics_.find(name);
    if (known != topics_.end()) return known->second;
    const metrics::labels where{{"topic", std::string{name}}};
    return topics_.emplace(std::string{name}, traffic_counters{registry_, where}).first->second;
}

void core_metrics::keep_topics(function<bool(const std::string&)> exists) {
    std::erase_if(topics_, [&](const auto& each) { return !exists(each.first); });
}

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
