// Settings declared once: from one row come parsing, validation, printing, documentation and DescribeConfigs.
//
// A config is a plain struct with defaults in it and one static member, whose body in the .cpp holds the rows:
//
//     std::span<const setting> log_config::settings() {
//         static const setting all[] = {
//             make_setting<&log_config::segment_bytes>("segment.bytes", at_least(14), "Bytes at which a segment is closed.",
//                                                      importance::high, dynamic_mode::cluster_wide,
//                                                      synonym("log.segment.bytes")),
//         };
//         return all;
//     }
//
// Fields may be bool, int16/32/64, double, std::string, std::vector<std::string> (commas between), milliseconds (a plain
// number in text) and std::optional of these (the empty text means none).
#pragma once
#include <weir/base/error.hpp>
#include <weir/base/setting_range.hpp>
#include <weir/base/time.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// Kafka's numbers, as DescribeConfigs sends them. Follows from the field's type; give it as an option where Kafka's
/// differs: a duration Kafka keeps in 32 bits is int32, and is then held to that range.
enum class setting_type : std::uint8_t {
    boolean = 1, string = 2, int32 = 3, int16 = 4, int64 = 5, float64 = 6, list = 7, class_name = 8, password = 9,
};
std::string_view to_string(setting_type type) noexcept;

enum class importance : std::uint8_t { high, medium, low };

/// Whether a broker setting can change while the broker runs, and for whom.
enum class dynamic_mode : std::uint8_t { read_only, per_broker, cluster_wide };

struct sensitive_t {};
/// Never shown: DescribeConfigs answers null, logs print "[hidden]".
inline constexpr sensitive_t sensitive{};

/// Another name for the same value; `factor` converts its unit (hours to milliseconds: 3'600'000). When several are
/// given, the own name wins, then the synonyms in the order of declaration.
struct synonym {
    constexpr explicit synonym(std::string_view name, std::int64_t factor = 1) noexcept : name(name), factor(factor) {}
    std::string_view name;
    std::int64_t factor;
};

/// One row. The views point to literals; rows live for the whole process.
struct setting {
    std::string_view name;
    std::string_view doc;
    setting_range range;
    setting_type type = setting_type::string;
    weir::importance importance = weir::importance::medium;
    dynamic_mode dynamic = dynamic_mode::read_only;
    bool is_sensitive = false;
    std::vector<synonym> synonyms;
    std::optional<std::string> default_text;  ///< nullopt: no value

    /// Reads `text` into the field. The error names the setting, the value and what is allowed; the field is untouched.
    result<void> parse(void* config, std::string_view text) const { return parse_(*this, config, text, 1); }
    /// The same, the number multiplied by `factor`.
    result<void> parse(void* config, std::string_view text, std::int64_t factor) const {
        return parse_(*this, config, text, factor);
    }
    /// What parse() would read back; nullopt when the field holds no value.
    std::optional<std::string> print(const void* config) const { return print_(config); }
    /// What a value may be, for documentation and errors: "a number of at least 14".
    std::string allowed() const;

    result<void> (*parse_)(const setting&, void*, std::string_view, std::int64_t) = nullptr;
    std::optional<std::string> (*print_)(const void*) = nullptr;
};

/// The row called `name`, or having it among its synonyms when asked for; nullptr when there is none.
const setting* find_setting(std::span<const setting> rows, std::string_view name, bool by_synonym = false) noexcept;

/// Sets one field by name; errc::invalid_setting suggests the nearest name when there is no such row.
template <class Config>
result<void> apply_setting(Config& config, std::string_view name, std::string_view text);

/// The one of `known` most like `name`, or nothing when none is near enough to be a slip of the pen.
std::optional<std::string_view> nearest_name(std::string_view name, std::span<const std::string_view> known);

namespace detail {
result<void> unknown_setting(std::span<const setting> rows, std::string_view name);

result<void> parse_field(const setting&, std::string_view text, std::int64_t factor, bool& into);
result<void> parse_field(const setting&, std::string_view text, std::int64_t factor, std::int16_t& into);
result<void> parse_field(const setting&, std::string_view text, std::int64_t factor, std::int32_t& into);
result<void> parse_field(const setting&, std::string_view text, std::int64_t factor, std::int64_t& into);
result<void> parse_field(const setting&, std::string_view text, std::int64_t factor, double& into);
result<void> parse_field(const setting&, std::string_view text, std::int64_t factor, std::string& into);
result<void> parse_field(const setting&, std::string_view text, std::int64_t factor, std::vector<std::string>& into);
result<void> parse_field(const setting&, std::string_view text, std::int64_t factor, milliseconds& into);
template <class T>
result<void> parse_field(const setting& row, std::string_view text, std::int64_t factor, std::optional<T>& into) {
    if (text.empty()) {
        into.reset();
        return {};
    }
    T value{};
    auto parsed = parse_field(row, text, factor, value);
    if (parsed) into = std::move(value);
    return parsed;
}

std::optional<std::string> print_field(bool value);
std::optional<std::string> print_field(std::int16_t value);
std::optional<std::string> print_field(std::int32_t value);
std::optional<std::string> print_field(std::int64_t value);
std::optional<std::string> print_field(double value);
std::optional<std::string> print_field(const std::string& value);
std::optional<std::string> print_field(const std::vector<std::string>& value);
std::optional<std::string> print_field(milliseconds value);
template <class T>
std::optional<std::string> print_field(const std::optional<T>& value) {
    return value ? print_field(*value) : std::nullopt;
}

template <class T>
struct type_of;
template <> struct type_of<bool> { static constexpr auto value = setting_type::boolean; };
template <> struct type_of<std::int16_t> { static constexpr auto value = setting_type::int16; };
template <> struct type_of<std::int32_t> { static constexpr auto value = setting_type::int32; };
template <> struct type_of<std::int64_t> { static constexpr auto value = setting_type::int64; };
template <> struct type_of<double> { static constexpr auto value = setting_type::float64; };
template <> struct type_of<std::string> { static constexpr auto value = setting_type::string; };
template <> struct type_of<std::vector<std::string>> { static constexpr auto value = setting_type::list; };
template <> struct type_of<milliseconds> { static constexpr auto value = setting_type::int64; };
template <class T> struct type_of<std::optional<T>> : type_of<T> {};

template <class Member>
struct member_of;
template <class Config, class Field>
struct member_of<Field Config::*> {
    using config = Config;
    using field = Field;
};

inline void apply_option(setting& row, importance option) { row.importance = option; }
inline void apply_option(setting& row, dynamic_mode option) { row.dynamic = option; }
inline void apply_option(setting& row, sensitive_t) {
    row.is_sensitive = true;
    if (row.type == setting_type::string) row.type = setting_type::password;
}
inline void apply_option(setting& row, setting_type option) { row.type = option; }
inline void apply_option(setting& row, synonym option) { row.synonyms.push_back(option); }
}  // namespace detail

/// A row for the field `Member`. Options in any order: importance, dynamic_mode, sensitive, setting_type, synonym(...).
/// The default is what a default-made config holds.
template <auto Member, class... Options>
setting make_setting(std::string_view name, setting_range range, std::string_view doc, Options... options) {
    using config = typename detail::member_of<decltype(Member)>::config;
    using field = typename detail::member_of<decltype(Member)>::field;
    setting row;
    row.name = name;
    row.doc = doc;
    row.range = std::move(range);
    row.type = detail::type_of<field>::value;
    row.parse_ = [](const setting& self, void* target, std::string_view text, std::int64_t factor) {
        return detail::parse_field(self, text, factor, static_cast<config*>(target)->*Member);
    };
    row.print_ = [](const void* source) { return detail::print_field(static_cast<const config*>(source)->*Member); };
    (detail::apply_option(row, options), ...);
    const config fresh{};
    row.default_text = row.print(&fresh);
    return row;
}

template <class Config>
result<void> apply_setting(Config& config, std::string_view name, std::string_view text) {
    const auto rows = Config::settings();
    const auto* row = find_setting(rows, name);
    return row ? row->parse(&config, text) : detail::unknown_setting(rows, name);
}

}  // namespace weir
