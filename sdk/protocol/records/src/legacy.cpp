#include <weir/protocol/records/legacy.hpp>

#include "framing.hpp"

#include <fmt/format.h>
#include <zlib.h>

namespace weir::protocol {
namespace {

error broken(const legacy_entry& entry, std::string_view fault) {
    return error{errc::invalid_record,
                 fmt::format("message of magic {} at offset {}: {}", entry.magic(), entry.offset(), fault)};
}

/// The nullable byte string at the front of `in`, which moves behind it.
bool take(bytes_view& in, std::optional<bytes_view>& out) noexcept {
    if (in.size() < 4) return false;
    const auto length = load_big_endian<std::int32_t>(in.data());
    in = in.subspan(4);
    out = std::nullopt;
    if (length == -1) return true;
    if (length < 0 || static_cast<std::size_t>(length) > in.size()) return false;
    out = in.first(static_cast<std::size_t>(length));
    in = in.subspan(static_cast<std::size_t>(length));
    return true;
}

bool parse(const legacy_entry& entry, record_view& out) noexcept {
    auto rest = entry.whole().subspan(entry.magic() == 0 ? 18 : 26);
    out = {};
    out.offset = entry.offset();
    out.timestamp = entry.timestamp();
    out.encoded = entry.whole();
    return take(rest, out.key) && take(rest, out.value) && rest.empty();
}

}  // namespace

result<legacy_entry> legacy_entry::open(bytes_view input) {
    const auto frame = detail::inspect_frame(input);
    switch (frame.state) {
        case detail::frame_state::incomplete:
            return error{errc::incomplete, fmt::format("{} bytes end inside a message", input.size())};
        case detail::frame_state::bad_length:
            return error{errc::corrupt_message, fmt::format("message with impossible length {}", frame.length)};
        case detail::frame_state::bad_magic:
            return error{errc::corrupt_message, fmt::format("message of unknown magic {}", frame.magic)};
        case detail::frame_state::whole: break;
    }
    if (frame.magic > 1)
        return error{errc::corrupt_message, "a record batch, where a message of magic 0 or 1 is needed"};
    return legacy_entry{input.first(frame.size())};
}

std::optional<timestamp_type> legacy_entry::time_type() const noexcept {
    if (magic() == 0) return std::nullopt;
    return static_cast<timestamp_type>((attributes() >> 3) & 1);
}

timestamp_ms legacy_entry::timestamp() const noexcept {
    return magic() == 0 ? no_timestamp : load_big_endian<std::int64_t>(bytes_.data() + 18);
}

bool legacy_entry::crc_matches() const noexcept {
    const auto covered = bytes_.subspan(16);
    return crc32_z(0, reinterpret_cast<const Bytef*>(covered.data()), covered.size()) == crc();
}

result<std::span<const record_view>> legacy_reader::read(const legacy_entry& entry) {
    records_.clear();
    record_view outer;
    if (!parse(entry, outer)) return broken(entry, "key or value leaves the message");
    if (!entry.compressed()) {
        records_.push_back(outer);
        return std::span<const record_view>{records_};
    }
    if (!outer.value) return broken(entry, "compressed, but without a value");
    if (auto done = read_wrapped(entry, *outer.value); !done) {
        records_.clear();
        return done.error();
    }
    return std::span<const record_view>{records_};
}

result<void> legacy_reader::read_wrapped(const legacy_entry& entry, bytes_view compressed) {
    const auto which = codec_from_bits(entry.codec_bits());
    if (!which || *which == codec::zstd) return broken(entry, "a codec this format does not have");
    const auto variant = entry.magic() == 0 ? lz4_variant::magic0 : lz4_variant::standard;
    if (auto done = decompress(*which, compressed, limit_, buffer_, variant); !done) {
        const auto code = done.code() == errc::message_too_large ? errc::message_too_large : errc::invalid_record;
        return error{code, fmt::format("the message at offset {} does not decompress", entry.offset()), done.error()};
    }
    auto rest = buffer_.view();
    while (!rest.empty()) {
        const auto inner = legacy_entry::open(rest);
        if (!inner) return broken(entry, "the messages inside do not parse");
        if (inner->magic() != entry.magic()) return broken(entry, "a message inside is of another magic");
        if (inner->compressed()) return broken(entry, "a message inside is compressed again");
        if (!inner->crc_matches()) return broken(entry, "a message inside has a wrong checksum");
        record_view record;
        if (!parse(*inner, record)) return broken(entry, "key or value inside leaves its message");
        records_.push_back(record);
        rest = rest.subspan(inner->size());
    }
    if (records_.empty()) return broken(entry, "compressed, but without messages inside");
    if (entry.magic() == 0) return {};
    // Inner offsets count from the set's start; the outer one is that of the last message.
    const auto shift = static_cast<std::uint64_t>(entry.offset()) - static_cast<std::uint64_t>(records_.back().offset);
    for (auto& record : records_) {
        record.offset = static_cast<std::int64_t>(static_cast<std::uint64_t>(record.offset) + shift);
        if (entry.time_type() == timestamp_type::log_append_time) record.timestamp = entry.timestamp();
    }
    return {};
}

}  // namespace weir::protocol
