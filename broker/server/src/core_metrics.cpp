#include "core_metrics.hpp"

#include <weir/base/errc.hpp>
#include <weir/protocol/api_keys.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace weir::server {

struct core_metrics::per_api {
    std::vector<std::shared_ptr<metrics::counter>> requests;  // by version
    std::vector<std::shared_ptr<metrics::counter>> errors;    // by code, the first for -1
    std::shared_ptr<metrics::histogram> bytes, total_time, queue_time, local_time, remote_time, response_queue_time, send_time;
};

namespace {

// As dashboards know it. All fetches are consumers' here; followers will be FetchFollower.
std::string shown_name(protocol::api_key api) {
    return api == protocol::api_key::fetch ? "FetchConsumer" : std::string{protocol::info(api).name};
}

void record(metrics::histogram& into, time_point from, time_point until) {
    into.record(static_cast<std::uint64_t>(std::max<std::int64_t>((until - from).count() / 1000, 0)));
}

}  // namespace

listener_counters::listener_counters(metrics::registry& registry, const std::string& name) {
    const metrics::labels where{{"listener", name}};
    const std::string prefix = "kafka_server_socket_server_metrics_";
    open = registry.gauge(prefix + "connection_count", "Open client connections.", where);
    opened = registry.counter(prefix + "connection_creation_total", "Connections that were let in.", where);
    closed = registry.counter(prefix + "connection_close_total", "Connections that ended.", where);
    requests = registry.counter(prefix + "request_total", "Requests that came whole.", where);
    responses = registry.counter(prefix + "response_total", "Answers that were sent.", where);
    bytes_in = registry.counter(prefix + "incoming_byte_total", "Bytes of requests.", where);
    bytes_out = registry.counter(prefix + "outgoing_byte_total", "Bytes of answers.", where);
}

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
    keyless = count("nokeycompactedtopicrecords", "Records without a key that a compacted topic refused.");
}

core_metrics::core_metrics(metrics::registry& registry) : registry_(registry), all_(registry, {}) {
    refused_ = registry.counter("weir_server_refused_requests_total", "Connections ended because of what a request said; the log tells why.");
    idle_closed_ = registry.counter("kafka_network_socketserver_expiredconnectionskilledcount", "Connections closed by connections.max.idle.ms.");
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

listener_counters& core_metrics::listener(const std::string& name) {
    const auto known = listeners_.find(name);
    return known != listeners_.end() ? known->second : listeners_.try_emplace(name, registry_, name).first->second;
}

std::shared_ptr<metrics::gauge> core_metrics::software(const std::string& listener, const std::string& name, const std::string& version) {
    auto one = registry_.gauge("kafka_server_socket_server_metrics_connections", "Open client connections, by what the clients call themselves.",
                               {{"clientSoftwareName", name}, {"clientSoftwareVersion", version}, {"listener", listener}});
    one->set(1);
    return one;
}

core_metrics::per_api& core_metrics::of(protocol::api_key api) {
    const auto at = static_cast<std::size_t>(api);
    if (apis_.size() <= at) apis_.resize(at + 1);
    if (!apis_[at]) {
        const metrics::labels where{{"request", shown_name(api)}};
        const auto spread = [&](std::string_view name, std::string_view help, double scale = 0.001) {
            return registry_.histogram("kafka_network_requestmetrics_" + std::string{name}, help, where, scale);
        };
        auto row = std::make_unique<per_api>();
        row->bytes = spread("requestbytes", "Bytes of a request.", 1);
        row->total_time = spread("totaltimems", "Milliseconds from a whole request to the end of its answer.");
        row->queue_time = spread("requestqueuetimems", "Milliseconds a whole request waited for earlier ones of its connection.");
        row->local_time = spread("localtimems", "Milliseconds of work until the answer, or until it had to wait for something.");
        row->remote_time = spread("remotetimems", "Milliseconds from that wait to the answer: the disk, records to come, members, another core.");
        row->response_queue_time = spread("responsequeuetimems", "Milliseconds an answer waited for earlier ones of its connection.");
        row->send_time = spread("responsesendtimems", "Milliseconds until the system had taken an answer.");
        apis_[at] = std::move(row);
    }
    return *apis_[at];
}

void core_metrics::served(protocol::api_key api, std::int16_t version, std::uint64_t bytes, const request_times& times, time_point sent) {
    auto& row = of(api);
    const auto which = static_cast<std::size_t>(std::max<std::int16_t>(version, 0));
    if (row.requests.size() <= which) row.requests.resize(which + 1);
    if (!row.requests[which])
        row.requests[which] = registry_.counter("kafka_network_requestmetrics_requests_total", "Requests answered.",
                                                {{"request", shown_name(api)}, {"version", std::to_string(version)}});
    row.requests[which]->add();
    row.bytes->record(bytes);
    record(*row.total_time, times.read, sent);
    record(*row.queue_time, times.read, times.begun);
    record(*row.local_time, times.begun, times.first_wait);
    record(*row.remote_time, times.first_wait, times.decided);
    record(*row.response_queue_time, times.decided, times.sending);
    record(*row.send_time, times.sending, sent);
}

void core_metrics::answered_with(protocol::api_key api, std::int16_t error_code, std::uint64_t times) {
    auto& row = of(api);
    const auto which = static_cast<std::size_t>(std::max(error_code + 1, 0));
    if (row.errors.size() <= which) row.errors.resize(which + 1);
    if (!row.errors[which])
        row.errors[which] = registry_.counter("kafka_network_requestmetrics_errors_total", "Error codes in answers; NONE where all went well.",
                                              {{"error", std::string{describe(errc_from_wire(error_code)).name}}, {"request", shown_name(api)}});
    row.errors[which]->add(times);
}

}  // namespace weir::server
