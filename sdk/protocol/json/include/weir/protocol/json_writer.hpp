// Writes JSON text, item by item; commas are its business.
#pragma once
#include <weir/base/bytes.hpp>
#include <weir/base/uuid.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace weir::protocol {

class json_writer {
public:
    void begin_object() { begin('{'); }
    void end_object() { end('}'); }
    void begin_array() { begin('['); }
    void end_array() { end(']'); }
    void key(std::string_view name);
    void null() { literal("null"); }
    void boolean(bool value) { literal(value ? "true" : "false"); }
    void number(std::int64_t value);
    /// Always with a fraction or an exponent; what JSON has no number for is null.
    void number(double value);
    /// Bytes that are no UTF-8 become U+FFFD.
    void string(std::string_view value);
    void base64(bytes_view value);
    void id(const uuid& value);
    /// A value that is JSON already.
    void raw(std::string_view json) { literal(json); }
    std::string take() { return std::move(text_); }

private:
    void begin(char bracket);
    void end(char bracket);
    void literal(std::string_view text);
    void separate();

    std::string text_;
    bool first_ = true;
};

}  // namespace weir::protocol
