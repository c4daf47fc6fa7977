// Structs as JSON: WEIR_STRUCT(type, fields...) after the type, in its namespace.
//
//     enum class state { open, paid };
//     WEIR_ENUM(state, open, paid);
//     struct order { std::string id{}; std::vector<line> lines{}; std::optional<std::string> note{}; state is{}; };
//     WEIR_STRUCT(order, id, lines, note, is);
//
// Fields may be bool, integers, float and double, std::string, bytes (base64), timestamp (milliseconds), uuid, enums with
// WEIR_ENUM (by name), std::optional (null), other described structs, and lists and maps from std::string of all these.
// Reading: names that the struct lacks are passed over, fields that the text lacks get their default again, null is for
// std::optional only, and integers are exact up to 64 bits. What does not fit is errc::malformed and names the field:
// "order.lines[3].price: a number is expected, there is text". Strings and lists of the object read into are reused.
#pragma once
#include <weir/serde.hpp>

#include <string>
#include <vector>

namespace weir {
namespace detail {

enum class json_kind : std::uint8_t { boolean, integer, floating, text, binary, time, id, word, optional, list, map, object };

struct json_fields;
struct json_word {
    std::string_view name;
    std::int64_t value;
};
struct json_words {
    std::string_view type;
    std::span<const json_word> all;
};
using json_visit = void (*)(void* context, std::string_view key, const void* element);

/// A type as the codec sees it, which is ordinary code: a described struct costs tables, no instantiation of a parser.
struct json_type {
    json_kind kind{};
    std::uint8_t size = 0;  ///< of a number or an enum
    bool is_signed = false;
    const json_type* element = nullptr;                                       ///< of an optional, a list, a map
    void (*copy)(void* to, const void* from) = nullptr;                       ///< brings a default back
    void* (*slot)(void* container, std::size_t index, std::string_view key) = nullptr;  ///< the element, made where it is missing
    void (*cut)(void* container, std::size_t count) = nullptr;                ///< what is behind the first `count` goes
    void (*each)(const void* container, json_visit visit, void* context) = nullptr;
    const json_fields& (*fields)() = nullptr;
    const json_words& (*words)() = nullptr;
};
struct json_field {
    std::string_view name;
    const json_type* type;
    void* (*get)(void* object);
};
struct json_fields {
    std::string_view type;
    std::span<const json_field> all;
    const void* (*fresh)();  ///< one that nobody has changed
};

void json_encode(const json_type& type, const void* value, byte_sink& sink);
error json_decode(const json_type& type, bytes_view data, void* value);
/// The codec as a topic's own serde; the state is the json_type.
const serde_ops& json_serde_ops() noexcept;

template <class T>
concept described = requires(const T* none) { { weir_fields(none) } -> std::same_as<const json_fields&>; };
template <class T>
concept worded = std::is_enum_v<T> && requires(const T* none) { { weir_words(none) } -> std::same_as<const json_words&>; };
template <class T>
concept json_list = requires(T& list) { typename T::value_type; list.emplace_back(); list.resize(list.size()); list[0]; };
template <class T>
concept json_map = requires(T& map) { typename T::mapped_type; map[typename T::key_type{}]; map.clear(); };

template <class T>
void copy_value(void* to, const void* from) { *static_cast<T*>(to) = *static_cast<const T*>(from); }
template <class T>
constexpr json_type json_scalar(json_kind kind) {
    json_type made;
    made.kind = kind;
    made.size = static_cast<std::uint8_t>(sizeof(T));
    made.copy = &copy_value<T>;
    return made;
}
template <class T>
const void* fresh_value() {
    static const T fresh{};
    return &fresh;
}

template <class T>
struct json_type_of {
    static_assert(described<T>, "weir: a field of this type has no JSON form. Write WEIR_STRUCT(type, fields...) or WEIR_ENUM(type, names...) after the type, "
                                "or use bool, integers, float, double, std::string, bytes, timestamp, uuid, or std::optional, vectors and maps from std::string of these");
    static constexpr json_type value = [] {
        auto made = json_scalar<T>(json_kind::object);
        made.fields = []() -> const json_fields& { return weir_fields(static_cast<const T*>(nullptr)); };
        return made;
    }();
};
template <>
struct json_type_of<bool> { static constexpr json_type value = json_scalar<bool>(json_kind::boolean); };
template <std::integral T>
struct json_type_of<T> {
    static constexpr json_type value = [] {
        auto made = json_scalar<T>(json_kind::integer);
        made.is_signed = std::is_signed_v<T>;
        return made;
    }();
};
template <java_float T>
struct json_type_of<T> { static constexpr json_type value = json_scalar<T>(json_kind::floating); };
template <>
struct json_type_of<std::string> { static constexpr json_type value = json_scalar<std::string>(json_kind::text); };
template <>
struct json_type_of<bytes> { static constexpr json_type value = json_scalar<bytes>(json_kind::binary); };
template <>
struct json_type_of<timestamp> { static constexpr json_type value = json_scalar<timestamp>(json_kind::time); };
template <>
struct json_type_of<uuid> { static constexpr json_type value = json_scalar<uuid>(json_kind::id); };
template <worded T>
struct json_type_of<T> {
    static constexpr json_type value = [] {
        auto made = json_scalar<T>(json_kind::word);
        made.words = []() -> const json_words& { return weir_words(static_cast<const T*>(nullptr)); };
        return made;
    }();
};
template <class T>
struct json_type_of<std::optional<T>> {
    using box = std::optional<T>;
    static constexpr json_type value = [] {
        auto made = json_scalar<box>(json_kind::optional);
        made.element = &json_type_of<T>::value;
        made.slot = [](void* self, std::size_t, std::string_view) -> void* {
            auto& held = *static_cast<box*>(self);
            return held ? &*held : &held.emplace();
        };
        made.cut = [](void* self, std::size_t) { static_cast<box*>(self)->reset(); };
        made.each = [](const void* self, json_visit visit, void* context) {
            if (const auto& held = *static_cast<const box*>(self)) visit(context, {}, &*held);
        };
        return made;
    }();
};
template <json_list T>
struct json_type_of<T> {
    static_assert(!std::same_as<T, std::vector<bool>>, "weir: std::vector<bool> has no elements to point to; use std::vector<char> or std::deque<bool>");
    static constexpr json_type value = [] {
        auto made = json_scalar<T>(json_kind::list);
        made.element = &json_type_of<typename T::value_type>::value;
        made.slot = [](void* self, std::size_t index, std::string_view) -> void* {
            auto& list = *static_cast<T*>(self);
            if (index >= list.size()) list.emplace_back();
            return &list[index];
        };
        made.cut = [](void* self, std::size_t count) { static_cast<T*>(self)->resize(count); };
        made.each = [](const void* self, json_visit visit, void* context) {
            for (const auto& element : *static_cast<const T*>(self)) visit(context, {}, &element);
        };
        return made;
    }();
};
template <json_map T>
struct json_type_of<T> {
    static_assert(std::same_as<typename T::key_type, std::string>, "weir: the names of a JSON object are text: use a map from std::string");
    static constexpr json_type value = [] {
        auto made = json_scalar<T>(json_kind::map);
        made.element = &json_type_of<typename T::mapped_type>::value;
        made.slot = [](void* self, std::size_t, std::string_view key) -> void* { return &(*static_cast<T*>(self))[std::string{key}]; };
        made.cut = [](void* self, std::size_t) { static_cast<T*>(self)->clear(); };
        made.each = [](const void* self, json_visit visit, void* context) {
            for (const auto& [key, element] : *static_cast<const T*>(self)) visit(context, key, &element);
        };
        return made;
    }();
};
}  // namespace detail

template <detail::described T>
struct serde_traits<T> {
    static void encode(const T& value, byte_sink& sink) { detail::json_encode(detail::json_type_of<T>::value, &value, sink); }
    static error decode(bytes_view data, T& out) { return detail::json_decode(detail::json_type_of<T>::value, data, &out); }
};

/// JSON for a topic whose type would travel otherwise: `topic<std::string, std::vector<order>> all{"all", {.value = json<std::vector<order>>()}}`.
template <class T>
serde<T> json() {
    return serde<T>{detail::json_serde_ops(), std::shared_ptr<const void>{std::shared_ptr<const void>{}, &detail::json_type_of<T>::value}};
}

}  // namespace weir

// WEIR_EACH_ calls itself again through WEIR_AGAIN_, as often as the scans of WEIR_SCAN_ allow: 64 names and more.
#define WEIR_SCAN_(...) WEIR_SCAN1_(WEIR_SCAN1_(WEIR_SCAN1_(WEIR_SCAN1_(__VA_ARGS__))))
#define WEIR_SCAN1_(...) WEIR_SCAN2_(WEIR_SCAN2_(WEIR_SCAN2_(WEIR_SCAN2_(__VA_ARGS__))))
#define WEIR_SCAN2_(...) WEIR_SCAN3_(WEIR_SCAN3_(WEIR_SCAN3_(WEIR_SCAN3_(__VA_ARGS__))))
#define WEIR_SCAN3_(...) __VA_ARGS__
#define WEIR_BRACKETS_ ()
#define WEIR_EACH_(what, type, name, ...) what(type, name) __VA_OPT__(, WEIR_AGAIN_ WEIR_BRACKETS_ (what, type, __VA_ARGS__))
#define WEIR_AGAIN_() WEIR_EACH_
#define WEIR_FIELD_(type, name) \
    ::weir::detail::json_field { #name, &::weir::detail::json_type_of<decltype(type::name)>::value, [](void* object) -> void* { return &static_cast<type*>(object)->name; } }  // NOLINT(bugprone-macro-parentheses): a field's name
#define WEIR_WORD_(type, name) \
    ::weir::detail::json_word { #name, static_cast<std::int64_t>(type::name) }

/// Gives a struct its JSON form and its name in errors. In the struct's namespace; at most 64 fields.
#define WEIR_STRUCT(type, ...)                                                                                        \
    [[maybe_unused]] inline const ::weir::detail::json_fields& weir_fields(const type*) {                             \
        static constexpr ::weir::detail::json_field each[] = {WEIR_SCAN_(WEIR_EACH_(WEIR_FIELD_, type, __VA_ARGS__))}; \
        static_assert(sizeof each / sizeof *each <= 64, "weir: WEIR_STRUCT takes 64 fields");                         \
        static constexpr ::weir::detail::json_fields all{#type, each, &::weir::detail::fresh_value<type>};            \
        return all;                                                                                                   \
    }                                                                                                                 \
    static_assert(true)

/// Gives an enum its names in JSON. In the enum's namespace.
#define WEIR_ENUM(type, ...)                                                                                         \
    [[maybe_unused]] inline const ::weir::detail::json_words& weir_words(const type*) {                              \
        static constexpr ::weir::detail::json_word each[] = {WEIR_SCAN_(WEIR_EACH_(WEIR_WORD_, type, __VA_ARGS__))}; \
        static constexpr ::weir::detail::json_words all{#type, each};                                                \
        return all;                                                                                                  \
    }                                                                                                                \
    static_assert(true)
