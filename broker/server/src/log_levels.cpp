#include "log_levels.hpp"

#include <weir/base/log.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace weir::server {

result<void> change_log_level(const std::string& logger, std::int8_t operation, const std::optional<std::string>& level, bool validate_only) {
    constexpr std::int8_t set = 0;
    constexpr std::int8_t remove = 1;
    static constexpr std::array<std::pair<std::string_view, log::level>, 6> known{{{"TRACE", log::level::trace}, {"DEBUG", log::level::debug},
        {"INFO", log::level::info}, {"WARN", log::level::warn}, {"ERROR", log::level::error}, {"FATAL", log::level::fatal}}};
    const auto existing = log::levels();
    if (std::none_of(existing.begin(), existing.end(), [&](const auto& each) { return each.name == logger; }))
        return error{errc::invalid_config, "there is no logger '" + logger + "'; DescribeConfigs of the broker's loggers lists them"};
    if (operation == remove) {
        if (logger == "root") return error{errc::invalid_request, "the level of the root logger can be set, not removed"};
        if (!validate_only) log::clear_level(logger);
        return {};
    }
    if (operation != set) return error{errc::invalid_request, "log levels can be set or deleted, nothing else"};
    const auto wanted = std::find_if(known.begin(), known.end(), [&](const auto& each) { return level && each.first == *level; });
    if (wanted == known.end())
        return error{errc::invalid_config, "logger '" + logger + "': level '" + level.value_or("") + "' is none of TRACE, DEBUG, INFO, WARN, ERROR, FATAL"};
    if (!validate_only) log::set_level(logger, wanted->second);
    return {};
}

}  // namespace weir::server
