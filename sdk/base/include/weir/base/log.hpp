// Log lines: structured text to one sink that the program chooses. Libraries are silent until it does.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::log {

enum class level : std::uint8_t { trace, debug, info, warn, error, fatal, off };
std::string_view to_string(level severity) noexcept;

namespace detail {
struct logger_entry;
}

/// A named logger; make one per file as a static: `static log::logger logs{"weir.storage"};`. Names are dotted, and a
/// level set for "weir.storage" holds for "weir.storage.recovery" unless that has its own. Thread-safe.
class logger {
public:
    explicit logger(std::string_view name);
    bool enabled(level severity) const noexcept;
    void write(level severity, std::string_view message) const;
    void debug(std::string_view message) const { write(level::debug, message); }
    void info(std::string_view message) const { write(level::info, message); }
    void warn(std::string_view message) const { write(level::warn, message); }
    void error(std::string_view message) const { write(level::error, message); }

private:
    detail::logger_entry* entry_;  // lives for the whole process
};

/// Where lines go. Called with the lock of no logger held, from any thread, one line at a time;
/// a sink does not log.
using sink = std::function<void(level severity, std::string_view logger, std::string_view message)>;
void set_sink(sink where);
/// Sets the level of `name` and of everything below it that has no level of its own; "root" is all. level::off
/// silences.
void set_level(std::string_view name, level severity);
/// Back to what the parent says; false when `name` had no level of its own.
bool clear_level(std::string_view name);
struct logger_level { std::string name; level severity; };
/// Every logger that exists, with the level in force, sorted by name; "root" first.
std::vector<logger_level> levels();

}  // namespace weir::log
