// What administrators ask of groups.
#pragma once
#include "shard_state.hpp"

namespace weir::group {

decision<std::vector<protocol::delete_groups_response::deletable_group_result>> delete_groups(
    shard_state&, std::span<const std::string> ids);
std::vector<protocol::list_groups_response::listed_group> list_groups(const shard_state&,
                                                                      const protocol::list_groups_request&);
std::vector<protocol::describe_groups_response::described_group> describe_groups(const shard_state&,
                                                                                 std::span<const std::string> ids,
                                                                                 std::int16_t api_version);

}  // namespace weir::group
