#include "console_log.hpp"

#include <weir/base/log.hpp>

#include <boost/json/serialize.hpp>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace weir::broker {
namespace {

spdlog::level::level_enum to_spdlog(log::level severity) {
    switch (severity) {
        case log::level::trace: return spdlog::level::trace;
        case log::level::debug: return spdlog::level::debug;
        case log::level::info: return spdlog::level::info;
        case log::level::warn: return spdlog::level::warn;
        case log::level::error: return spdlog::level::err;
        case log::level::fatal: return spdlog::level::critical;
        case log::level::off: break;
    }
    return spdlog::level::off;
}

log::level parse_level(const std::string& text) {
    for (const auto level : {log::level::trace, log::level::debug, log::level::warn, log::level::error})
        if (log::to_string(level) == text) return level;
    return log::level::info;
}

log_format form = log_format::text;

spdlog::logger& console() {
    static const auto logger = [] {
        auto made = spdlog::stderr_logger_mt("weir");
        made->set_level(spdlog::level::trace);  // loggers have decided already
        made->set_pattern(form == log_format::json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})" : "%Y-%m-%dT%H:%M:%S.%eZ %l %v",
                          spdlog::pattern_time_type::utc);
        made->flush_on(spdlog::level::trace);
        return made;
    }();
    return *logger;
}

void print(spdlog::level::level_enum severity, std::string_view logger, std::string_view message) {
    if (form == log_format::json) console().log(severity, R"("logger":{},"message":{})", boost::json::serialize(logger), boost::json::serialize(message));
    else console().log(severity, "{}: {}", logger, message);
}

}  // namespace

void log_to_console(const std::string& level, log_format format) {
    form = format;
    log::set_level("root", parse_level(level));
    log::set_sink([](log::level severity, std::string_view logger, std::string_view message) { print(to_spdlog(severity), logger, message); });
}

void print_notice(const std::string& text) { print(spdlog::level::info, "weir.broker", text); }
void print_error(const std::string& text) { print(spdlog::level::err, "weir.broker", text); }

}  // namespace weir::broker
