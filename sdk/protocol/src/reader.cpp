#include <weir/protocol/reader.hpp>

#include <weir/base/varint.hpp>

#include <fmt/format.h>

namespace weir::protocol {

namespace {
// Both encodings share this limit (the old one cannot say more).
constexpr std::int64_t max_string_bytes = 32767;
constexpr char null_not_allowed[] = "it is null where the version does not allow that";
constexpr char negative[] = "its length is negative";
constexpr char too_long_string[] = "its length is above 32767 bytes";
constexpr char bad_varint[] = "it is no valid variable-length integer";
constexpr char tag_size[] = "its content is longer or shorter than its size says";
constexpr char bad_presence[] = "the mark in front of it is neither 'null' nor 'present'";
constexpr char repeated_tag[] = "a tag occurs twice";
constexpr char too_many_tags[] = "more tagged fields than the input can hold";
}  // namespace

constinit const char reader::ends_early[] = "the input ends before or inside it";
constinit const char reader::wrong_version[] = "the tag is not allowed in this version";

void reader::fail(const char* field, const char* problem) noexcept {
    if (!problem_) {
        problem_ = problem;
        field_ = field;
    }
    end_ = at_;
}

error reader::failure(std::string_view message, std::int16_t version) const {
    return error{errc::malformed, fmt::format("{} version {}: field {}: {}", message, version, field_, problem_)};
}

std::uint32_t reader::unsigned_varint(const char* field) noexcept {
    const auto read = read_unsigned_varint(rest());
    if (!read) {
        fail(field, read.incomplete() ? ends_early : bad_varint);
        return 0;
    }
    at_ += read.bytes;
    return read.value;
}

// -1 for null, when that is allowed; 0 after a failure. Never above what is left.
std::int64_t reader::length(bool compact, bool wide, bool nullable, const char* field) noexcept {
    std::int64_t value;
    if (compact)
        value = static_cast<std::int64_t>(unsigned_varint(field)) - 1;
    else if (wide)
        value = number<std::int32_t>(field);
    else
        value = number<std::int16_t>(field);
    if (!ok()) return 0;
    if (value < 0) {
        if (value == -1 && nullable) return -1;
        fail(field, value == -1 ? null_not_allowed : negative);
        return 0;
    }
    if (!wide && value > max_string_bytes) {
        fail(field, too_long_string);
        return 0;
    }
    if (static_cast<std::uint64_t>(value) > remaining()) {
        fail(field, ends_early);
        return 0;
    }
    return value;
}

void reader::string(std::string& into, bool compact, const char* field) {
    const auto bytes = static_cast<std::size_t>(length(compact, false, false, field));
    into.assign(reinterpret_cast<const char*>(at_), bytes);
    at_ += bytes;
}

void reader::string(std::optional<std::string>& into, bool compact, bool nullable, const char* field) {
    const auto bytes = length(compact, false, nullable, field);
    if (bytes < 0) {
        into.reset();
        return;
    }
    into.emplace(reinterpret_cast<const char*>(at_), static_cast<std::size_t>(bytes));
    at_ += bytes;
}

void reader::binary(bytes& into, bool compact, const char* field) {
    const auto bytes = length(compact, true, false, field);
    into.assign(at_, at_ + bytes);
    at_ += bytes;
}

void reader::binary(std::optional<bytes>& into, bool compact, bool nullable, const char* field) {
    const auto bytes = length(compact, true, nullable, field);
    if (bytes < 0) {
        into.reset();
        return;
    }
    into.emplace(at_, at_ + bytes);
    at_ += bytes;
}

void reader::records(record_data& into, bool compact, bool nullable, const char* field) {
    const auto bytes = length(compact, true, nullable, field);
    if (bytes < 0) {
        into = record_data{};
        return;
    }
    into = record_data{bytes_view{at_, static_cast<std::size_t>(bytes)}, owner_};
    at_ += bytes;
}

std::int32_t reader::count(bool compact, bool nullable, std::size_t element_bytes, const char* field) noexcept {
    const auto elements = length(compact, true, nullable, field);
    if (elements > 0 && static_cast<std::uint64_t>(elements) > remaining() / element_bytes) {
        fail(field, ends_early);
        return 0;
    }
    return static_cast<std::int32_t>(elements);
}

bool reader::present(bool tagged, bool nullable, const char* field) noexcept {
    bool is_there;
    if (tagged) {
        const auto mark = unsigned_varint(field);
        if (mark > 1) fail(field, bad_presence);
        is_there = mark == 1;
    } else {
        is_there = number<std::int8_t>(field) >= 0;
    }
    if (!ok()) return false;
    if (!is_there && !nullable) fail(field, null_not_allowed);
    return is_there;
}

std::uint32_t reader::tag_count() noexcept {
    const auto tags = unsigned_varint("tagged fields");
    // Each takes at least two bytes: its number and its size.
    if (tags > remaining() / 2) {
        fail("tagged fields", too_many_tags);
        return 0;
    }
    return tags;
}

reader::tag reader::open_tag() noexcept {
    const auto number = unsigned_varint("tagged fields");
    const auto bytes = unsigned_varint("tagged fields");
    if (ok() && bytes > remaining()) fail("tagged fields", ends_early);
    const tag opened{number, end_};
    if (ok()) end_ = at_ + bytes;
    return opened;
}

void reader::close_tag(const tag& opened, const char* field) noexcept {
    if (ok() && at_ != end_) fail(field, tag_size);
    if (ok()) end_ = opened.outer_end;
}

void reader::keep_tag(const tag& opened, tagged_fields& into) {
    if (!ok()) return;
    into.append(opened.number, rest());
    at_ = end_;
}

void reader::keep_all_tags(tagged_fields& into) {
    for (auto left = tag_count(); left > 0 && ok(); --left) {
        const auto opened = open_tag();
        keep_tag(opened, into);
        close_tag(opened, "tagged fields");
    }
    end_tags(into);
}

void reader::sort_tags(tagged_fields& kept) noexcept {
    if (!kept.sort()) fail("tagged fields", repeated_tag);
}

}  // namespace weir::protocol
