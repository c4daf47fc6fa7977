#include <weir/base/properties.hpp>

#include <fmt/format.h>

#include <cstdint>
#include <optional>

namespace weir {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\f'; }

void append_utf8(std::string& to, std::uint32_t point) {
    const auto put = [&](std::uint32_t octet) { to.push_back(static_cast<char>(octet)); };
    if (point < 0x80) {
        put(point);
    } else if (point < 0x800) {
        put(0xc0 | point >> 6);
        put(0x80 | (point & 0x3f));
    } else if (point < 0x10000) {
        put(0xe0 | point >> 12);
        put(0x80 | (point >> 6 & 0x3f));
        put(0x80 | (point & 0x3f));
    } else {
        put(0xf0 | point >> 18);
        put(0x80 | (point >> 12 & 0x3f));
        put(0x80 | (point >> 6 & 0x3f));
        put(0x80 | (point & 0x3f));
    }
}

std::optional<std::uint32_t> read_hex4(std::string_view text) {
    if (text.size() < 4) return std::nullopt;
    std::uint32_t value = 0;
    for (const char c : text.substr(0, 4)) {
        value <<= 4;
        if (c >= '0' && c <= '9') value |= static_cast<std::uint32_t>(c - '0');
        else if (c >= 'a' && c <= 'f') value |= static_cast<std::uint32_t>(c - 'a' + 10);
        else if (c >= 'A' && c <= 'F') value |= static_cast<std::uint32_t>(c - 'A' + 10);
        else return std::nullopt;
    }
    return value;
}

// Joins lines that end in an odd number of backslashes; drops comments and blank lines.
class logical_lines {
public:
    explicit logical_lines(std::string_view text) : rest_(text) {}

    bool next(std::string& line, int& number) {
        line.clear();
        bool continued = false;
        std::string_view natural;
        while (take(natural)) {
            while (!natural.empty() && is_space(natural.front())) natural.remove_prefix(1);
            if (!continued) {
                if (natural.empty() || natural.front() == '#' || natural.front() == '!') continue;
                number = number_;
            }
            std::size_t backslashes = 0;
            while (backslashes < natural.size() && natural[natural.size() - 1 - backslashes] == '\\') ++backslashes;
            continued = backslashes % 2 == 1;
            line += continued ? natural.substr(0, natural.size() - 1) : natural;
            if (!continued) return true;
        }
        return continued;  // the text ends in a backslash: what there is counts
    }

private:
    bool take(std::string_view& natural) {
        if (rest_.empty()) return false;
        const auto end = rest_.find_first_of("\r\n");
        natural = rest_.substr(0, end);
        const bool crlf = end != std::string_view::npos && rest_.substr(end, 2) == "\r\n";
        rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + (crlf ? 2 : 1));
        ++number_;
        return true;
    }

    std::string_view rest_;
    int number_ = 0;
};

result<std::string> unescaped(std::string_view text, int line) {
    std::string plain;
    plain.reserve(text.size());
    std::uint32_t high_half = 0;  // of a surrogate pair
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\' || i + 1 == text.size()) {
            plain.push_back(text[i]);
            continue;
        }
        switch (const char c = text[++i]) {
            case 't': plain.push_back('\t'); break;
            case 'n': plain.push_back('\n'); break;
            case 'r': plain.push_back('\r'); break;
            case 'f': plain.push_back('\f'); break;
            case 'u': {
                const auto unit = read_hex4(text.substr(i + 1));
                if (!unit) return error{errc::malformed, fmt::format("line {}: \\u needs four hexadecimal digits", line)};
                i += 4;
                if (*unit >= 0xd800 && *unit < 0xdc00 && text.substr(i + 1, 2) == "\\u") {
                    high_half = *unit;
                } else if (high_half != 0 && *unit >= 0xdc00 && *unit < 0xe000) {
                    append_utf8(plain, 0x10000 + ((high_half - 0xd800) << 10) + (*unit - 0xdc00));
                    high_half = 0;
                } else {
                    high_half = 0;
                    append_utf8(plain, *unit >= 0xd800 && *unit < 0xe000 ? 0xfffd : *unit);
                }
                break;
            }
            default: plain.push_back(c);
        }
    }
    return plain;
}

void append_escaped(std::string& to, std::string_view text, bool is_name) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        switch (c) {
            case '\t': to += "\\t"; break;
            case '\n': to += "\\n"; break;
            case '\r': to += "\\r"; break;
            case '\f': to += "\\f"; break;
            case '\\':
            case '=':
            case ':':
            case '#':
            case '!':
                to.push_back('\\');
                to.push_back(c);
                break;
            case ' ':
                if (is_name || i == 0) to.push_back('\\');
                to.push_back(c);
                break;
            default:
                if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) to += fmt::format("\\u{:04X}", c);
                else to.push_back(c);
        }
    }
}

}  // namespace

result<std::vector<property>> parse_properties(std::string_view text) {
    std::vector<property> entries;
    logical_lines lines{text};
    std::string line;
    for (int number = 0; lines.next(line, number);) {
        std::size_t end = 0;
        while (end < line.size() && !is_space(line[end]) && line[end] != '=' && line[end] != ':') {
            end += line[end] == '\\' && end + 1 < line.size() ? 2 : 1;
        }
        auto value_at = end;
        while (value_at < line.size() && is_space(line[value_at])) ++value_at;
        if (value_at < line.size() && (line[value_at] == '=' || line[value_at] == ':')) ++value_at;
        while (value_at < line.size() && is_space(line[value_at])) ++value_at;
        auto name = unescaped(std::string_view{line}.substr(0, end), number);
        if (!name) return name.error();
        auto value = unescaped(std::string_view{line}.substr(value_at), number);
        if (!value) return value.error();
        entries.push_back({std::move(*name), std::move(*value), number});
    }
    return entries;
}

std::string print_properties(std::span<const property> entries) {
    std::string text;
    for (const auto& entry : entries) {
        append_escaped(text, entry.name, true);
        text.push_back('=');
        append_escaped(text, entry.value, false);
        text.push_back('\n');
    }
    return text;
}

}  // namespace weir
