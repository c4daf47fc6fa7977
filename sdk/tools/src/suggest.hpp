// What somebody meant who typed a name that does not exist.
#pragma once
#include <span>
#include <string_view>

namespace weir::tools {

/// The name that is nearest to `typed`: at most a third of its letters wrong, missing, too many or swapped, or `typed` is
/// the beginning of one name only. Empty when none is near.
std::string_view nearest(std::string_view typed, std::span<const std::string_view> names);

}  // namespace weir::tools
