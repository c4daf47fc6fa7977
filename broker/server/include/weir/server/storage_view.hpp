// What DescribeLogDirs and AlterReplicaLogDirs need of the log directories; app asks storage.
#pragma once
#include <weir/base/error.hpp>
#include <weir/base/task.hpp>
#include <weir/replica/partition.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace weir::server {

class storage_view {
public:
    struct directory {
        std::string path;
        errc code = errc::none;          ///< kafka_storage_error when it has failed
        std::int64_t total_bytes = -1;
        std::int64_t usable_bytes = -1;
        bool cordoned = false;           ///< takes no new partitions
    };
    virtual ~storage_view() = default;
    /// Any thread.
    virtual std::vector<directory> directories() const = 0;
};

}  // namespace weir::server
