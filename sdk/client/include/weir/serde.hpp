// Values to bytes and back, in the forms Kafka's own Java serializers write.
#pragma once
#include <weir/base/bytes.hpp>
#include <weir/base/error.hpp>
#include <weir/base/uuid.hpp>

#include <chrono>
#include <concepts>
#include <optional>

namespace weir {

using duration = std::chrono::milliseconds;
using timestamp = std::chrono::sys_time<duration>;
/// The system's clock, as records are stamped.
timestamp now();

/// Where an encoder writes; grows as needed. Made by the library, used by serde_traits.
class byte_sink {
public:
    void write(const void* from, std::size_t count) {
        if (count > static_cast<std::size_t>(end_ - at_)) grow(count);
        if (count > 0) std::memcpy(at_, from, count);
        at_ += count;
    }
    void write(bytes_view data) { write(data.data(), data.size()); }
    void write(std::string_view text) { write(text.data(), text.size()); }
    template <std::integral Int>
    void big_endian(Int value) {
        value = to_big_endian(value);
        write(&value, sizeof value);
    }

    byte_sink() = default;
    byte_sink(const byte_sink&) = delete;
    byte_sink& operator=(const byte_sink&) = delete;
    /// What was written; nothing is an empty span, not a null one.
    bytes_view view() const noexcept { return {storage_.empty() ? &nothing : storage_.data(), static_cast<std::size_t>(at_ - storage_.data())}; }
    void clear() noexcept { at_ = storage_.data(); }

private:
    void grow(std::size_t count);
    static constexpr std::byte nothing{};
    bytes storage_;
    std::byte* at_ = nullptr;
    std::byte* end_ = nullptr;
};

/// A record without a key, or without a value: null on the wire.
struct none {
    friend bool operator==(none, none) = default;
};

/// The customization point. A specialisation has
///     static void encode(const T&, byte_sink&);
///     static error decode(bytes_view, T&);            // the data() of null is nullptr
/// and may have `static bool is_null(const T&)`, for types that can say null, and `static bytes_view view(const T&)`, for
/// types whose bytes are there already.
template <class T>
struct serde_traits;

template <class T>
concept has_serde = requires(const T& in, T& out, byte_sink& sink, bytes_view data) {
    serde_traits<T>::encode(in, sink);
    { serde_traits<T>::decode(data, out) } -> std::same_as<error>;
};

template <>
struct serde_traits<none> {
    static void encode(none, byte_sink&) {}
    static bool is_null(none) { return true; }
    static error decode(bytes_view, none&) { return {}; }
};

namespace detail {
/// errc::malformed: null, where the type has no null.
error null_value(const char* type);
error wrong_size(const char* type, std::size_t expected, std::size_t got);

/// Owners and views of bytes and text travel as they are.
template <class T, const char* Name>
struct plain_bytes {
    static void encode(const T& value, byte_sink& sink) { sink.write(view(value)); }
    static bytes_view view(const T& value) { return std::as_bytes(std::span{value.data(), value.size()}); }
    static error decode(bytes_view data, T& out) {
        if (!data.data()) return null_value(Name);
        using element = typename T::value_type;
        const auto* first = reinterpret_cast<const element*>(data.data());
        out = T(first, first + data.size());
        return {};
    }
};
inline constexpr char text_name[] = "text";
inline constexpr char bytes_name[] = "bytes";

template <class T>
concept java_integer = std::same_as<T, std::int16_t> || std::same_as<T, std::int32_t> || std::same_as<T, std::int64_t>;
template <class T>
concept java_float = std::same_as<T, float> || std::same_as<T, double>;
}  // namespace detail

template <>
struct serde_traits<std::string> : detail::plain_bytes<std::string, detail::text_name> {
    static error decode(bytes_view data, std::string& out) {
        if (!data.data()) return detail::null_value(detail::text_name);
        out.assign(as_text(data));  // keeps the room it has
        return {};
    }
};
/// Zero-copy: lives as long as the batch it was read from.
template <>
struct serde_traits<std::string_view> : detail::plain_bytes<std::string_view, detail::text_name> {};
template <>
struct serde_traits<bytes> : detail::plain_bytes<bytes, detail::bytes_name> {
    static error decode(bytes_view data, bytes& out) {
        if (!data.data()) return detail::null_value(detail::bytes_name);
        out.assign(data.begin(), data.end());
        return {};
    }
};
/// Zero-copy; null reads as a span whose data() is nullptr, and such a span is written as null.
template <>
struct serde_traits<bytes_view> {
    static void encode(bytes_view value, byte_sink& sink) { sink.write(value); }
    static bool is_null(bytes_view value) { return value.data() == nullptr; }
    static bytes_view view(bytes_view value) { return value; }
    static error decode(bytes_view data, bytes_view& out) {
        out = data;
        return {};
    }
};

/// Big-endian, as ShortSerializer, IntegerSerializer and LongSerializer write them.
template <detail::java_integer Int>
struct serde_traits<Int> {
    static void encode(Int value, byte_sink& sink) { sink.big_endian(value); }
    static error decode(bytes_view data, Int& out) {
        if (data.size() != sizeof(Int)) return data.data() ? detail::wrong_size("integer", sizeof(Int), data.size()) : detail::null_value("integer");
        out = load_big_endian<Int>(data.data());
        return {};
    }
};
/// The bits of IEEE 754, big-endian: FloatSerializer and DoubleSerializer.
template <detail::java_float Float>
struct serde_traits<Float> {
    using bits = std::conditional_t<sizeof(Float) == 8, std::uint64_t, std::uint32_t>;
    static void encode(Float value, byte_sink& sink) { sink.big_endian(std::bit_cast<bits>(value)); }
    static error decode(bytes_view data, Float& out) {
        if (data.size() != sizeof(Float)) return data.data() ? detail::wrong_size("number", sizeof(Float), data.size()) : detail::null_value("number");
        out = std::bit_cast<Float>(load_big_endian<bits>(data.data()));
        return {};
    }
};
/// One byte, 0 or 1: BooleanSerializer.
template <>
struct serde_traits<bool> {
    static void encode(bool value, byte_sink& sink) { sink.big_endian(static_cast<std::uint8_t>(value)); }
    static error decode(bytes_view data, bool& out);
};
/// Its 36 characters: UUIDSerializer.
template <>
struct serde_traits<uuid> {
    static void encode(const uuid& value, byte_sink& sink);
    static error decode(bytes_view data, uuid& out);
};
/// Milliseconds since 1970 as an int64.
template <>
struct serde_traits<timestamp> {
    static void encode(timestamp value, byte_sink& sink) { sink.big_endian(static_cast<std::int64_t>(value.time_since_epoch().count())); }
    static error decode(bytes_view data, timestamp& out) {
        std::int64_t count = 0;
        auto why = serde_traits<std::int64_t>::decode(data, count);
        out = timestamp{duration{count}};
        return why;
    }
};
/// Null is nullopt.
template <has_serde T>
struct serde_traits<std::optional<T>> {
    static void encode(const std::optional<T>& value, byte_sink& sink) {
        if (value) serde_traits<T>::encode(*value, sink);
    }
    static bool is_null(const std::optional<T>& value) { return !value; }
    static error decode(bytes_view data, std::optional<T>& out) {
        if (!data.data()) {
            out.reset();
            return {};
        }
        if (!out) out.emplace(T{});
        return serde_traits<T>::decode(data, *out);
    }
};

/// The run-time form: what a topic carries, and what the library calls.
struct serde_ops {
    void (*encode)(const void* state, const void* value, byte_sink& sink);
    error (*decode)(const void* state, bytes_view data, void* value);
    bool (*is_null)(const void* value);          ///< nullptr: never
    bytes_view (*view)(const void* value);       ///< nullptr: has to be encoded
};

namespace detail {
template <class T>
constexpr serde_ops make_serde_ops() {
    serde_ops ops{[](const void*, const void* value, byte_sink& sink) { serde_traits<T>::encode(*static_cast<const T*>(value), sink); },
                  [](const void*, bytes_view data, void* value) -> error { return serde_traits<T>::decode(data, *static_cast<T*>(value)); },
                  nullptr, nullptr};
    if constexpr (requires(const T& v) { serde_traits<T>::is_null(v); })
        ops.is_null = [](const void* value) -> bool { return serde_traits<T>::is_null(*static_cast<const T*>(value)); };
    if constexpr (requires(const T& v) { serde_traits<T>::view(v); })
        ops.view = [](const void* value) -> bytes_view { return serde_traits<T>::view(*static_cast<const T*>(value)); };
    return ops;
}
}  // namespace detail
template <has_serde T>
inline constexpr serde_ops default_serde_ops = detail::make_serde_ops<T>();

/// How one type travels. Cheap to copy.
template <class T>
class serde {
public:
    serde() requires has_serde<T> : ops_(&default_serde_ops<T>) {}
    /// A form of your own; `ops` lives for the whole process, `state` is handed to it.
    serde(const serde_ops& ops, std::shared_ptr<const void> state) : ops_(&ops), state_(std::move(state)) {}
    void encode(const T& value, byte_sink& sink) const { ops_->encode(state_.get(), &value, sink); }
    error decode(bytes_view data, T& value) const { return ops_->decode(state_.get(), data, &value); }
    const serde_ops& ops() const noexcept { return *ops_; }
    const void* state() const noexcept { return state_.get(); }

private:
    const serde_ops* ops_;
    std::shared_ptr<const void> state_;
};

namespace detail {
template <class T>
consteval bool need_serde() {
    static_assert(has_serde<T>,
                  "weir: this type crosses a topic or a state store but has no serde. Write WEIR_STRUCT(type, fields...) after it for JSON, or "
                  "specialise weir::serde_traits<type>, or hand one to the topic: {.value = weir::serde<type>{...}}");
    return true;
}
}  // namespace detail

}  // namespace weir
