// Writes values of described types as JSON, by their tables.
#include <weir/struct.hpp>

#include <weir/base/base64.hpp>

#include <charconv>
#include <cmath>

namespace weir::detail {
namespace {

/// How many bytes of well-formed UTF-8 begin `text`, 0 when none do.
std::size_t utf8_length(std::string_view text) noexcept {
    const auto octet = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
    const auto more = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xbf) { return octet(i) >= low && octet(i) <= high; };
    const auto first = octet(0);
    if (first < 0x80) return 1;
    if (first >= 0xc2 && first <= 0xdf) return more(1) ? 2 : 0;
    if (first >= 0xe0 && first <= 0xef) return more(1, first == 0xe0 ? 0xa0 : 0x80, first == 0xed ? 0x9f : 0xbf) && more(2) ? 3 : 0;
    if (first >= 0xf0 && first <= 0xf4) return more(1, first == 0xf0 ? 0x90 : 0x80, first == 0xf4 ? 0x8f : 0xbf) && more(2) && more(3) ? 4 : 0;
    return 0;
}

/// JSON is UTF-8: what is not becomes U+FFFD, as where Java makes a string of it.
void write_text(std::string_view text, byte_sink& sink) {
    sink.write("\"", 1);
    std::size_t plain = 0;  // [plain, i) goes as it is
    for (std::size_t i = 0; i < text.size();) {
        const auto octet = static_cast<unsigned char>(text[i]);
        const auto length = octet < 0x80 ? 1 : utf8_length(text.substr(i));
        if (octet >= 0x20 && octet != '"' && octet != '\\' && length > 0) {
            i += length;
            continue;
        }
        sink.write(text.substr(plain, i - plain));
        switch (octet) {
            case '"': sink.write("\\\"", 2); break;
            case '\\': sink.write("\\\\", 2); break;
            case '\n': sink.write("\\n", 2); break;
            case '\r': sink.write("\\r", 2); break;
            case '\t': sink.write("\\t", 2); break;
            default:
                if (octet >= 0x80) {
                    sink.write("\xef\xbf\xbd", 3);
                } else {
                    constexpr char hex[] = "0123456789abcdef";
                    const char escaped[] = {'\\', 'u', '0', '0', hex[octet >> 4], hex[octet & 15]};
                    sink.write(escaped, sizeof escaped);
                }
        }
        plain = ++i;
    }
    sink.write(text.substr(plain));
    sink.write("\"", 1);
}

template <class Number>
void write_number(Number value, byte_sink& sink) {
    char text[40];
    const auto end = std::to_chars(text, text + sizeof text, value).ptr;
    sink.write(text, static_cast<std::size_t>(end - text));
}

/// The shortest text that reads back the same, with a point in it: readers that go by the text see a float.
template <class Float>
void write_float(Float value, byte_sink& sink) {
    if (!std::isfinite(value)) {  // which JSON cannot say; Jackson's words
        write_text(std::isnan(value) ? "NaN" : value < 0 ? "-Infinity" : "Infinity", sink);
        return;
    }
    char text[40];
    const auto end = std::to_chars(text, text + sizeof text, value).ptr;
    const std::string_view written{text, static_cast<std::size_t>(end - text)};
    sink.write(written);
    if (written.find_first_of(".e") == std::string_view::npos) sink.write(".0", 2);
}

template <class Int>
Int load(const void* from) noexcept {
    Int value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

std::int64_t load_signed(const json_type& type, const void* from) noexcept {
    switch (type.size) {
        case 1: return load<std::int8_t>(from);
        case 2: return load<std::int16_t>(from);
        case 4: return load<std::int32_t>(from);
        default: return load<std::int64_t>(from);
    }
}
std::uint64_t load_unsigned(const json_type& type, const void* from) noexcept {
    switch (type.size) {
        case 1: return load<std::uint8_t>(from);
        case 2: return load<std::uint16_t>(from);
        case 4: return load<std::uint32_t>(from);
        default: return load<std::uint64_t>(from);
    }
}

/// Enum values are compared by the bits they have: `size` bytes of them.
bool is_word(const json_type& type, const json_word& word, const void* value) noexcept {
    const auto mask = type.size >= 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << (8 * type.size)) - 1;
    return (static_cast<std::uint64_t>(word.value) & mask) == load_unsigned(type, value);
}

struct list_writer {
    const json_type& element;
    byte_sink& sink;
    bool first = true;
    void comma() {
        if (!first) sink.write(",", 1);
        first = false;
    }
};

void write(const json_type& type, const void* value, byte_sink& sink) {
    switch (type.kind) {
        case json_kind::boolean: sink.write(*static_cast<const bool*>(value) ? std::string_view{"true"} : "false"); return;
        case json_kind::integer:
            if (type.is_signed) write_number(load_signed(type, value), sink);
            else write_number(load_unsigned(type, value), sink);
            return;
        case json_kind::floating:
            if (type.size == sizeof(float)) write_float(*static_cast<const float*>(value), sink);
            else write_float(*static_cast<const double*>(value), sink);
            return;
        case json_kind::text: write_text(*static_cast<const std::string*>(value), sink); return;
        case json_kind::binary: write_text(to_base64(*static_cast<const bytes*>(value)), sink); return;
        case json_kind::time: write_number(static_cast<const timestamp*>(value)->time_since_epoch().count(), sink); return;
        case json_kind::id: {
            sink.write("\"", 1);
            serde_traits<uuid>::encode(*static_cast<const uuid*>(value), sink);
            sink.write("\"", 1);
            return;
        }
        case json_kind::word:
            for (const auto& word : type.words().all) {
                if (is_word(type, word, value)) return write_text(word.name, sink);
            }
            write_number(load_unsigned(type, value), sink);  // no name: shows as what it is, and is refused when read
            return;
        case json_kind::optional: {
            list_writer held{*type.element, sink};
            type.each(value, [](void* context, std::string_view, const void* element) {
                auto& to = *static_cast<list_writer*>(context);
                to.first = false;
                write(to.element, element, to.sink);
            }, &held);
            if (held.first) sink.write("null", 4);
            return;
        }
        case json_kind::list: {
            list_writer items{*type.element, sink};
            sink.write("[", 1);
            type.each(value, [](void* context, std::string_view, const void* element) {
                auto& to = *static_cast<list_writer*>(context);
                to.comma();
                write(to.element, element, to.sink);
            }, &items);
            sink.write("]", 1);
            return;
        }
        case json_kind::map: {
            list_writer items{*type.element, sink};
            sink.write("{", 1);
            type.each(value, [](void* context, std::string_view key, const void* element) {
                auto& to = *static_cast<list_writer*>(context);
                to.comma();
                write_text(key, to.sink);
                to.sink.write(":", 1);
                write(to.element, element, to.sink);
            }, &items);
            sink.write("}", 1);
            return;
        }
        case json_kind::object: {
            char before = '{';
            for (const auto& field : type.fields().all) {
                sink.write(&before, 1);
                before = ',';
                sink.write("\"", 1);
                sink.write(field.name);
                sink.write("\":", 2);
                write(*field.type, field.get(const_cast<void*>(value)), sink);  // get() only points
            }
            if (before == '{') sink.write("{", 1);
            sink.write("}", 1);
            return;
        }
    }
}

}  // namespace

void json_encode(const json_type& type, const void* value, byte_sink& sink) { write(type, value, sink); }

}  // namespace weir::detail
