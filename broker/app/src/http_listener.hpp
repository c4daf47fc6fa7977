// /metrics and /health for those who watch the broker.
#pragma once
#include <weir/base/metrics.hpp>
#include <weir/base/network.hpp>
#include <weir/base/task.hpp>

#include <memory>
#include <string>
#include <vector>

namespace weir::broker {

/// A small HTTP/1.1 server on the first core's loop: GET and HEAD of /metrics (Prometheus text 0.0.4) and /health. One
/// request at a time per connection; requests above 8 KiB and connections idle for 30 s are ended.
class http_listener {
public:
    /// `troubles` tells line by line what keeps the broker from doing its work: /health is 200 when nothing does, or 503.
    /// `refresh` runs before the metrics are printed.
    http_listener(event_loop& loop, network& net, const metrics::registry& registry, function<std::vector<std::string>()> troubles, function<task<void>()> refresh);
    ~http_listener();
    result<void> open(const endpoint& on);
    /// Where it listens; port 0 was replaced by the real one.
    const endpoint& local() const noexcept;
    void close() noexcept;

private:
    struct state;
    std::shared_ptr<state> state_;
};

}  // namespace weir::broker
