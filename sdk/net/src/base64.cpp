#include "base64.hpp"

namespace weir::net {
namespace {
constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int value_of(char digit) noexcept {
    if (digit == '-') return 62;
    if (digit == '_') return 63;
    const auto at = alphabet.find(digit);
    return at == std::string_view::npos ? -1 : static_cast<int>(at);
}
}  // namespace

std::string to_base64(bytes_view content) {
    std::string text;
    for (std::size_t i = 0; i < content.size(); i += 3) {
        std::uint32_t group = 0;
        for (std::size_t k = 0; k < 3; ++k) group = group << 8 | (i + k < content.size() ? static_cast<std::uint32_t>(content[i + k]) : 0);
        for (std::size_t k = 0; k < 4; ++k) text.push_back(i + k <= content.size() ? alphabet[group >> (18 - 6 * k) & 63] : '=');
    }
    return text;
}

std::optional<bytes> from_base64(std::string_view text) {
    for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
    if (text.size() % 4 == 1) return std::nullopt;
    bytes content;
    std::uint32_t held = 0;
    int bits = 0;
    for (const char digit : text) {
        const auto value = value_of(digit);
        if (value < 0) return std::nullopt;
        held = held << 6 | static_cast<std::uint32_t>(value);
        bits += 6;
        if (bits < 8) continue;
        bits -= 8;
        content.push_back(static_cast<std::byte>(held >> bits & 0xff));
    }
    return content;
}

}  // namespace weir::net
