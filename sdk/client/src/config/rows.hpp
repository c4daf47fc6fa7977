// Rows for the config structs of this library: `setting` of base, for the fields that programs like to write.
//
//     std::span<const setting> producer_config::settings() {
//         static const setting all[] = {
//             row<&producer_config::linger>("linger.ms", at_least(0), "How long a batch may fill ...",
//                                           synonym("queue.buffering.max.ms")),
//             row<&producer_config::required_acks>("acks", any(), "..."),          // an enum with word_table<acks>
//             row<&client_config::tls, &tls_config::ca_file>("ssl.ca", any(), "..."),  // a field within a field
//         };
//         return all;
//     }
//
// Fields may be what base's rows take, enums that have a word_table, std::size_t, and std::optional of these. Options are
// those of make_setting(); synonyms are librdkafka's names.
#pragma once
#include <weir/base/setting.hpp>

#include <algorithm>
#include <type_traits>

namespace weir::detail {

template <class Enum>
struct word {
    std::string_view text;
    Enum value;
};
/// Specialise: `static constexpr word<Enum> all[] = {{"all", acks::all}, {"-1", acks::all}, ...}`. Upper and lower case are
/// the same; the first word of a value is the one that is printed.
template <class Enum>
struct word_table;

/// Without regard to case, and to white space around `text`.
bool same_word(std::string_view text, std::string_view word) noexcept;

/// What programs ask for with the largest number there is. Added to any time, it still is one.
inline constexpr milliseconds never = std::chrono::hours{24 * 365 * 100};

template <class T>
result<void> parse_text(const setting& row, std::string_view text, std::int64_t factor, T& into) {
    if constexpr (std::is_enum_v<T>) {
        for (const auto& each : word_table<T>::all) {
            if (!same_word(text, each.text)) continue;
            into = each.value;
            return {};
        }
        std::string none;
        return parse_field(row, text, 1, none);  // says what is allowed
    } else if constexpr (std::is_same_v<T, std::size_t>) {
        std::int64_t count = 0;
        auto parsed = parse_field(row, text, factor, count);
        if (parsed) into = static_cast<std::size_t>(count);
        return parsed;
    } else if constexpr (std::is_same_v<T, milliseconds>) {
        auto parsed = parse_field(row, text, factor, into);
        if (parsed) into = std::min(into, never);
        return parsed;
    } else {
        return parse_field(row, text, factor, into);
    }
}
template <class T>
result<void> parse_text(const setting& row, std::string_view text, std::int64_t factor, std::optional<T>& into) {
    T value{};
    if (text.empty()) {
        into.reset();
        return {};
    }
    auto parsed = parse_text(row, text, factor, value);
    if (parsed) into = std::move(value);
    return parsed;
}

template <class T>
std::optional<std::string> print_text(const T& value) {
    if constexpr (std::is_enum_v<T>) {
        for (const auto& each : word_table<T>::all) {
            if (each.value == value) return std::string{each.text};
        }
        return std::to_string(static_cast<long>(value));  // no value of the enum: refused as any wrong word
    } else if constexpr (std::is_same_v<T, std::size_t>) {
        return std::to_string(value);
    } else {
        return print_field(value);
    }
}
template <class T>
std::optional<std::string> print_text(const std::optional<T>& value) {
    return value ? print_text(*value) : std::nullopt;
}

template <class Field>
struct row_type : type_of<Field> {};
template <class Field>
    requires std::is_enum_v<Field>
struct row_type<Field> : type_of<std::string> {};
template <>
struct row_type<std::size_t> : type_of<std::int64_t> {};
template <class Field>
struct row_type<std::optional<Field>> : row_type<Field> {};

template <class Field>
void add_words(setting_range& range) {
    if constexpr (std::is_enum_v<Field>) {
        for (const auto& each : word_table<Field>::all) range.words.push_back(each.text);
    } else if constexpr (requires { typename Field::value_type; }) {
        if constexpr (std::is_enum_v<typename Field::value_type>) add_words<typename Field::value_type>(range);
    }
}

/// For settings that are not simply one field.
template <class Config, class... Options>
setting row_with(decltype(setting::parse_) parse, decltype(setting::print_) print, std::string_view name, setting_range range,
                 std::string_view doc, Options... options) {
    setting made;
    made.name = name;
    made.doc = doc;
    made.range = std::move(range);
    made.parse_ = parse;
    made.print_ = print;
    (apply_option(made, options), ...);
    const Config fresh{};
    made.default_text = made.print(&fresh);
    return made;
}

/// For a field, or one within it: the default is what a default-made config holds.
template <auto Field, auto... Within, class... Options>
setting row(std::string_view name, setting_range range, std::string_view doc, Options... options) {
    using config = typename member_of<decltype(Field)>::config;
    using value = std::remove_cvref_t<decltype(((std::declval<config&>().*Field) .* ... .* Within))>;
    add_words<value>(range);
    return row_with<config>(
        [](const setting& self, void* target, std::string_view text, std::int64_t factor) {
            return parse_text(self, text, factor, ((static_cast<config*>(target)->*Field) .* ... .* Within));
        },
        [](const void* source) { return print_text(((static_cast<const config*>(source)->*Field) .* ... .* Within)); }, name,
        std::move(range), doc, row_type<value>::value, options...);
}

}  // namespace weir::detail
