// The copy of a partition's log that is on its way to another log directory.
#pragma once
#include <weir/base/event_loop.hpp>
#include <weir/storage/log.hpp>

#include <cstdint>
#include <memory>

namespace weir::replica {

class log_source;

/// Follows one log in steps, on the loop that owns both.
class log_copy {
public:
    log_copy(std::unique_ptr<storage::partition_log> future, log_source& logs)
        : future_(std::move(future)),
          logs_(logs) {}

    /// What the copy holds beyond `current` was lost there and will be written anew, with other content.
    result<void> align(const storage::partition_log& current);
    /// Copies about `budget` bytes of whole batches; true when the copy holds all that `current` does.
    result<bool> step(const storage::partition_log& current, std::uint64_t budget);

    void set_config(const storage::log_config& config) { future_->set_config(config); }
    storage::partition_log& future() noexcept { return *future_; }
    log_source& logs() noexcept { return logs_; }
    std::unique_ptr<storage::partition_log> take() noexcept { return std::move(future_); }

    timer_id next_step = timer_id::none;  ///< of the partition that copies
    std::uint64_t unflushed = 0;          ///< bytes appended since the last flush began
    int flushes = 0;                      ///< since it first caught up

private:
    std::unique_ptr<storage::partition_log> future_;
    log_source& logs_;
};

}  // namespace weir::replica
