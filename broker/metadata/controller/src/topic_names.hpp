// Which names a topic may have (KIP-6 and later).
#pragma once
#include <weir/base/error.hpp>

#include <string>
#include <string_view>

namespace weir::metadata {

/// errc::invalid_topic says the rule that is broken.
result<void> validate_topic_name(std::string_view name);
/// '.' and '_' become the same character in metric names, so topics that differ in them alone collide.
bool may_collide(std::string_view name) noexcept;
std::string unify_colliding(std::string_view name);

}  // namespace weir::metadata
