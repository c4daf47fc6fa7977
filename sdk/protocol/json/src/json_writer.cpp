#include <weir/protocol/json_writer.hpp>

#include <weir/base/base64.hpp>

#include <fmt/format.h>

#include <cmath>
#include <iterator>

namespace weir::protocol {

namespace {

// The length of the UTF-8 sequence at the front; 0 when there is none. Overlong forms and surrogates pass.
std::size_t sequence_bytes(std::string_view text) noexcept {
    const auto first = static_cast<std::uint8_t>(text[0]);
    const std::size_t length = first < 0x80 ? 1 : first >> 5 == 6 ? 2 : first >> 4 == 14 ? 3 : first >> 3 == 30 ? 4 : 0;
    if (length == 0 || length > text.size()) return 0;
    for (std::size_t place = 1; place < length; ++place)
        if ((static_cast<std::uint8_t>(text[place]) & 0xc0) != 0x80) return 0;
    return length;
}

void append_escaped(std::string& to, char plain) {
    switch (plain) {
        case '"': to += "\\\""; return;
        case '\\': to += "\\\\"; return;
        case '\n': to += "\\n"; return;
        case '\r': to += "\\r"; return;
        case '\t': to += "\\t"; return;
        default: break;
    }
    if (static_cast<std::uint8_t>(plain) < 0x20)
        fmt::format_to(std::back_inserter(to), "\\u{:04x}", static_cast<int>(plain));
    else
        to += plain;
}

}  // namespace

void json_writer::separate() {
    if (!first_) text_ += ',';
    first_ = false;
}

void json_writer::begin(char bracket) {
    separate();
    text_ += bracket;
    first_ = true;
}

void json_writer::end(char bracket) {
    text_ += bracket;
    first_ = false;
}

void json_writer::key(std::string_view name) {
    separate();
    text_ += '"';
    text_ += name;
    text_ += "\":";
    first_ = true;  // no comma between a key and its value
}

void json_writer::literal(std::string_view text) {
    separate();
    text_ += text;
}

void json_writer::number(std::int64_t value) { literal(fmt::to_string(value)); }

void json_writer::number(double value) {
    if (!std::isfinite(value)) return null();
    auto text = fmt::format("{}", value);
    if (text.find_first_of(".e") == std::string::npos) text += ".0";
    literal(text);
}

void json_writer::string(std::string_view value) {
    separate();
    text_ += '"';
    while (!value.empty()) {
        const auto bytes = sequence_bytes(value);
        if (bytes == 0)
            text_ += "\xef\xbf\xbd";
        else if (bytes == 1)
            append_escaped(text_, value[0]);
        else
            text_ += value.substr(0, bytes);
        value.remove_prefix(std::max<std::size_t>(bytes, 1));
    }
    text_ += '"';
}

void json_writer::base64(bytes_view value) {
    separate();
    text_ += '"' + to_base64(value) + '"';
}

void json_writer::id(const uuid& value) { string(to_string(value)); }

}  // namespace weir::protocol
