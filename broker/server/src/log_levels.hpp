// Log levels as a config resource (KIP-412).
#pragma once
#include <weir/base/error.hpp>

#include <optional>
#include <string>

namespace weir::server {

/// Checks, and unless `validate_only` sets, the level of one logger. Operations as in IncrementalAlterConfigs: 0 sets,
/// 1 goes back to what the parent says. errc::invalid_config and errc::invalid_request say what is allowed.
result<void> change_log_level(const std::string& logger, std::int8_t operation, const std::optional<std::string>& level, bool validate_only);

}  // namespace weir::server
