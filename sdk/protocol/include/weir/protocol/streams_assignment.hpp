// The assignment that the classic Streams assignor sends each member, inside the user data of the consumer protocol.
#pragma once
#include <weir/base/bytes.hpp>
#include <weir/base/error.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace weir::protocol {

struct streams_assignment_info {
    static constexpr std::int32_t min_version = 1;
    static constexpr std::int32_t max_version = 11;

    struct task_id {
        std::int32_t subtopology = 0;
        std::int32_t partition = 0;
        std::u16string named_topology;  ///< from version 10; empty for none
        bool operator==(const task_id&) const = default;
    };
    struct topic_partition {
        std::string topic;
        std::int32_t partition = 0;
        bool operator==(const topic_partition&) const = default;
    };
    struct standby_task {
        task_id task;
        std::vector<topic_partition> partitions;
        bool operator==(const standby_task&) const = default;
    };
    struct host_partitions {
        std::string host;
        std::int32_t port = 0;
        std::vector<topic_partition> partitions;
        bool operator==(const host_partitions&) const = default;
    };
    struct dictionary_entry {
        std::int32_t index = 0;
        std::string topic;
        bool operator==(const dictionary_entry&) const = default;
    };

    std::int32_t version = max_version;
    std::int32_t commonly_supported_version = -1;  ///< from version 3
    std::vector<task_id> active;                   ///< one for each assigned partition, in their order
    std::vector<standby_task> standby;
    std::vector<host_partitions> by_host;                  ///< from version 2
    std::vector<host_partitions> standby_by_host;          ///< from version 6
    std::int32_t error_code = 0;                           ///< from version 4
    std::int64_t next_rebalance_ms = 9223372036854775807;  ///< from version 7; the default stands for none
    /// From version 5: how topics are numbered in the bytes. Kept so that what was read can be written again; a writer
    /// numbers the topics that are missing here behind the others.
    std::vector<dictionary_entry> dictionary;
    bool operator==(const streams_assignment_info&) const = default;
};

/// errc::malformed, or errc::unsupported_version for a version outside 1 to 11.
result<streams_assignment_info> decode_streams_assignment(bytes_view input);
/// In the version that `info` names.
result<bytes> encode_streams_assignment(const streams_assignment_info& info);

}  // namespace weir::protocol
