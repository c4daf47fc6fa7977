#include "line_reader.hpp"

#include "../suggest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace weir::tools {

bool is_true(std::string_view text) noexcept {
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front()))) text.remove_prefix(1);
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.remove_suffix(1);
    constexpr std::string_view yes = "true";
    return text.size() == yes.size() && std::equal(text.begin(), text.end(), yes.begin(), [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; });
}

result<line_reader> line_reader::make(const std::vector<std::pair<std::string, std::string>>& properties) {
    line_reader made;
    for (const auto& [name, value] : properties) {
        if (name == "parse.key") made.parse_key_ = is_true(value);
        else if (name == "parse.headers") made.parse_headers_ = is_true(value);
        else if (name == "ignore.error") made.ignore_error_ = is_true(value);
        else if (name == "key.separator") made.key_separator_ = value;
        else if (name == "headers.delimiter") made.headers_delimiter_ = value;
        else if (name == "headers.separator") made.headers_separator_ = value;
        else if (name == "headers.key.separator") made.headers_key_separator_ = value;
        else if (name == "null.marker") made.null_marker_ = value;
        else {
            constexpr std::string_view names[] = {"parse.key", "parse.headers", "ignore.error", "key.separator", "headers.delimiter", "headers.separator", "headers.key.separator", "null.marker"};
            const auto near = nearest(name, names);
            return error{errc::invalid_setting, fmt::format("{} is no property of the line reader{}", name, near.empty() ? "" : fmt::format("; did you mean {}?", near))};
        }
    }
    const std::pair<std::string_view, const std::string*> separators[] = {{"headers.delimiter", &made.headers_delimiter_}, {"headers.separator", &made.headers_separator_},
                                                                          {"headers.key.separator", &made.headers_key_separator_}};
    for (std::size_t a = 0; a < std::size(separators); ++a)
        for (std::size_t b = a + 1; b < std::size(separators); ++b)
            if (*separators[a].second == *separators[b].second)
                return error{errc::invalid_setting, fmt::format("{} and {} may not be equal", separators[a].first, separators[b].first)};
    for (const auto& [name, text] : {std::pair<std::string_view, const std::string*>{"key.separator", &made.key_separator_}, separators[0], separators[1], separators[2]}) {
        if (text->empty()) return error{errc::invalid_setting, fmt::format("{} may not be empty", name)};
        if (made.null_marker_ && *text == *made.null_marker_) return error{errc::invalid_setting, fmt::format("null.marker and {} may not be equal", name)};
    }
    return made;
}

result<std::optional<std::string_view>> line_reader::part(bool wanted, std::string_view& rest, std::string_view end, std::string_view what, std::string_view line) const {
    if (!wanted) return std::optional<std::string_view>{};
    const auto at = rest.find(end);
    if (at == rest.npos) {
        if (ignore_error_) return std::optional<std::string_view>{};
        return error{errc::malformed, fmt::format("No {} found on line number {}: '{}'", what, line_number_, line)};
    }
    const auto found = rest.substr(0, at);
    rest.remove_prefix(at + end.size());
    return std::optional{found};
}

result<void> line_reader::split_headers(std::string_view text, line_record& into) const {
    for (bool more = true; more;) {
        const auto end = text.find(headers_separator_);
        const auto pair = text.substr(0, end);
        more = end != text.npos;
        if (more) text.remove_prefix(end + headers_separator_.size());
        const auto colon = pair.find(headers_key_separator_);
        if (colon == pair.npos) {
            if (!ignore_error_) return error{errc::malformed, fmt::format("No header key separator found in pair '{}' on line number {}", pair, line_number_)};
            into.headers.emplace_back(pair, std::nullopt);
            continue;
        }
        const auto name = pair.substr(0, colon);
        if (is_null(name)) return error{errc::malformed, fmt::format("Header keys should not be equal to the null marker '{}' as they can't be null", name)};
        const auto value = pair.substr(colon + headers_key_separator_.size());
        into.headers.emplace_back(name, is_null(value) ? std::nullopt : std::optional{value});
    }
    return {};
}

result<line_record> line_reader::read(std::string_view line) {
    ++line_number_;
    auto rest = line;
    line_record found;
    auto headers = part(parse_headers_, rest, headers_delimiter_, "headers delimiter", line);
    if (!headers) return headers.error();
    auto key = part(parse_key_, rest, key_separator_, "key separator", line);
    if (!key) return key.error();
    if (*key && !is_null(**key)) found.key = *key;
    if (!is_null(rest)) found.value = rest;
    if (*headers && !is_null(**headers))
        if (auto split = split_headers(**headers, found); !split) return split.error();
    return found;
}

}  // namespace weir::tools
