// What one core counts. Cores count for themselves; the registry adds them up when it is read.
#pragma once
#include <weir/base/metrics.hpp>
#include <weir/base/time.hpp>
#include <weir/protocol/api_key.hpp>

#include <memory>
#include <vector>

namespace weir::server {

class core_metrics {
public:
    explicit core_metrics(metrics::registry& registry);
    ~core_metrics();

    metrics::counter& bytes_in() noexcept { return *bytes_in_; }
    metrics::counter& bytes_out() noexcept { return *bytes_out_; }
    metrics::counter& messages_in() noexcept { return *messages_in_; }
    metrics::counter& bytes_rejected() noexcept { return *bytes_rejected_; }
    metrics::counter& produce_requests() noexcept { return *produce_requests_; }
    metrics::counter& fetch_requests() noexcept { return *fetch_requests_; }
    metrics::counter& failed_produce() noexcept { return *failed_produce_; }
    metrics::counter& failed_fetch() noexcept { return *failed_fetch_; }
    metrics::counter& refused_requests() noexcept { return *refused_; }
    metrics::counter& idle_connections_closed() noexcept { return *idle_closed_; }
    metrics::gauge& connections() noexcept { return *connections_; }
    /// One request of this API took `time` from its first byte read to its answer.
    void served(protocol::api_key api, nanoseconds time);

private:
    struct per_api;
    per_api& of(protocol::api_key api);

    metrics::registry& registry_;
    std::shared_ptr<metrics::counter> bytes_in_, bytes_out_, messages_in_, bytes_rejected_, produce_requests_, fetch_requests_,
        failed_produce_, failed_fetch_, refused_, idle_closed_;
    std::shared_ptr<metrics::gauge> connections_;
    std::vector<std::unique_ptr<per_api>> apis_;  // by key, made on first use
};

}  // namespace weir::server
