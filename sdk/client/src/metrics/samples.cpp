#include "samples.hpp"

#include <algorithm>

namespace weir::detail {
namespace {

/// `value` and `weight` of one number; a distribution is two rows, its average and its largest.
struct reading {
    double value = 0;
    double weight = 1;
};
template <class Of>
struct row {
    std::string_view group, name;
    sample_kind kind;
    std::string_view help;
    reading (*read)(const Of&);
};
using kind = sample_kind;

reading plain(std::uint64_t value) { return {static_cast<double>(value)}; }
reading part(std::uint64_t value, std::uint64_t of) { return {static_cast<double>(value), static_cast<double>(of)}; }
reading average(const distribution& of) { return {of.sum, static_cast<double>(of.count)}; }
reading largest(const distribution& of) { return {of.max}; }

// The group depends on whom the connections serve.
using whole = client_metrics;
constexpr row<whole> of_client[] = {
    {"", "connection-count", kind::gauge, "Connections that are open.", [](const whole& w) { return plain(w.connections.open); }},
    {"", "connection-creation-total", kind::total, "Connections made.", [](const whole& w) { return plain(w.connections.opened); }},
    {"", "connection-close-total", kind::total, "Connections closed.", [](const whole& w) { return plain(w.connections.closed); }},
    {"", "failed-connection-total", kind::total, "Attempts to connect that came to nothing.", [](const whole& w) { return plain(w.connections.failed); }},
    {"", "failed-authentication-total", kind::total, "Of those, attempts that ended in TLS or a login.", [](const whole& w) { return plain(w.connections.authentication_failures); }},
    {"", "request-total", kind::total, "Requests sent.", [](const whole& w) { return plain(w.connections.requests); }},
    {"", "response-total", kind::total, "Responses received.", [](const whole& w) { return plain(w.connections.answers); }},
    {"", "outgoing-byte-total", kind::total, "Bytes sent.", [](const whole& w) { return plain(w.connections.bytes_out); }},
    {"", "incoming-byte-total", kind::total, "Bytes received.", [](const whole& w) { return plain(w.connections.bytes_in); }},
    {"", "request-size-avg", kind::average, "Bytes of a request.", [](const whole& w) { return part(w.connections.bytes_out, w.connections.requests); }},
    {"", "metadata-age", kind::gauge, "Seconds since the cluster told about itself; -1: never.",
     [](const whole& w) { return reading{w.metadata_age ? static_cast<double>(w.metadata_age->count()) / 1000 : -1}; }},
    {"", "metadata-refresh-total", kind::total, "Times the cluster told about itself.", [](const whole& w) { return plain(w.metadata_refreshes); }},
    {"", "metadata-failure-total", kind::total, "Times it was asked and did not.", [](const whole& w) { return plain(w.metadata_failures); }},
};

using producing = producer_metrics;
constexpr std::string_view producer = "producer-metrics";
constexpr row<producing> of_producer[] = {
    {producer, "record-send-total", kind::total, "Records sent, those that were sent again included.", [](const producing& p) { return plain(p.records); }},
    {producer, "record-retry-total", kind::total, "Records to be sent again.", [](const producing& p) { return plain(p.retried); }},
    {producer, "record-error-total", kind::total, "Records that were not delivered.", [](const producing& p) { return plain(p.failed); }},
    {producer, "byte-total", kind::total, "Bytes of batches sent.", [](const producing& p) { return plain(p.bytes); }},
    {producer, "batch-total", kind::total, "Batches sent.", [](const producing& p) { return plain(p.batches); }},
    {producer, "batch-size-avg", kind::average, "Bytes of a batch.", [](const producing& p) { return average(p.batch_bytes); }},
    {producer, "batch-size-max", kind::gauge, "Bytes of the largest batch.", [](const producing& p) { return largest(p.batch_bytes); }},
    {producer, "compression-rate-avg", kind::average, "Bytes of batches by their bytes before compression.", [](const producing& p) { return part(p.bytes, p.uncompressed_bytes); }},
    {producer, "records-per-request-avg", kind::average, "Records of a request.", [](const producing& p) { return part(p.records, p.requests); }},
    {producer, "record-queue-time-avg", kind::average, "Milliseconds from a batch's first record to its sending.", [](const producing& p) { return average(p.queue_ms); }},
    {producer, "record-queue-time-max", kind::gauge, "The longest of these.", [](const producing& p) { return largest(p.queue_ms); }},
    {producer, "request-latency-avg", kind::average, "Milliseconds until a Produce request was answered.", [](const producing& p) { return average(p.latency_ms); }},
    {producer, "request-latency-max", kind::gauge, "The longest of these.", [](const producing& p) { return largest(p.latency_ms); }},
    {producer, "buffer-total-bytes", kind::gauge, "buffer.memory.", [](const producing& p) { return plain(p.buffer_bytes); }},
    {producer, "buffer-available-bytes", kind::gauge, "What is free of it.",
     [](const producing& p) { return plain(p.buffer_bytes - std::min(p.buffer_bytes, p.queued_bytes)); }},
};

using consuming = consumer_metrics;
constexpr std::string_view fetching = "consumer-fetch-manager-metrics";
constexpr std::string_view coordinating = "consumer-coordinator-metrics";
constexpr row<consuming> of_consumer[] = {
    {fetching, "records-consumed-total", kind::total, "Records fetched.", [](const consuming& c) { return plain(c.records); }},
    {fetching, "bytes-consumed-total", kind::total, "Bytes of record batches fetched.", [](const consuming& c) { return plain(c.bytes); }},
    {fetching, "fetch-total", kind::total, "Fetch requests.", [](const consuming& c) { return plain(c.fetches); }},
    {fetching, "fetch-latency-avg", kind::average, "Milliseconds until a Fetch request was answered.", [](const consuming& c) { return average(c.fetch_ms); }},
    {fetching, "fetch-latency-max", kind::gauge, "The longest of these.", [](const consuming& c) { return largest(c.fetch_ms); }},
    {fetching, "fetch-size-avg", kind::average, "Bytes of record batches in an answer.", [](const consuming& c) { return average(c.fetch_bytes); }},
    {fetching, "fetch-size-max", kind::gauge, "The most of these.", [](const consuming& c) { return largest(c.fetch_bytes); }},
    {fetching, "records-per-request-avg", kind::average, "Records of an answer.", [](const consuming& c) { return part(c.records, c.fetches); }},
    {fetching, "records-lag-max", kind::gauge, "Records that the partition furthest behind is behind.", [](const consuming& c) { return plain(c.lag_max); }},
    {coordinating, "commit-total", kind::total, "Offset commits that succeeded.", [](const consuming& c) { return plain(c.commits); }},
    {coordinating, "failed-commit-total", kind::total, "Offset commits that failed.", [](const consuming& c) { return plain(c.commit_failures); }},
    {coordinating, "commit-latency-avg", kind::average, "Milliseconds until a commit was answered.", [](const consuming& c) { return average(c.commit_ms); }},
    {coordinating, "commit-latency-max", kind::gauge, "The longest of these.", [](const consuming& c) { return largest(c.commit_ms); }},
    {coordinating, "rebalance-total", kind::total, "Times the group gave or took partitions.", [](const consuming& c) { return plain(c.rebalances); }},
    {coordinating, "heartbeat-total", kind::total, "Heartbeats sent.", [](const consuming& c) { return plain(c.heartbeats); }},
    {coordinating, "assigned-partitions", kind::gauge, "Partitions assigned.", [](const consuming& c) { return plain(c.assigned); }},
    {"consumer-metrics", "buffer-total-bytes", kind::gauge, "How many bytes may wait to be read.", [](const consuming& c) { return plain(c.buffer_bytes); }},
    {"consumer-metrics", "buffer-available-bytes", kind::gauge, "What is free of them.",
     [](const consuming& c) { return plain(c.buffer_bytes - std::min(c.buffer_bytes, c.buffered_bytes)); }},
};

using sharing = share_consumer_metrics;
constexpr std::string_view share_fetching = "consumer-share-fetch-manager-metrics";
constexpr std::string_view share_coordinating = "consumer-share-coordinator-metrics";
constexpr row<sharing> of_share_consumer[] = {
    {share_fetching, "records-consumed-total", kind::total, "Records acquired.", [](const sharing& s) { return plain(s.records); }},
    {share_fetching, "bytes-consumed-total", kind::total, "Bytes of record batches fetched.", [](const sharing& s) { return plain(s.bytes); }},
    {share_fetching, "fetch-total", kind::total, "ShareFetch requests.", [](const sharing& s) { return plain(s.fetches); }},
    {share_fetching, "fetch-latency-avg", kind::average, "Milliseconds until a ShareFetch request was answered.", [](const sharing& s) { return average(s.fetch_ms); }},
    {share_fetching, "fetch-latency-max", kind::gauge, "The longest of these.", [](const sharing& s) { return largest(s.fetch_ms); }},
    {share_fetching, "fetch-size-avg", kind::average, "Bytes of record batches in an answer.", [](const sharing& s) { return average(s.fetch_bytes); }},
    {share_fetching, "fetch-size-max", kind::gauge, "The most of these.", [](const sharing& s) { return largest(s.fetch_bytes); }},
    {share_fetching, "records-per-request-avg", kind::average, "Records acquired by an answer.", [](const sharing& s) { return part(s.records, s.fetches); }},
    {share_fetching, "acknowledgements-send-total", kind::total, "Verdicts sent, each about a record.", [](const sharing& s) { return plain(s.sent); }},
    {share_fetching, "acknowledgements-error-total", kind::total, "Verdicts that do not count: refused, too late, or their session is gone.", [](const sharing& s) { return plain(s.failed); }},
    {share_fetching, "records-accepted-total", kind::total, "Records that brokers know to be done with.", [](const sharing& s) { return plain(s.accepted); }},
    {share_fetching, "records-released-total", kind::total, "Records given back.", [](const sharing& s) { return plain(s.released); }},
    {share_fetching, "records-rejected-total", kind::total, "Records that nobody is to get again.", [](const sharing& s) { return plain(s.rejected); }},
    {share_fetching, "records-renewed-total", kind::total, "Times that a record was kept for longer.", [](const sharing& s) { return plain(s.renewed); }},
    {share_fetching, "records-expired-total", kind::total, "Records whose time was up with no verdict told.", [](const sharing& s) { return plain(s.expired); }},
    {share_fetching, "session-creation-total", kind::total, "Share sessions begun.", [](const sharing& s) { return plain(s.sessions); }},
    {share_coordinating, "rebalance-total", kind::total, "Times the group gave or took partitions.", [](const sharing& s) { return plain(s.rebalances); }},
    {share_coordinating, "heartbeat-total", kind::total, "Heartbeats sent.", [](const sharing& s) { return plain(s.heartbeats); }},
    {share_coordinating, "assigned-partitions", kind::gauge, "Partitions assigned.", [](const sharing& s) { return plain(s.assigned); }},
};

template <class Of, std::size_t N>
void add(std::vector<sample>& to, const row<Of> (&rows)[N], const Of& from, std::string_view group, const metrics::labels& where, const metrics::labels& resource) {
    for (const auto& each : rows) {
        const auto got = each.read(from);
        to.push_back({group.empty() ? each.group : group, each.name, each.help, each.kind, got.value, got.weight, where, resource});
    }
}

}  // namespace

std::vector<sample> samples_of(const client_metrics& all) {
    std::vector<sample> found;
    if (!all.producers.empty()) add(found, of_client, all, producer, {}, {});
    if (!all.consumers.empty()) add(found, of_client, all, "consumer-metrics", {}, {});
    if (!all.share_consumers.empty()) add(found, of_client, all, "consumer-share-metrics", {}, {});
    if (all.producers.empty() && all.consumers.empty() && all.share_consumers.empty()) add(found, of_client, all, "admin-client-metrics", {}, {});
    for (const auto& each : all.producers) {
        metrics::labels resource;
        if (!each.transactional_id.empty()) resource.emplace_back("transactional_id", each.transactional_id);
        add(found, of_producer, each, {}, {{"producer", std::to_string(each.number)}}, resource);
    }
    for (const auto& each : all.consumers) {
        metrics::labels resource;
        if (!each.group_id.empty()) resource.emplace_back("group_id", each.group_id);
        if (!each.group_instance_id.empty()) resource.emplace_back("group_instance_id", each.group_instance_id);
        add(found, of_consumer, each, {}, {{"consumer", std::to_string(each.number)}}, resource);
    }
    for (const auto& each : all.share_consumers) add(found, of_share_consumer, each, {}, {{"share_consumer", std::to_string(each.number)}}, {{"group_id", each.group_id}});
    return found;
}

std::vector<sample> samples_of(const std::vector<client_counters::reading>& read) {
    std::vector<sample> found;
    for (const auto& [of, value] : read) {
        found.push_back({{}, of->name, {}, of->kind == application_metric::kind_of::total ? kind::total : kind::gauge, value, 1, of->labels, {}});
    }
    return found;
}

std::string telemetry_name(std::string_view group, std::string_view name) {
    if (group.empty()) return std::string{name};
    constexpr std::string_view suffix = "-metrics";
    if (group.ends_with(suffix)) group.remove_suffix(suffix.size());
    auto made = std::string{"org.apache.kafka."}.append(group).append(".").append(name);
    std::replace(made.begin(), made.end(), '-', '.');
    return made;
}

}  // namespace weir::detail
