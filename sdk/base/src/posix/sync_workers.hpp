// The threads that wait for disks, so that loops need not: one for each device.
#pragma once
#include "sync_worker.hpp"

#include <sys/types.h>

#include <map>
#include <mutex>

namespace weir::detail {

/// Thread-safe.
class sync_workers {
public:
    /// As file_system::sync_all.
    void add(std::vector<file_ptr> files, event_loop& loop, function<void(std::vector<result<void>>)> done);

private:
    sync_worker& worker_of(dev_t device);

    std::mutex mutex_;
    std::map<dev_t, sync_worker> workers_;
};

}  // namespace weir::detail
