#include <weir/base/base64.hpp>

#include <array>
#include <cstdint>

namespace weir {
namespace {

constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr auto values = [] {
    std::array<std::int8_t, 256> made{};
    made.fill(-1);
    for (std::size_t i = 0; i < digits.size(); ++i) made[static_cast<unsigned char>(digits[i])] = static_cast<std::int8_t>(i);
    made['-'] = 62;
    made['_'] = 63;
    return made;
}();

}  // namespace

std::string to_base64(bytes_view content) {
    std::string text;
    text.reserve((content.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < content.size(); i += 3) {
        const auto octet = [&](std::size_t at) { return at < content.size() ? std::to_integer<std::uint32_t>(content[at]) : 0u; };
        const auto group = octet(i) << 16 | octet(i + 1) << 8 | octet(i + 2);
        text += digits[group >> 18];
        text += digits[group >> 12 & 63];
        text += i + 1 < content.size() ? digits[group >> 6 & 63] : '=';
        text += i + 2 < content.size() ? digits[group & 63] : '=';
    }
    return text;
}

std::optional<bytes> from_base64(std::string_view text) {
    const bool padded = text.ends_with('=');
    if (padded && text.size() % 4 != 0) return std::nullopt;
    for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
    if (text.size() % 4 == 1) return std::nullopt;
    bytes content;
    content.reserve(text.size() * 3 / 4);
    std::uint32_t held = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto value = values[static_cast<unsigned char>(text[i])];
        if (value < 0) return std::nullopt;
        held = held << 6 | static_cast<std::uint32_t>(value);
        if (i % 4 > 0) content.push_back(static_cast<std::byte>(held >> (6 - 2 * (i % 4)) & 0xff));
    }
    return content;
}

}  // namespace weir
