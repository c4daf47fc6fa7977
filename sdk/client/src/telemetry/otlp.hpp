// OpenTelemetry's metrics in the protocol buffers form, as far as numbers need it (opentelemetry-proto 1.x, metrics.proto).
#pragma once
#include <weir/base/bytes.hpp>
#include <weir/base/metrics.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace weir::detail {

enum class temporality : std::uint8_t { delta = 1, cumulative = 2 };  ///< the numbers are the format's

struct otlp_point {
    std::string name;
    bool sum = false;            ///< a monotonic sum; a gauge otherwise
    double value = 0;
    metrics::labels where;
    metrics::labels resource;    ///< points of one resource are best kept together
    std::int64_t since_ms = 0;   ///< of a sum: the beginning of what it counts
};

/// A MetricsData message. `now_ms` is when the points were read.
bytes encode_otlp(const std::vector<otlp_point>& points, temporality of_sums, std::int64_t now_ms);

}  // namespace weir::detail
