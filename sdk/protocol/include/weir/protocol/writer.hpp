// Writes the fields of a message. Generated encoders call it; handlers use encode() of codec.hpp.
#pragma once
#include <weir/base/bytes.hpp>
#include <weir/base/error.hpp>
#include <weir/base/uuid.hpp>
#include <weir/protocol/record_data.hpp>
#include <weir/protocol/tagged_fields.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir {
struct write_piece;
}

namespace weir::protocol {

/// One growing buffer, interrupted only where record data stays where it is: file ranges, and owned memory of at least
/// `splice_bytes`. The first problem sticks; clear() makes the writer usable again and keeps its memory.
class writer {
public:
    static constexpr std::size_t splice_bytes = 8192;

    writer() = default;
    explicit writer(std::size_t reserve) { buffer_.resize(reserve); }

    /// Bytes written so far, those that stay outside included.
    std::size_t size() const noexcept { return used_ + outside_bytes_; }
    bool ok() const noexcept { return problem_ == nullptr; }
    /// errc::unsupported_version for a value the version cannot carry, errc::malformed for one no version can.
    error failure(std::string_view message, std::int16_t version) const;
    void clear() noexcept;

    /// Everything in one piece, copied where it was outside; errc::io_error when a file cannot be read. Empties the
    /// writer.
    result<bytes> take_bytes();
    /// Everything as pieces for a gather write, nothing copied. Empties the writer.
    std::vector<write_piece> take_pieces();

    template <class Int>
    void number(Int value) {
        store_big_endian(room(sizeof(Int)), value);
        used_ += sizeof(Int);
    }
    void boolean(bool value) { number(static_cast<std::int8_t>(value)); }
    void float64(double value) { number(std::bit_cast<std::uint64_t>(value)); }
    void id(const uuid& value) {
        number(value.high);
        number(value.low);
    }
    void unsigned_varint(std::uint32_t value);
    void raw(bytes_view content);
    /// Overwrites four bytes written earlier, before any outside piece: the size of a frame.
    void patch(std::size_t at, std::int32_t value) noexcept { store_big_endian(buffer_.data() + at, value); }

    void string(const std::string& value, bool compact, const char* field);
    void string(const std::optional<std::string>& value, bool compact, bool nullable, const char* field);
    void binary(bytes_view value, bool compact, const char* field);
    void binary(const std::optional<bytes>& value, bool compact, bool nullable, const char* field);
    void records(const record_data& value, bool compact, bool nullable, const char* field);
    void count(std::size_t elements, bool compact, const char* field);
    void null_count(bool compact, bool nullable, const char* field);
    /// The byte in front of a nullable struct, or the varint when it is tagged.
    void present(bool is_there, bool tagged, bool nullable, const char* field);

    /// A tagged section in which nothing is known.
    void unknown_tags(const tagged_fields& unknown) {
        if (unknown.empty()) [[likely]]
            number(std::int8_t{0});
        else
            write_all_tags(unknown);
    }
    /// Unknown tags cannot go into a version without tagged sections.
    void no_tags(const tagged_fields& unknown) {
        if (!unknown.empty()) fail("unknown tagged fields", not_in_version);
    }
    /// A field the version lacks holds something the receiver would have to know.
    void absent(const char* field) noexcept { fail(field, not_in_version); }
    void fail(const char* field, const char* problem) noexcept;

private:
    friend class tag_section;
    static const char not_in_version[];
    struct outside {
        std::size_t at;  // position in buffer_
        record_data data;
    };

    std::byte* room(std::size_t bytes) {
        if (buffer_.size() - used_ < bytes) [[unlikely]]
            grow(bytes);
        return buffer_.data() + used_;
    }
    void grow(std::size_t bytes);
    void length(std::size_t bytes, bool compact, bool wide, const char* field);
    void write_all_tags(const tagged_fields& unknown);

    bytes buffer_;  // used_ bytes are content, the rest is room
    std::size_t used_ = 0;
    std::size_t outside_bytes_ = 0;
    std::vector<outside> outside_;
    const char* field_ = nullptr;
    const char* problem_ = nullptr;
};

/// Writes one tagged section: known tags in ascending order, unknown ones merged in between. The size of a payload is
/// filled in afterwards; payloads are nearly always short enough for the one byte that is left for it.
class tag_section {
public:
    tag_section(writer& out, std::uint32_t known, const tagged_fields& unknown)
        : out_(out),
          next_(unknown.begin()),
          end_(unknown.end()) {
        out.unsigned_varint(known + static_cast<std::uint32_t>(unknown.size()));
    }
    void open(std::uint32_t tag) {
        while (next_ != end_ && next_->tag < tag) write_unknown();
        out_.unsigned_varint(tag);
        out_.number(std::int8_t{0});
        start_ = out_.used_;
    }
    void close();
    void finish() {
        while (next_ != end_) write_unknown();
    }

private:
    void write_unknown();
    writer& out_;
    const tagged_fields::field* next_;
    const tagged_fields::field* end_;
    std::size_t start_ = 0;
};

namespace detail {

inline void write_element(writer& out, const std::string& value, bool compact, const char* field) {
    out.string(value, compact, field);
}
inline void write_element(writer& out, const bytes& value, bool compact, const char* field) {
    out.binary(value, compact, field);
}
inline void write_element(writer& out, const uuid& value, bool, const char*) { out.id(value); }
template <class Int>
    requires std::is_integral_v<Int>
void write_element(writer& out, Int value, bool, const char*) {
    out.number(value);
}

/// Arrays of anything but structs.
template <class T>
void write_plain(writer& out, const std::vector<T>& from, bool compact, const char* field) {
    out.count(from.size(), compact, field);
    for (const auto& element : from) write_element(out, element, compact, field);
}
template <class T>
void write_plain(writer& out, const std::optional<std::vector<T>>& from, bool compact, bool nullable,
                 const char* field) {
    if (from)
        write_plain(out, *from, compact, field);
    else
        out.null_count(compact, nullable, field);
}
/// Arrays of structs, written by the write_fields() that was generated for them.
template <class T>
void write_structs(writer& out, const std::vector<T>& from, bool compact, const char* field, std::int16_t version) {
    out.count(from.size(), compact, field);
    for (const auto& element : from) write_fields(out, element, version);
}
template <class T>
void write_structs(writer& out, const std::optional<std::vector<T>>& from, bool compact, bool nullable,
                   const char* field, std::int16_t version) {
    if (from)
        write_structs(out, *from, compact, field, version);
    else
        out.null_count(compact, nullable, field);
}
template <class T>
void write_nullable_struct(writer& out, const std::optional<T>& from, bool tagged, bool nullable, const char* field,
                           std::int16_t version) {
    out.present(from.has_value(), tagged, nullable, field);
    if (from) write_fields(out, *from, version);
}

}  // namespace detail
}  // namespace weir::protocol
