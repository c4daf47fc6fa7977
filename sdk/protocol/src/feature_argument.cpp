#include <weir/protocol/feature_argument.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace weir::protocol {
namespace {

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blanks = " \t\r\n";
    text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
    return text.substr(0, text.find_last_not_of(blanks) + 1);
}

/// As Java's Short.parseShort.
std::optional<std::int16_t> short_of(std::string_view text) {
    if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
    std::int16_t value = 0;
    const auto* const end = text.data() + text.size();
    const auto [at, failed] = std::from_chars(text.data(), end, value);
    return failed == std::errc{} && at == end ? std::optional{value} : std::nullopt;
}

}  // namespace

std::optional<feature_argument> split_feature(std::string_view argument) {
    const auto equals = argument.find('=');
    if (equals == argument.npos) return std::nullopt;
    const auto text = trimmed(argument.substr(equals + 1));
    return feature_argument{std::string{trimmed(argument.substr(0, equals))}, std::string{text}, short_of(text)};
}

result<named_level> parse_feature(std::string_view argument) {
    auto found = split_feature(argument);
    if (!found) return error{errc::invalid_request, fmt::format("Can't parse feature=level string {}: equals sign not found.", argument)};
    if (!found->level) return error{errc::invalid_request, fmt::format("Can't parse feature=level string {}: unable to parse {} as a short.", argument, found->text)};
    return named_level{std::move(found->name), *found->level};
}

}  // namespace weir::protocol
