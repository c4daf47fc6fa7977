// Log lines of the broker program: one line each on standard error.
#pragma once
#include <string>

namespace weir::broker {

/// text: `2026-01-31T12:00:00.000Z warning weir.server: ...`;
/// json: `{"time":"2026-01-31T12:00:00.000Z","level":"warning","logger":"weir.server","message":"..."}`.
enum class log_format { text, json };

/// From now on loggers write to standard error. Call once, before anything else.
void log_to_console(const std::string& level, log_format format);
/// What the operator is to see whatever the level.
void print_notice(const std::string& text);
void print_error(const std::string& text);

}  // namespace weir::broker
