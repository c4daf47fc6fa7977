// What --print-metrics of the performance tools prints.
#pragma once
#include "../output.hpp"

#include <weir/client_metrics.hpp>

namespace weir::tools {

/// Every metric of a client, under the names and in the layout of Kafka's tools; as JSON an array of names and values.
void print_metrics(output& out, const weir::client_metrics& of);

}  // namespace weir::tools
