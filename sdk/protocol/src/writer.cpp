#include <weir/protocol/writer.hpp>

#include <weir/base/files.hpp>
#include <weir/base/network.hpp>
#include <weir/base/varint.hpp>

#include <fmt/format.h>

namespace weir::protocol {

namespace {
constexpr char null_refused[] = "it is null, which this version does not allow";
constexpr char too_long[] = "it is longer than the protocol allows";
constexpr std::size_t longest_string = 32767;
constexpr std::size_t max_length = 2147483646;  // one more as a compact length
}  // namespace

constinit const char writer::not_in_version[] = "it is set, and this version has no such field";

void writer::fail(const char* field, const char* problem) noexcept {
    if (problem_) return;
    problem_ = problem;
    field_ = field;
}

error writer::failure(std::string_view message, std::int16_t version) const {
    const auto code = problem_ == too_long ? errc::malformed : errc::unsupported_version;
    return error{code, fmt::format("{} version {}: field {}: {}", message, version, field_, problem_)};
}

void writer::clear() noexcept {
    used_ = 0;
    outside_bytes_ = 0;
    outside_.clear();
    problem_ = nullptr;
    field_ = nullptr;
}

void writer::grow(std::size_t bytes) {
    buffer_.resize(std::max(std::max<std::size_t>(128, buffer_.size() * 2), used_ + bytes));
}

result<bytes> writer::take_bytes() {
    buffer_.resize(used_);
    auto outside = std::exchange(outside_, {});
    const auto total = size();
    auto written = std::exchange(buffer_, {});
    clear();
    if (outside.empty()) return written;
    bytes whole(total);
    auto* to = whole.data();
    std::size_t from = 0;
    const auto copy_until = [&](std::size_t end) {
        to = std::copy(written.begin() + static_cast<std::ptrdiff_t>(from),
                       written.begin() + static_cast<std::ptrdiff_t>(end), to);
        from = end;
    };
    for (const auto& piece : outside) {
        copy_until(piece.at);
        const auto bytes = static_cast<std::size_t>(piece.data.size());
        if (const auto& source = piece.data.source()) {
            const auto read = source->read_at(piece.data.source_offset(), mutable_bytes{to, bytes});
            if (!read) return read.error();
            if (*read != bytes)
                return error{errc::io_error, fmt::format("{}: {} bytes at {} expected, {} there", source->path(), bytes,
                                                         piece.data.source_offset(), *read)};
        } else {
            std::ranges::copy(piece.data.memory(), to);
        }
        to += bytes;
    }
    copy_until(written.size());
    return whole;
}

std::vector<write_piece> writer::take_pieces() {
    buffer_.resize(used_);
    auto outside = std::exchange(outside_, {});
    const auto written = std::make_shared<const bytes>(std::exchange(buffer_, {}));
    clear();
    std::vector<write_piece> pieces;
    pieces.reserve(outside.size() * 2 + 1);
    std::size_t from = 0;
    const auto add_until = [&](std::size_t end) {
        if (end == from) return;
        pieces.push_back({.owner = written, .memory = bytes_view{*written}.subspan(from, end - from)});
        from = end;
    };
    for (auto& piece : outside) {
        add_until(piece.at);
        if (const auto& source = piece.data.source())
            pieces.push_back(
                {.source = source, .source_offset = piece.data.source_offset(), .source_bytes = piece.data.size()});
        else
            pieces.push_back({.owner = piece.data.owner(), .memory = piece.data.memory()});
    }
    add_until(written->size());
    return pieces;
}

void writer::unsigned_varint(std::uint32_t value) { used_ += write_unsigned_varint(room(max_varint_bytes), value); }

void writer::raw(bytes_view content) {
    if (content.empty()) return;
    std::memcpy(room(content.size()), content.data(), content.size());
    used_ += content.size();
}

void writer::length(std::size_t bytes, bool compact, bool wide, const char* field) {
    if (bytes > (wide ? max_length : longest_string)) fail(field, too_long);
    if (compact)
        unsigned_varint(static_cast<std::uint32_t>(bytes + 1));
    else if (wide)
        number(static_cast<std::int32_t>(bytes));
    else
        number(static_cast<std::int16_t>(bytes));
}

void writer::string(const std::string& value, bool compact, const char* field) {
    length(value.size(), compact, false, field);
    if (ok()) raw(as_bytes(value));
}

void writer::string(const std::optional<std::string>& value, bool compact, bool nullable, const char* field) {
    if (value) return string(*value, compact, field);
    if (!nullable) fail(field, null_refused);
    if (compact)
        number(std::int8_t{0});
    else
        number(std::int16_t{-1});
}

void writer::binary(bytes_view value, bool compact, const char* field) {
    length(value.size(), compact, true, field);
    if (ok()) raw(value);
}

void writer::binary(const std::optional<bytes>& value, bool compact, bool nullable, const char* field) {
    if (value)
        binary(*value, compact, field);
    else
        null_count(compact, nullable, field);
}

void writer::records(const record_data& value, bool compact, bool nullable, const char* field) {
    if (value.is_null()) return null_count(compact, nullable, field);
    length(value.size(), compact, true, field);
    if (!ok() || value.size() == 0) return;
    if (!value.source() && (!value.owner() || value.size() < splice_bytes)) return raw(value.memory());
    outside_.push_back({used_, value});
    outside_bytes_ += value.size();
}

void writer::count(std::size_t elements, bool compact, const char* field) { length(elements, compact, true, field); }

void writer::null_count(bool compact, bool nullable, const char* field) {
    if (!nullable) fail(field, null_refused);
    if (compact)
        number(std::int8_t{0});
    else
        number(std::int32_t{-1});
}

void writer::present(bool is_there, bool tagged, bool nullable, const char* field) {
    if (!is_there && !nullable) fail(field, null_refused);
    number(static_cast<std::int8_t>(is_there ? 1 : tagged ? 0 : -1));
}

void writer::write_all_tags(const tagged_fields& unknown) { tag_section{*this, 0, unknown}.finish(); }

void tag_section::close() {
    const auto bytes = out_.used_ - start_;
    std::byte encoded[max_varint_bytes];
    const auto size_bytes = write_unsigned_varint(encoded, static_cast<std::uint32_t>(bytes));
    if (size_bytes > 1) {
        out_.room(size_bytes);  // may move the buffer
        auto* payload = out_.buffer_.data() + start_;
        std::memmove(payload + size_bytes - 1, payload, bytes);
        out_.used_ += size_bytes - 1;
    }
    std::memcpy(out_.buffer_.data() + start_ - 1, encoded, size_bytes);
}

void tag_section::write_unknown() {
    out_.unsigned_varint(next_->tag);
    out_.unsigned_varint(static_cast<std::uint32_t>(next_->payload.size()));
    out_.raw(next_->payload);
    ++next_;
}

}  // namespace weir::protocol
