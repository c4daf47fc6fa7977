// What one core counts. Cores count for themselves; the registry adds them up when it is read.
#pragma once
#include <weir/base/function.hpp>
#include <weir/base/metrics.hpp>
#include <weir/base/time.hpp>
#include <weir/protocol/api_key.hpp>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace weir::server {

/// Traffic, of one topic or of all.
struct traffic_counters {
    traffic_counters(metrics::registry& registry, const metrics::labels& where);
    std::shared_ptr<metrics::counter> bytes_in, bytes_out, messages_in, bytes_rejected, produce_requests, fetch_requests, failed_produce,
        failed_fetch, corrupt, out_of_sequence, keyless;
};

/// Connections of one listener.
struct listener_counters {
    listener_counters(metrics::registry& registry, const std::string& name);
    std::shared_ptr<metrics::gauge> open;
    std::shared_ptr<metrics::counter> opened, closed, requests, responses, bytes_in, bytes_out;
};

/// When what happened to a request.
struct request_times {
    time_point read;        ///< the last byte of it came
    time_point begun;       ///< earlier ones let it begin
    time_point first_wait;  ///< its handler waited for the first time, or was done
    time_point decided;     ///< the answer was there
    time_point sending;     ///< earlier answers let it go
};

class core_metrics {
public:
    explicit core_metrics(metrics::registry& registry);
    ~core_metrics();

    /// Of all topics, those that do not exist included.
    traffic_counters& all_topics() noexcept { return all_; }
    /// Of one that exists; made on first use.
    traffic_counters& topic(std::string_view name);
    /// Topics that are gone leave the page.
    void keep_topics(function<bool(const std::string&)> exists);
    metrics::gauge& parked_fetches() noexcept { return parked_fetches_; }
    metrics::counter& refused_requests() noexcept { return *refused_; }
    metrics::counter& idle_connections_closed() noexcept { return *idle_closed_; }
    listener_counters& listener(const std::string& name);
    /// One connection of this client software, for as long as somebody keeps it.
    std::shared_ptr<metrics::gauge> software(const std::string& listener, const std::string& name, const std::string& version);
    /// The answer to a request of `bytes` has left at `sent`.
    void served(protocol::api_key api, std::int16_t version, std::uint64_t bytes, const request_times& times, time_point sent);

    /// An answer holds this error, or NONE, so many times.
    void answered_with(protocol::api_key api, std::int16_t error_code, std::uint64_t times);

private:
    struct per_api;
    per_api& of(protocol::api_key api);

    metrics::registry& registry_;
    traffic_counters all_;
    struct text_hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
    };
    std::unordered_map<std::string, traffic_counters, text_hash, std::equal_to<>> topics_;
    std::shared_ptr<metrics::counter> refused_, idle_closed_;
    metrics::gauge parked_fetches_;  // shown by whoever looks at the cores
    std::map<std::string, listener_counters> listeners_;
    std::vector<std::unique_ptr<per_api>> apis_;  // by key, made on first use
};

}  // namespace weir::server
