#include <weir/base/setting.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <numeric>

namespace weir {
namespace {

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\r\n\f");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\r\n\f") - first + 1);
}

error refused(const setting& row, std::string_view text) {
    if (row.is_sensitive) return error{errc::invalid_setting, fmt::format("{}: allowed is {}", row.name, row.allowed())};
    constexpr std::size_t most_shown = 200;
    const auto shown = text.substr(0, most_shown);
    return error{errc::invalid_setting, fmt::format("{}={}{}: allowed is {}", row.name, shown,
                                                    text.size() > most_shown ? "..." : "", row.allowed())};
}

struct bounds {
    std::int64_t lowest, highest;
};

// What both the declared range and the protocol's type admit.
bounds bounds_of(const setting& row) {
    bounds limits{row.range.lowest, row.range.highest};
    const auto narrow = [&]<class Int>(Int) {
        limits.lowest = std::max<std::int64_t>(limits.lowest, std::numeric_limits<Int>::min());
        limits.highest = std::min<std::int64_t>(limits.highest, std::numeric_limits<Int>::max());
    };
    if (row.type == setting_type::int32) narrow(std::int32_t{});
    if (row.type == setting_type::int16) narrow(std::int16_t{});
    return limits;
}

template <class Int>
result<void> parse_number(const setting& row, std::string_view text, std::int64_t factor, Int& into) {
    auto digits = trimmed(text);
    if (digits.starts_with('+')) digits.remove_prefix(1);
    std::int64_t value = 0;
    const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (failure != std::errc{} || end != digits.data() + digits.size()) return refused(row, text);
    // -1 means "no limit" or "not set" in any unit.
    if (value != -1 && __builtin_mul_overflow(value, factor, &value)) return refused(row, text);
    const auto limits = bounds_of(row);
    if (value < limits.lowest || value > limits.highest || value < std::numeric_limits<Int>::min() ||
        value > std::numeric_limits<Int>::max()) {
        return refused(row, text);
    }
    into = static_cast<Int>(value);
    return {};
}

bool word_allowed(const setting_range& range, std::string_view word) {
    if (!range.words.empty() && std::ranges::find(range.words, word) == range.words.end()) return false;
    return !range.check || range.check(word);
}

bool same_ignoring_case(std::string_view text, std::string_view lower) {
    return std::ranges::equal(text, lower, [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
}

std::size_t edit_distance(std::string_view from, std::string_view to) {
    std::vector<std::size_t> row(to.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= from.size(); ++i) {
        auto diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= to.size(); ++j) {
            const auto replaced = diagonal + (from[i - 1] == to[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
        }
    }
    return row.back();
}

}  // namespace

std::string_view to_string(setting_type type) noexcept {
    constexpr std::string_view names[] = {"unknown", "boolean", "string", "int",   "short",
                                          "long",    "double",  "list",   "class", "password"};
    const auto number = static_cast<std::size_t>(type);
    return number < std::size(names) ? names[number] : names[0];
}

std::string setting::allowed() const {
    if (!range.words.empty()) {
        return fmt::format("{}{}", type == setting_type::list ? "a list of " : "", fmt::join(range.words, ", "));
    }
    if (range.check) return std::string{range.check_text};
    switch (type) {
        case setting_type::boolean: return "true or false";
        case setting_type::float64:
            if (std::isfinite(range.lowest_real) && std::isfinite(range.highest_real)) {
                return fmt::format("a number from {} to {}", range.lowest_real, range.highest_real);
            }
            if (std::isfinite(range.lowest_real)) return fmt::format("a number of at least {}", range.lowest_real);
            return "a number";
        case setting_type::int16:
        case setting_type::int32:
        case setting_type::int64: {
            const auto limits = bounds_of(*this);
            if (limits.highest == std::numeric_limits<std::int64_t>::max()) {
                if (limits.lowest == std::numeric_limits<std::int64_t>::min()) return "a whole number";
                return fmt::format("a whole number of at least {}", limits.lowest);
            }
            return fmt::format("a whole number from {} to {}", limits.lowest, limits.highest);
        }
        case setting_type::list: return "a list with commas between";
        default: return "any text";
    }
}

const setting* find_setting(std::span<const setting> rows, std::string_view name, bool by_synonym) noexcept {
    for (const auto& row : rows) {
        if (row.name == name) return &row;
    }
    if (by_synonym) {
        for (const auto& row : rows) {
            for (const auto& other : row.synonyms) {
                if (other.name == name) return &row;
            }
        }
    }
    return nullptr;
}

std::optional<std::string_view> nearest_name(std::string_view name, std::span<const std::string_view> known) {
    constexpr std::size_t longest = 200;  // a name from a file may be of any length
    if (name.size() > longest) return std::nullopt;
    std::optional<std::string_view> best;
    auto best_distance = std::max<std::size_t>(2, name.size() / 3) + 1;
    for (const auto candidate : known) {
        const auto distance = edit_distance(name, candidate);
        if (distance < best_distance) {
            best = candidate;
            best_distance = distance;
        }
    }
    return best;
}

namespace detail {

result<void> unknown_setting(std::span<const setting> rows, std::string_view name) {
    std::vector<std::string_view> known;
    for (const auto& row : rows) known.push_back(row.name);
    if (const auto near = nearest_name(name, known)) {
        return error{errc::invalid_setting, fmt::format("there is no setting {}; did you mean {}?", name, *near)};
    }
    return error{errc::invalid_setting, fmt::format("there is no setting {}", name)};
}

result<void> parse_field(const setting& row, std::string_view text, std::int64_t, bool& into) {
    const auto word = trimmed(text);
    if (same_ignoring_case(word, "true")) into = true;
    else if (same_ignoring_case(word, "false")) into = false;
    else return refused(row, text);
    return {};
}
result<void> parse_field(const setting& row, std::string_view text, std::int64_t factor, std::int16_t& into) {
    return parse_number(row, text, factor, into);
}
result<void> parse_field(const setting& row, std::string_view text, std::int64_t factor, std::int32_t& into) {
    return parse_number(row, text, factor, into);
}
result<void> parse_field(const setting& row, std::string_view text, std::int64_t factor, std::int64_t& into) {
    return parse_number(row, text, factor, into);
}
result<void> parse_field(const setting& row, std::string_view text, std::int64_t factor, milliseconds& into) {
    std::int64_t count = 0;
    auto parsed = parse_number(row, text, factor, count);
    if (parsed) into = milliseconds{count};
    return parsed;
}
result<void> parse_field(const setting& row, std::string_view text, std::int64_t factor, double& into) {
    auto digits = trimmed(text);
    if (digits.starts_with('+')) digits.remove_prefix(1);
    double value = 0;
    const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (failure != std::errc{} || end != digits.data() + digits.size()) return refused(row, text);
    value *= static_cast<double>(factor);
    if (!std::isfinite(value) || value < row.range.lowest_real || value > row.range.highest_real) return refused(row, text);
    into = value;
    return {};
}
result<void> parse_field(const setting& row, std::string_view text, std::int64_t, std::string& into) {
    const auto value = row.is_sensitive ? text : trimmed(text);  // a password may begin with a space
    if (!word_allowed(row.range, value)) return refused(row, text);
    into = value;
    return {};
}
result<void> parse_field(const setting& row, std::string_view text, std::int64_t, std::vector<std::string>& into) {
    std::vector<std::string> items;
    const bool of_words = !row.range.words.empty();
    for (auto rest = trimmed(text); !rest.empty();) {
        const auto comma = rest.find(',');
        const auto item = trimmed(rest.substr(0, comma));
        if (!word_allowed(row.range, item)) return refused(row, text);
        // As Kafka has it (KIP-1161): a word that comes again adds nothing, and none is empty, at the end neither.
        if (!of_words || std::ranges::find(items, item) == items.end()) items.emplace_back(item);
        if (comma == std::string_view::npos) break;
        rest.remove_prefix(comma + 1);
        if (of_words && rest.empty()) return refused(row, text);
    }
    into = std::move(items);
    return {};
}

std::optional<std::string> print_field(bool value) { return value ? "true" : "false"; }
std::optional<std::string> print_field(std::int16_t value) { return std::to_string(value); }
std::optional<std::string> print_field(std::int32_t value) { return std::to_string(value); }
std::optional<std::string> print_field(std::int64_t value) { return std::to_string(value); }
std::optional<std::string> print_field(milliseconds value) { return std::to_string(value.count()); }
std::optional<std::string> print_field(double value) {
    auto text = fmt::format("{}", value);
    if (text.find_first_of(".en") == std::string::npos) text += ".0";  // as Kafka prints them
    return text;
}
std::optional<std::string> print_field(const std::string& value) { return value; }
std::optional<std::string> print_field(const std::vector<std::string>& value) {
    return fmt::format("{}", fmt::join(value, ","));
}

}  // namespace detail
}  // namespace weir
