#include "snapshot.hpp"

#include <tuple>

namespace weir::detail {
namespace {

constexpr double microseconds_to_ms = 0.001;

distribution spread(const metrics::histogram& of, double scale) {
    return {of.count(), static_cast<double>(of.sum()) * scale, of.quantile(0.5) * scale, of.quantile(0.99) * scale, of.quantile(1) * scale};
}

connection_metrics read(const net::traffic& of) {
    connection_metrics now;
    now.closed = of.closed.value();  // first: what closes meanwhile was opened before
    now.opened = of.opened.value();
    now.open = now.opened - now.closed;
    now.failed = of.failed.value();
    now.authentication_failures = of.authentication_failures.value();
    now.answers = of.answers.value();
    now.requests = of.requests.value();
    now.bytes_out = of.bytes_out.value();
    now.bytes_in = of.bytes_in.value();
    now.latency_ms = spread(of.latency, microseconds_to_ms);
    return now;
}

producer_metrics read(producer_counters& of) {
    producer_metrics now;
    now.number = of.number;
    now.transactional_id = of.transactional_id;
    now.records = of.records.value();
    now.batches = of.batches.value();
    now.bytes = of.bytes.value();
    now.uncompressed_bytes = of.plain_bytes.value();
    now.requests = of.requests.value();
    now.retried = of.retried.value();
    now.failed = of.failed.value();
    now.batch_bytes = spread(of.batch_bytes, 1);
    now.queue_ms = spread(of.queue_time, microseconds_to_ms);
    now.latency_ms = spread(of.latency, microseconds_to_ms);
    now.queued_bytes = of.queued_bytes ? of.queued_bytes() : 0;
    now.buffer_bytes = of.buffer_bytes;
    return now;
}

consumer_metrics read(consumer_counters& of) {
    consumer_metrics now;
    now.number = of.number;
    now.group_id = of.group_id;
    now.group_instance_id = of.group_instance_id;
    now.records = of.records.value();
    now.bytes = of.bytes.value();
    now.fetches = of.fetches.value();
    now.fetch_ms = spread(of.fetch_latency, microseconds_to_ms);
    now.fetch_bytes = spread(of.fetch_bytes, 1);
    now.commit_ms = spread(of.commit_latency, microseconds_to_ms);
    now.commits = of.commits.value();
    now.commit_failures = of.commit_failures.value();
    now.rebalances = of.rebalances.value();
    now.heartbeats = of.heartbeats.value();
    if (of.assigned) std::tie(now.assigned, now.lag_max) = of.assigned();
    now.buffered_bytes = of.buffered_bytes ? of.buffered_bytes() : 0;
    now.buffer_bytes = of.buffer_bytes;
    return now;
}

share_consumer_metrics read(share_counters& of) {
    share_consumer_metrics now;
    now.number = of.number;
    now.group_id = of.group_id;
    now.records = of.records.value();
    now.bytes = of.bytes.value();
    now.fetches = of.fetches.value();
    now.fetch_ms = spread(of.fetch_latency, microseconds_to_ms);
    now.fetch_bytes = spread(of.fetch_bytes, 1);
    now.accepted = of.accepted.value();
    now.released = of.released.value();
    now.rejected = of.rejected.value();
    now.renewed = of.renewed.value();
    now.failed = of.failed.value();
    now.sent = of.verdicts.value();  // behind what became of them
    now.expired = of.expired.value();
    now.sessions = of.sessions.value();
    now.rebalances = of.rebalances.value();
    now.heartbeats = of.heartbeats.value();
    now.assigned = of.assigned.load(std::memory_order_relaxed);
    return now;
}

}  // namespace

client_metrics snapshot(const client_counters& of, client_counters::which ones, const std::string& client_id, time_point now) {
    client_metrics all;
    all.client_id = client_id;
    all.connections = read(of.traffic);
    const auto age = of.metadata_age(now);
    if (age >= nanoseconds{0}) all.metadata_age = std::chrono::duration_cast<milliseconds>(age);
    all.metadata_refreshes = of.metadata_refreshes.value();
    all.metadata_failures = of.metadata_failures.value();
    for (const auto& each : of.producers(ones)) all.producers.push_back(read(*each));
    for (const auto& each : of.consumers(ones)) all.consumers.push_back(read(*each));
    for (const auto& each : of.share_consumers(ones)) all.share_consumers.push_back(read(*each));
    return all;
}

}  // namespace weir::detail
