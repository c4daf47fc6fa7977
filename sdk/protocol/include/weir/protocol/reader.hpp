// Reads the fields of a message. Generated decoders call it; handlers use decode() of codec.hpp.
#pragma once
#include <weir/base/bytes.hpp>
#include <weir/base/error.hpp>
#include <weir/base/uuid.hpp>
#include <weir/protocol/record_data.hpp>
#include <weir/protocol/tagged_fields.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::protocol {

/// The first problem sticks: from then on every read gives zeros and nothing is left, so decoders check once, at the
/// end. Counts are checked against what is left before anything is reserved. `field` names what is read, for the error.
class reader {
public:
    /// Record data becomes views into `input`, holding `owner` when there is one.
    explicit reader(bytes_view input, std::shared_ptr<const void> owner = {}) noexcept
        : at_(input.data()),
          end_(input.data() + input.size()),
          owner_(std::move(owner)) {}

    std::size_t remaining() const noexcept { return static_cast<std::size_t>(end_ - at_); }
    bytes_view rest() const noexcept { return {at_, remaining()}; }
    /// The next `bytes` bytes, of which the caller knows that they are there.
    bytes_view take(std::size_t bytes) noexcept {
        at_ += bytes;
        return {at_ - bytes, bytes};
    }
    bool ok() const noexcept { return problem_ == nullptr; }
    /// errc::malformed, naming `message`, its version and the field; only when !ok().
    error failure(std::string_view message, std::int16_t version) const;

    template <class Int>
    Int number(const char* field) noexcept {
        if (remaining() < sizeof(Int)) [[unlikely]] {
            fail(field, ends_early);
            return Int{};
        }
        const auto value = load_big_endian<Int>(at_);
        at_ += sizeof(Int);
        return value;
    }
    bool boolean(const char* field) noexcept { return number<std::int8_t>(field) != 0; }
    double float64(const char* field) noexcept { return std::bit_cast<double>(number<std::uint64_t>(field)); }
    uuid id(const char* field) noexcept {
        const auto high = number<std::uint64_t>(field);
        return {high, number<std::uint64_t>(field)};
    }
    std::uint32_t unsigned_varint(const char* field) noexcept;

    void string(std::string& into, bool compact, const char* field);
    void string(std::optional<std::string>& into, bool compact, bool nullable, const char* field);
    void binary(bytes& into, bool compact, const char* field);
    void binary(std::optional<bytes>& into, bool compact, bool nullable, const char* field);
    void records(record_data& into, bool compact, bool nullable, const char* field);

    /// The number of elements of at least `element_bytes` each; -1 for null, when that is allowed; 0 after a failure.
    std::int32_t count(bool compact, bool nullable, std::size_t element_bytes, const char* field) noexcept;
    /// The byte in front of a nullable struct, or the varint when it is tagged. True: the struct follows.
    bool present(bool tagged, bool nullable, const char* field) noexcept;

    /// Steps through a tagged section: tag_count() times open_tag(), the payload, close_tag().
    std::uint32_t tag_count() noexcept;
    struct tag {
        std::uint32_t number;
        const std::byte* outer_end;
    };
    tag open_tag() noexcept;
    void close_tag(const tag& opened, const char* field) noexcept;
    /// The payload of an unknown tag, up to its end.
    void keep_tag(const tag& opened, tagged_fields& into);
    /// After the last tag of a section.
    void end_tags(tagged_fields& kept) noexcept {
        if (!kept.empty()) [[unlikely]]
            sort_tags(kept);
    }
    /// A whole section in which nothing is known.
    void unknown_tags(tagged_fields& into) {
        if (at_ != end_ && *at_ == std::byte{0}) [[likely]] {
            ++at_;
            return;
        }
        keep_all_tags(into);
    }
    /// A tag that belongs to other versions only.
    void misplaced_tag(const char* field) noexcept { fail(field, wrong_version); }

    void fail(const char* field, const char* problem) noexcept;

private:
    static const char ends_early[];
    static const char wrong_version[];
    std::int64_t length(bool compact, bool wide, bool nullable, const char* field) noexcept;
    void keep_all_tags(tagged_fields& into);
    void sort_tags(tagged_fields& kept) noexcept;

    const std::byte* at_;
    const std::byte* end_;
    std::shared_ptr<const void> owner_;
    const char* field_ = nullptr;
    const char* problem_ = nullptr;
};

namespace detail {

/// Room is made for what arrives, not for what a count promises.
inline constexpr std::int32_t reserve_at_once = 256;

inline void read_element(reader& in, std::string& into, bool compact, const char* field) {
    in.string(into, compact, field);
}
inline void read_element(reader& in, bytes& into, bool compact, const char* field) { in.binary(into, compact, field); }
inline void read_element(reader& in, uuid& into, bool, const char* field) { into = in.id(field); }
template <class Int>
    requires std::is_integral_v<Int>
void read_element(reader& in, Int& into, bool, const char* field) {
    into = in.number<Int>(field);
}

template <class T>
void read_plain_elements(reader& in, std::vector<T>& into, std::int32_t count, bool compact, const char* field) {
    into.clear();
    into.reserve(static_cast<std::size_t>(std::is_arithmetic_v<T> ? count : std::min(count, reserve_at_once)));
    for (; count > 0 && in.ok(); --count) read_element(in, into.emplace_back(), compact, field);
}
template <class T>
void read_struct_elements(reader& in, std::vector<T>& into, std::int32_t count, std::int16_t version) {
    into.clear();
    into.reserve(static_cast<std::size_t>(std::min(count, reserve_at_once)));
    for (; count > 0 && in.ok(); --count) read_fields(in, into.emplace_back(), version);
}

/// Arrays of anything but structs.
template <class T>
void read_plain(reader& in, std::vector<T>& into, bool compact, std::size_t element_bytes, const char* field) {
    read_plain_elements(in, into, in.count(compact, false, element_bytes, field), compact, field);
}
template <class T>
void read_plain(reader& in, std::optional<std::vector<T>>& into, bool compact, bool nullable, std::size_t element_bytes,
                const char* field) {
    const auto count = in.count(compact, nullable, element_bytes, field);
    if (count < 0)
        into.reset();
    else
        read_plain_elements(in, into.emplace(), count, compact, field);
}
/// Arrays of structs, read by the read_fields() that was generated for them.
template <class T>
void read_structs(reader& in, std::vector<T>& into, bool compact, std::size_t element_bytes, const char* field,
                  std::int16_t version) {
    read_struct_elements(in, into, in.count(compact, false, element_bytes, field), version);
}
template <class T>
void read_structs(reader& in, std::optional<std::vector<T>>& into, bool compact, bool nullable,
                  std::size_t element_bytes, const char* field, std::int16_t version) {
    const auto count = in.count(compact, nullable, element_bytes, field);
    if (count < 0)
        into.reset();
    else
        read_struct_elements(in, into.emplace(), count, version);
}
template <class T>
void read_nullable_struct(reader& in, std::optional<T>& into, bool tagged, bool nullable, const char* field,
                          std::int16_t version) {
    // With an argument: clang asks whether emplace() fits before the enclosing struct is complete, and keeps its no.
    if (in.present(tagged, nullable, field))
        read_fields(in, into.emplace(T{}), version);
    else
        into.reset();
}

}  // namespace detail
}  // namespace weir::protocol
