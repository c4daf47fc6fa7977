// Log lines of the broker program: one line each on standard error.
#pragma once
#include <string>

namespace weir::broker {

/// From now on loggers write to standard error: "2026-01-31T12:00:00.000Z INFO weir.server: ...".
void log_to_console(const std::string& level);
/// What the operator is to see whatever the level.
void print_notice(const std::string& text);
void print_error(const std::string& text);

}  // namespace weir::broker
