// The small files beside a log: indexes, and the snapshot of its producers.
#pragma once
#include "log_dump.hpp"

namespace weir::tools {

struct index_dump_settings {
    bool sanity_only = false;  ///< only what a broker checks when it starts
    bool verify_only = false;  ///< compare with the log, print nothing
    std::uint64_t max_batch_bytes = 5u << 20;  ///< a larger batch is not found
};

/// `.index`: compared with the log beside it, whose batch at each position has to end with the indexed offset.
result<void> dump_offset_index(file_system& files, const std::string& path, const index_dump_settings& how, output& out, findings& wrong);
/// `.timeindex`: likewise; each timestamp has to be the largest of its batch, and larger than the one before.
result<void> dump_time_index(file_system& files, const std::string& path, const index_dump_settings& how, output& out, findings& wrong);
/// `.txnindex`: the aborted transactions.
result<void> dump_transaction_index(file_system& files, const std::string& path, output& out);
/// `.snapshot`: what the log knows of its producers.
result<void> dump_producer_snapshot(file_system& files, const std::string& path, output& out);

}  // namespace weir::tools
