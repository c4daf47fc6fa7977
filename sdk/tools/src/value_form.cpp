#include "value_form.hpp"

#include <weir/serde.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <iterator>

namespace weir::tools {

namespace {

struct named_form {
    std::string_view name;
    value_form form;
};
constexpr named_form forms[] = {
    {"string", value_form::text},         {"short", value_form::short_integer}, {"integer", value_form::integer}, {"long", value_form::long_integer},
    {"float", value_form::single},        {"double", value_form::float64},      {"boolean", value_form::boolean}, {"uuid", value_form::uuid},
    {"hex", value_form::hex},             {"bytes", value_form::raw},           {"bytearray", value_form::raw},   {"bytebuffer", value_form::raw},
    {"default", value_form::raw},
};

template <class T>
result<std::string> number_text(bytes_view data) {
    T value{};
    if (auto why = serde_traits<T>::decode(data, value)) return why;
    return fmt::format("{}", value);
}

/// The fewest digits that mean this number and no other, one before the point where it is very large or small.
template <class T>
std::string as_java_prints(T value) {
    if (std::isnan(value)) return "NaN";
    if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
    const auto shortest = [&](std::chars_format how) {
        char room[64];
        return std::string(room, std::to_chars(std::begin(room), std::end(room), value, how).ptr);
    };
    const auto size = std::abs(value);
    if (size == 0 || (size >= T{1e-3} && size < T{1e7})) {
        auto plain = shortest(std::chars_format::fixed);
        return plain.find('.') == plain.npos ? plain + ".0" : plain;
    }
    const auto text = shortest(std::chars_format::scientific);
    const auto at = text.find('e');
    auto mantissa = text.substr(0, at);
    if (mantissa.find('.') == mantissa.npos) mantissa += ".0";
    return mantissa + "E" + std::to_string(std::stoi(text.substr(at + 1)));
}

template <class T>
result<std::string> fraction_text(bytes_view data) {
    T value{};
    if (auto why = serde_traits<T>::decode(data, value)) return why;
    return as_java_prints(value);
}

}  // namespace

std::string java_number(float value) { return as_java_prints(value); }
std::string java_number(double value) { return as_java_prints(value); }

result<value_form> value_form_named(std::string_view name) {
    auto simple = name.substr(name.find_last_of('.') + 1);
    for (const std::string_view suffix : {"Deserializer", "Decoder"})
        if (simple.ends_with(suffix)) simple.remove_suffix(suffix.size());
    std::string lower{simple};
    std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const auto* found = std::find_if(std::begin(forms), std::end(forms), [&](const named_form& each) { return each.name == lower; });
    if (found != std::end(forms)) return found->form;
    return error{errc::invalid_setting, fmt::format("there is no deserializer '{}' here: string, short, integer, long, float, double, boolean, uuid, bytes and hex are "
                                                    "built in (also under Kafka's class names); Java classes cannot be loaded", name)};
}

result<std::string> to_text(value_form form, bytes_view data) {
    switch (form) {
        case value_form::short_integer: return number_text<std::int16_t>(data);
        case value_form::integer: return number_text<std::int32_t>(data);
        case value_form::long_integer: return number_text<std::int64_t>(data);
        case value_form::single: return fraction_text<float>(data);
        case value_form::float64: return fraction_text<double>(data);
        case value_form::boolean: return number_text<bool>(data);
        case value_form::uuid:  // sent as its 36 characters
        case value_form::text:
        case value_form::raw: return std::string{as_text(data)};
        case value_form::hex: break;
    }
    std::string text;
    for (const auto byte : data) fmt::format_to(std::back_inserter(text), "{:02x}", static_cast<unsigned>(byte));
    return text;
}

}  // namespace weir::tools
