#include "stopwatch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <ctime>

namespace weir::tools {

std::string format_time(timestamp_ms when, std::string_view format) {
    const auto seconds = static_cast<std::time_t>(when / 1'000);
    std::tm local{};
    ::localtime_r(&seconds, &local);
    const auto part = [&](char letter) -> int {
        switch (letter) {
            case 'y': return local.tm_year + 1'900;
            case 'M': return local.tm_mon + 1;
            case 'd': return local.tm_mday;
            case 'H': return local.tm_hour;
            case 'm': return local.tm_min;
            case 's': return local.tm_sec;
            case 'S': return static_cast<int>(when % 1'000);
            default: return -1;
        }
    };
    std::string text;
    for (std::size_t at = 0; at < format.size();) {
        const auto letter = format[at];
        if (letter == '\'') {  // to the next one it is text; two of them are one
            const auto end = std::min(format.find('\'', at + 1), format.size());
            text += end == at + 1 ? std::string_view{"'"} : format.substr(at + 1, end - at - 1);
            at = end + 1;
            continue;
        }
        auto end = at;
        while (end < format.size() && format[end] == letter) ++end;
        if (const auto value = part(letter); value >= 0) text += fmt::format("{:0{}}", letter == 'y' && end - at == 2 ? value % 100 : value, end - at);
        else if (std::isalpha(static_cast<unsigned char>(letter))) throw exception{error{errc::invalid_setting, fmt::format("Illegal pattern character '{}'", letter)}};
        else text.append(end - at, letter);
        at = end;
    }
    return text;
}

}  // namespace weir::tools
