// Reads JSON straight into values of described types, by their tables.
#include <weir/struct.hpp>

#include <weir/base/base64.hpp>

#include <boost/json/basic_parser_impl.hpp>
#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>

namespace weir::detail {
namespace {

constexpr std::size_t deepest = 64;  // lists and objects within each other

std::string expected(const json_type& type) {
    switch (type.kind) {
        case json_kind::boolean: return "true or false";
        case json_kind::integer:
            return type.is_signed ? fmt::format("a whole number of {} bits", 8 * type.size) : fmt::format("a whole number of {} bits, not below 0", 8 * type.size);
        case json_kind::floating: return "a number";
        case json_kind::text: return "text";
        case json_kind::binary: return "text in base64";
        case json_kind::time: return "a whole number of milliseconds";
        case json_kind::id: return "the text of a UUID";
        case json_kind::word: {
            std::string names = "one of";
            for (const auto& word : type.words().all) names += fmt::format(" \"{}\"", word.name);
            return names;
        }
        case json_kind::optional: return expected(*type.element) + " or null";
        case json_kind::list: return "a list";
        case json_kind::map:
        case json_kind::object: return "an object";
    }
    return "nothing";
}

/// Boost.JSON's parser calls it for each token. Between a name and its value, and in lists, `frames_` knows where the value
/// goes; within what the struct has no place for, `passing_` counts what is open.
class reader {
public:
    static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_array_size = max_object_size, max_key_size = max_object_size, max_string_size = max_object_size;
    using code = boost::json::error_code;
    using text = boost::json::string_view;

    reader(const json_type& type, void* value) : root_{&type, value} {}
    const std::string& problem() const noexcept { return problem_; }

    bool on_document_begin(code&) { return true; }
    bool on_document_end(code&) { return true; }

    bool on_object_begin(code& ec) { return open(ec, true); }
    bool on_object_end(std::size_t, code&) {
        if (passing_ > 0) return --passing_, true;
        const auto& done = frames_.back();
        if (done.type->kind == json_kind::object) {
            const auto& fields = done.type->fields();
            for (std::size_t i = 0; i < fields.all.size(); ++i) {
                if (done.seen >> i & 1) continue;
                const auto& field = fields.all[i];
                field.type->copy(field.get(done.at), field.get(const_cast<void*>(fields.fresh())));
            }
        }
        frames_.pop_back();
        return true;
    }
    bool on_array_begin(code& ec) { return open(ec, false); }
    bool on_array_end(std::size_t, code&) {
        if (passing_ > 0) return --passing_, true;
        frames_.back().type->cut(frames_.back().at, frames_.back().count);
        frames_.pop_back();
        return true;
    }

    bool on_key_part(text part, std::size_t, code&) {
        parts_.append(part.data(), part.size());
        return true;
    }
    bool on_key(text last, std::size_t, code&) {
        const auto key = whole(last);
        if (passing_ == 0) {
            auto& frame = frames_.back();
            frame.field = nullptr;
            if (frame.type->kind == json_kind::map) {
                frame.key = key;
            } else {
                const auto& fields = frame.type->fields().all;
                for (std::size_t i = 0; i < fields.size(); ++i) {
                    if (fields[i].name != key) continue;
                    frame.field = &fields[i];
                    frame.seen |= std::uint64_t{1} << i;
                    break;
                }
            }
        }
        parts_.clear();
        return true;
    }

    bool on_string_part(text part, std::size_t, code&) {
        parts_.append(part.data(), part.size());
        return true;
    }
    bool on_string(text last, std::size_t, code& ec) {
        const auto fits = take_text(whole(last), ec);
        parts_.clear();
        return fits;
    }

    bool on_number_part(text, code&) { return true; }
    bool on_int64(std::int64_t number, text, code& ec) { return take_whole(number, number < 0, static_cast<std::uint64_t>(number), ec); }
    bool on_uint64(std::uint64_t number, text, code& ec) { return take_whole(static_cast<std::int64_t>(number), false, number, ec); }
    bool on_double(double rounded, text digits, code& ec) {
        const auto to = next();
        if (!to.type) return true;
        if (to.type->kind == json_kind::floating) return store_float(to, {digits.data(), digits.size()}, ec);
        // 5.0 is whole as well; beyond 2^53 it may have been another number.
        if ((to.type->kind == json_kind::integer || to.type->kind == json_kind::time) && std::trunc(rounded) == rounded && std::fabs(rounded) <= 0x1p53) {
            const auto whole = static_cast<std::int64_t>(rounded);
            return store_whole(to, whole, whole < 0, static_cast<std::uint64_t>(whole), ec);
        }
        return refuse(to, fmt::format("the number {}", std::string_view{digits.data(), digits.size()}), ec);
    }
    bool on_bool(bool value, code& ec) {
        const auto to = next();
        if (!to.type) return true;
        if (to.type->kind != json_kind::boolean) return refuse(to, value ? "true" : "false", ec);
        *static_cast<bool*>(to.at) = value;
        return true;
    }
    bool on_null(code& ec) {
        auto to = place();
        if (!to.type) return true;
        if (to.type->kind != json_kind::optional) return refuse(to, "null", ec);
        to.type->cut(to.at, 0);
        return true;
    }
    bool on_comment_part(text, code&) { return true; }
    bool on_comment(text, code&) { return true; }

private:
    struct target {
        const json_type* type = nullptr;  ///< nullptr: there is no place for it
        void* at = nullptr;
    };
    struct frame {
        const json_type* type;
        void* at;
        std::uint64_t seen = 0;             // of an object: which fields were there
        const json_field* field = nullptr;  // of an object: whose value comes
        std::size_t count = 0;              // of a list: elements so far
        std::string key;                    // of a map: whose value comes
    };

    std::string_view whole(text last) {
        if (parts_.empty()) return {last.data(), last.size()};
        parts_.append(last.data(), last.size());
        return parts_;
    }

    /// Where the value that comes goes.
    target place() {
        if (passing_ > 0) return {};
        if (frames_.empty()) return root_;
        auto& in = frames_.back();
        switch (in.type->kind) {
            case json_kind::object: return in.field ? target{in.field->type, in.field->get(in.at)} : target{};
            case json_kind::list: return {in.type->element, in.type->slot(in.at, in.count++, {})};
            default: return {in.type->element, in.type->slot(in.at, 0, in.key)};
        }
    }
    /// The same for a value that is not null.
    target next() {
        auto to = place();
        while (to.type && to.type->kind == json_kind::optional) to = {to.type->element, to.type->slot(to.at, 0, {})};
        return to;
    }

    bool open(code& ec, bool object) {
        const auto to = next();
        if (!to.type) return ++passing_, true;
        const auto kind = to.type->kind;
        if (object ? kind != json_kind::object && kind != json_kind::map : kind != json_kind::list) return refuse(to, object ? "an object" : "a list", ec);
        if (kind == json_kind::map) to.type->cut(to.at, 0);
        frames_.push_back({to.type, to.at});
        return true;
    }

    bool take_text(std::string_view value, code& ec) {
        const auto to = next();
        if (!to.type) return true;
        switch (to.type->kind) {
            case json_kind::text: static_cast<std::string*>(to.at)->assign(value); return true;
            case json_kind::binary: {
                auto decoded = from_base64(value);
                if (!decoded) break;
                *static_cast<bytes*>(to.at) = std::move(*decoded);
                return true;
            }
            case json_kind::id:
                if (serde_traits<uuid>::decode(as_bytes(value), *static_cast<uuid*>(to.at))) break;
                return true;
            case json_kind::word:
                for (const auto& word : to.type->words().all) {
                    if (word.name != value) continue;
                    std::memcpy(to.at, &word.value, to.type->size);  // little-endian: the low bytes
                    return true;
                }
                break;
            case json_kind::floating:
                if (value == "NaN" || value == "Infinity" || value == "-Infinity") return store_float(to, value, ec);
                break;
            default: break;
        }
        return refuse(to, fmt::format("the text \"{}\"{}", value.substr(0, 40), value.size() > 40 ? "..." : ""), ec);
    }

    bool take_whole(std::int64_t number, bool negative, std::uint64_t magnitude, code& ec) {
        const auto to = next();
        return !to.type || store_whole(to, number, negative, magnitude, ec);
    }
    /// `magnitude` counts where the number is not negative.
    bool store_whole(const target& to, std::int64_t number, bool negative, std::uint64_t magnitude, code& ec) {
        const auto& type = *to.type;
        switch (type.kind) {
            case json_kind::integer: {
                const auto bits = 8u * type.size;
                const bool fits = negative          ? type.is_signed && number >= std::numeric_limits<std::int64_t>::min() >> (64 - bits)
                                  : type.is_signed ? magnitude <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) >> (64 - bits)
                                                   : magnitude <= std::numeric_limits<std::uint64_t>::max() >> (64 - bits);
                if (!fits) break;
                std::memcpy(to.at, &magnitude, type.size);  // little-endian: the low bytes
                return true;
            }
            case json_kind::time:
                if (!negative && magnitude > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) break;
                *static_cast<timestamp*>(to.at) = timestamp{duration{number}};
                return true;
            case json_kind::floating: return store_float(to, negative ? std::to_string(number) : std::to_string(magnitude), ec);
            default: break;
        }
        return refuse(to, fmt::format("the number {}", negative ? std::to_string(number) : std::to_string(magnitude)), ec);
    }
    /// From the digits: the parser's own double may be off by the last bit.
    bool store_float(const target& to, std::string_view digits, code& ec) {
        const auto read = [&]<class Float>(Float* into) {
            Float value{};
            const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
            // Too small for the type is 0 or nearly so, too large is a mistake.
            const bool vanished = failure == std::errc::result_out_of_range && digits.find("e-") != std::string_view::npos;
            if (failure != std::errc{} && !vanished) return refuse(to, fmt::format("the number {}", digits), ec);
            *into = vanished ? Float{0} : value;
            return true;
        };
        return to.type->size == sizeof(float) ? read(static_cast<float*>(to.at)) : read(static_cast<double*>(to.at));
    }

    bool refuse(const target& to, std::string_view found, code& ec) {
        problem_ = fmt::format("{}: {} is expected, there is {}", path(), expected(*to.type), found);
        ec = boost::json::error::syntax;  // any: problem_ is what is told
        return false;
    }
    std::string path() const {
        std::string where{root_.type->kind == json_kind::object ? root_.type->fields().type : "value"};
        for (const auto& in : frames_) {
            if (in.type->kind == json_kind::list) where += fmt::format("[{}]", in.count - 1);
            else if (in.type->kind == json_kind::map) where += fmt::format("[\"{}\"]", in.key);
            else if (in.field) where += fmt::format(".{}", in.field->name);
        }
        return where;
    }

    target root_;
    std::vector<frame> frames_;
    std::size_t passing_ = 0;
    std::string parts_;  // of a text that came in pieces
    std::string problem_;
};

}  // namespace

error json_decode(const json_type& type, bytes_view data, void* value) {
    if (!data.data()) return null_value("JSON");
    boost::json::parse_options options;
    options.max_depth = deepest;
    boost::json::basic_parser<reader> parser{options, type, value};
    boost::json::error_code failure;
    const auto text = as_text(data);
    auto read = parser.write_some(false, text.data(), text.size(), failure);
    if (!parser.handler().problem().empty()) return error{errc::malformed, parser.handler().problem()};
    if (failure == boost::json::error::too_deep) return error{errc::malformed, fmt::format("JSON: more than {} lists and objects within each other", deepest)};
    while (!failure && read < text.size() && std::string_view{" \t\r\n"}.find(text[read]) != std::string_view::npos) ++read;
    if (failure || read < text.size()) return error{errc::malformed, fmt::format("not JSON: {} at byte {}", failure ? failure.message() : "something else behind it", read)};
    return {};
}

const serde_ops& json_serde_ops() noexcept {
    static constexpr serde_ops ops{
        [](const void* state, const void* value, byte_sink& sink) { json_encode(*static_cast<const json_type*>(state), value, sink); },
        [](const void* state, bytes_view data, void* value) -> error { return json_decode(*static_cast<const json_type*>(state), data, value); }, nullptr, nullptr};
    return ops;
}

}  // namespace weir::detail
