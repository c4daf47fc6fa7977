#include "vectors.hpp"

#include <algorithm>
#include <stdexcept>

namespace weir::golden {

namespace json = boost::json;

namespace {
int digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    throw std::invalid_argument{fmt::format("'{}' is no hexadecimal digit", c)};
}
}  // namespace

bytes from_hex(std::string_view hex) {
    if (hex.size() % 2 != 0) throw std::invalid_argument{"an odd number of hexadecimal digits"};
    bytes out(hex.size() / 2);
    for (std::size_t place = 0; place < out.size(); ++place)
        out[place] = static_cast<std::byte>(digit(hex[2 * place]) << 4 | digit(hex[2 * place + 1]));
    return out;
}

std::string to_hex(bytes_view data) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string out;
    out.reserve(data.size() * 2);
    for (const auto b : data) {
        out += digits[static_cast<unsigned>(b) >> 4];
        out += digits[static_cast<unsigned>(b) & 15];
    }
    return out;
}

void findings::add(std::string what) {
    if (list_.size() < 5) list_.push_back(std::move(what));
}

void findings::expect_bytes(std::string_view what, bytes_view found, bytes_view expected) {
    if (std::ranges::equal(found, expected)) return;
    const auto place = static_cast<std::size_t>(std::ranges::mismatch(found, expected).in1 - found.begin());
    const auto cut = [&](bytes_view whole) {
        return to_hex(whole.subspan(place, std::min<std::size_t>(24, whole.size() - place)));
    };
    add(fmt::format("{}: {} bytes found, {} expected; from byte {}: found {}, expected {}", what, found.size(),
                    expected.size(), place, cut(found), cut(expected)));
}

void compare_json(findings& out, const std::string& path, const json::value& found, const json::value& expected) {
    const auto differ = [&] {
        out.add(fmt::format("{}: found {}, expected {}", path, json::serialize(found), json::serialize(expected)));
    };
    if (found.is_object() && expected.is_object()) {
        for (const auto& [key, value] : expected.get_object()) {
            const auto* mine = found.get_object().if_contains(key);
            const auto below = path + "." + std::string{key};
            if (mine)
                compare_json(out, below, *mine, value);
            else
                out.add(fmt::format("{}: missing, expected {}", below, json::serialize(value)));
        }
        for (const auto& [key, value] : found.get_object())
            if (!expected.get_object().contains(key))
                out.add(fmt::format("{}.{}: not expected", path, std::string_view{key}));
    } else if (found.is_array() && expected.is_array()) {
        const auto& mine = found.get_array();
        const auto& theirs = expected.get_array();
        if (mine.size() != theirs.size()) return differ();
        for (std::size_t place = 0; place < mine.size(); ++place)
            compare_json(out, fmt::format("{}[{}]", path, place), mine[place], theirs[place]);
    } else if (found.is_double() || expected.is_double()) {
        if (!found.is_number() || !expected.is_number() || found.to_number<double>() != expected.to_number<double>())
            differ();
    } else if (found != expected) {
        differ();
    }
}

std::int64_t number(const json::object& from, std::string_view key) { return from.at(key).to_number<std::int64_t>(); }
std::string text(const json::object& from, std::string_view key) { return std::string{from.at(key).as_string()}; }

}  // namespace weir::golden
