#include "base64.hpp"

#include <array>
#include <cstdint>

namespace weir::detail {
namespace {

constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr auto values = [] {
    std::array<std::int8_t, 256> made{};
    made.fill(-1);
    for (std::size_t i = 0; i < letters.size(); ++i) made[static_cast<unsigned char>(letters[i])] = static_cast<std::int8_t>(i);
    return made;
}();

}  // namespace

std::string to_base64(bytes_view data) {
    std::string text;
    text.reserve((data.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < data.size(); i += 3) {
        const auto octet = [&](std::size_t at) { return at < data.size() ? std::to_integer<std::uint32_t>(data[at]) : 0u; };
        const auto group = octet(i) << 16 | octet(i + 1) << 8 | octet(i + 2);
        text += letters[group >> 18];
        text += letters[group >> 12 & 63];
        text += i + 1 < data.size() ? letters[group >> 6 & 63] : '=';
        text += i + 2 < data.size() ? letters[group & 63] : '=';
    }
    return text;
}

std::optional<bytes> from_base64(std::string_view text) {
    if (text.size() % 4 != 0) return std::nullopt;
    const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
    bytes data;
    data.reserve(text.size() / 4 * 3);
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < text.size() - padding; ++i) {
        const auto value = values[static_cast<unsigned char>(text[i])];
        if (value < 0) return std::nullopt;
        group = group << 6 | static_cast<std::uint32_t>(value);
        if (i % 4 > 0) data.push_back(static_cast<std::byte>(group >> (6 - 2 * (i % 4)) & 255));
    }
    const auto spare = padding == 2 ? 15u : padding == 1 ? 3u : 0u;
    if (group & spare) return std::nullopt;
    return data;
}

}  // namespace weir::detail
