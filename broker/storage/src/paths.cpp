#include "paths.hpp"

#include <charconv>

namespace weir::storage {

std::string offset_path(std::string_view directory, std::int64_t offset, std::string_view kind) {
    char digits[20];
    for (int at = 19; at >= 0; --at, offset /= 10) digits[at] = static_cast<char>('0' + offset % 10);
    std::string path;
    path.reserve(directory.size() + 21 + kind.size());
    path.append(directory).append(1, '/').append(digits, 20).append(kind);
    return path;
}

std::optional<offset_name> parse_offset_name(std::string_view name) noexcept {
    if (name.size() <= 20 || name[20] != '.') return std::nullopt;
    offset_name parsed;
    const auto [end, failure] = std::from_chars(name.data(), name.data() + 20, parsed.offset);
    if (failure != std::errc{} || end != name.data() + 20 || parsed.offset < 0) return std::nullopt;
    parsed.kind = name.substr(20);
    return parsed;
}

}  // namespace weir::storage
