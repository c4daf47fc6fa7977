// The counters of a client at one moment.
#pragma once
#include "counters.hpp"

#include <weir/client_metrics.hpp>

namespace weir::detail {

/// Any thread.
client_metrics snapshot(const client_counters& of, client_counters::which ones, const std::string& client_id, time_point now);

}  // namespace weir::detail
