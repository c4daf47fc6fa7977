// The topics that Kafka's coordinators keep their state in.
#pragma once
#include <string_view>

namespace weir::protocol {

inline constexpr std::string_view group_offsets_topic = "__consumer_offsets";
inline constexpr std::string_view transaction_state_topic = "__transaction_state";
inline constexpr std::string_view share_state_topic = "__share_group_state";

/// A name that merely begins with "__" is anybody's.
constexpr bool is_internal_topic(std::string_view name) noexcept {
    return name == group_offsets_topic || name == transaction_state_topic || name == share_state_topic;
}

}  // namespace weir::protocol
