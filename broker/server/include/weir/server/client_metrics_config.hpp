// What a client metrics resource of the cluster's metadata says: which clients send which metrics, and how often.
#pragma once
#include <weir/base/setting.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace weir::server {

struct client_metrics_config {
    std::vector<std::string> metrics;
    std::int32_t interval_ms = 300000;
    std::vector<std::string> match;
    static std::span<const setting> settings();
};

}  // namespace weir::server
