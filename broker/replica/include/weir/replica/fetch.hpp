// Reading from many partitions at once, waiting until there is enough.
#pragma once
#include <weir/base/metrics.hpp>
#include <weir/base/task.hpp>
#include <weir/replica/partition.hpp>

#include <memory>
#include <vector>

namespace weir::replica {

struct fetch_item {
    std::shared_ptr<partition> who;
    read_request request;
    read_answer answer;
};

struct fetch_limits {
    std::uint64_t min_bytes = 1;
    std::uint64_t max_bytes = 0;       ///< soft: the first batch comes whole even when it is larger
    time_point deadline;               ///< answers with what there is
    metrics::gauge* parked = nullptr;  ///< counts the fetch while it waits
};

/// Fills the answers, in the order of the items, until `max_bytes` are found. Waits on `here` for min_bytes, an error or the
/// deadline; partitions without news cost two atomic loads. `items` must stay where it is until the task ends.
task<void> fetch(event_loop& here, std::vector<fetch_item>& items, fetch_limits limits);

}  // namespace weir::replica
