// What a partition looks like at one moment, for those who watch the broker.
#pragma once
#include <weir/storage/log.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

namespace weir::replica {

struct partition_figures {
    std::string topic;
    std::int32_t index = 0;
    bool leads = false;
    std::uint64_t bytes = 0;
    std::size_t segments = 0;
    std::int64_t log_start = 0;
    std::int64_t log_end = 0;
    std::int64_t high_watermark = 0;
    std::int64_t last_stable = 0;
    std::int32_t min_in_sync = 1;  ///< min.insync.replicas
    std::size_t producers = 0;
    storage::compaction_figures compaction;
    bool uncleanable = false;      ///< the last attempt at compaction failed
    std::string log_directory;
    std::size_t waiting_writers = 0;  ///< wait until what they wrote is committed
};

}  // namespace weir::replica
