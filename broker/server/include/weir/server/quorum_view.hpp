// What DescribeQuorum tells of the metadata quorum; app asks raft.
#pragma once
#include <weir/base/task.hpp>
#include <weir/protocol/messages/describe_quorum.hpp>

#include <vector>

namespace weir::server {

class quorum_view {
public:
    struct description {
        protocol::describe_quorum_response::partition_data partition;
        std::vector<protocol::describe_quorum_response::node> nodes;
    };
    virtual ~quorum_view() = default;
    /// Called and completes on `here`.
    virtual task<description> describe(event_loop& here) = 0;
};

}  // namespace weir::server
