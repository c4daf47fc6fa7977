// What the generated JSON sources are made of: one overload for each type of field.
#pragma once
#include <weir/protocol/json.hpp>
#include <weir/protocol/json_writer.hpp>
#include <weir/protocol/message.hpp>

#include <limits>
#include <type_traits>
#include <utility>

namespace weir::protocol::json_detail {

// --- values

inline void json_value(json_writer& out, bool value, std::int16_t) { out.boolean(value); }
inline void json_value(json_writer& out, double value, std::int16_t) { out.number(value); }
template <class Int>
    requires(std::is_integral_v<Int> && !std::is_same_v<Int, bool>)
void json_value(json_writer& out, Int value, std::int16_t) {
    out.number(static_cast<std::int64_t>(value));
}
inline void json_value(json_writer& out, const std::string& value, std::int16_t) { out.string(value); }
inline void json_value(json_writer& out, const bytes& value, std::int16_t) { out.base64(value); }
inline void json_value(json_writer& out, const uuid& value, std::int16_t) { out.id(value); }
template <class Struct>
    requires std::is_class_v<Struct>
void json_value(json_writer& out, const Struct& value, std::int16_t version) {
    write_json(out, value, version);
}
template <class T>
void json_value(json_writer& out, const std::vector<T>& value, std::int16_t version) {
    out.begin_array();
    for (const auto& element : value) json_value(out, element, version);
    out.end_array();
}
template <class T>
void json_value(json_writer& out, const std::optional<T>& value, std::int16_t version) {
    if (value)
        json_value(out, *value, version);
    else
        out.null();
}

template <class T>
void json_field(json_writer& out, std::string_view name, const T& value, std::int16_t version) {
    out.key(name);
    json_value(out, value, version);
}
inline void json_field(json_writer& out, std::string_view name, const record_data& value, std::int16_t) {
    if (value.is_null()) {
        out.key(name);
        out.null();
    } else {
        out.key(std::string{name} + "SizeInBytes");
        out.number(static_cast<std::int64_t>(value.size()));
    }
}

// --- changing a field found by its path

inline std::pair<std::string_view, std::string_view> split_path(std::string_view path) {
    const auto dot = path.find('.');
    if (dot == std::string_view::npos) return {path, {}};
    return {path.substr(0, dot), path.substr(dot + 1)};
}

inline bool change(bool& value, std::string_view) { return value = !value, true; }
inline bool change(double& value, std::string_view) { return value += 1, true; }
template <class Int>
    requires(std::is_integral_v<Int> && !std::is_same_v<Int, bool>)
bool change(Int& value, std::string_view) {
    value = value == std::numeric_limits<Int>::max() ? Int{5} : static_cast<Int>(value + 1);
    return true;
}
inline bool change(std::string& value, std::string_view) { return value += "x", true; }
inline bool change(bytes& value, std::string_view) { return value.emplace_back(), true; }
inline bool change(uuid& value, std::string_view) { return ++value.low, true; }
inline bool change(record_data& value, std::string_view) { return value = record_data{bytes{}}, true; }
template <class Struct>
    requires std::is_class_v<Struct>
bool change(Struct& value, std::string_view rest) {
    return set_non_default(value, rest);
}
template <class T>
bool change(std::vector<T>& value, std::string_view rest) {
    if (value.empty()) value.emplace_back();
    if constexpr (std::is_class_v<T>)
        return rest.empty() || change(value.front(), rest);
    else
        return rest.empty();
}
template <class T>
bool change(std::optional<T>& value, std::string_view rest) {
    if (value) return change(*value, rest);
    value.emplace(T{});  // see read_nullable_struct: clang has made up its mind about the other form
    return rest.empty() || change(*value, rest);
}

// --- a row of the registry

template <class M>
constexpr message_type describe_message(std::string_view kind, std::int16_t number) {
    return {.name = M::message_name,
            .kind = kind,
            .number = number,
            .min_version = M::min_version,
            .max_version = M::max_version,
            .flexible_from = M::flexible_from,
            .make = [] { return any_message{new M{}, [](void* message) { delete static_cast<M*>(message); }}; },
            .read = [](reader& in, void* message,
                       std::int16_t version) { read_fields(in, *static_cast<M*>(message), version); },
            .write = [](writer& out, const void* message,
                        std::int16_t version) { write_fields(out, *static_cast<const M*>(message), version); },
            .write_json = [](json_writer& out, const void* message,
                             std::int16_t version) { write_json(out, *static_cast<const M*>(message), version); },
            .equal = [](const void* left,
                        const void* right) { return *static_cast<const M*>(left) == *static_cast<const M*>(right); },
            .set_non_default = [](void* message,
                                  std::string_view path) { return set_non_default(*static_cast<M*>(message), path); }};
}

}  // namespace weir::protocol::json_detail
