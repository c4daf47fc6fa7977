// Message sets of magic 0 and 1, for reading logs from before 2017. Nothing here writes them.
#pragma once
#include <weir/protocol/records/record.hpp>

#include <span>
#include <vector>

namespace weir::protocol {

/// One entry of a message set, read in place: a message, or a compressed set of messages.
class legacy_entry {
public:
    /// The entry at the front of `input`. errc::incomplete when the input ends inside it, errc::corrupt_message when
    /// its length or magic is impossible. Does not look at the CRC.
    static result<legacy_entry> open(bytes_view input);

    bytes_view whole() const noexcept { return bytes_; }
    std::size_t size() const noexcept { return bytes_.size(); }
    /// The last offset of a compressed entry.
    std::int64_t offset() const noexcept { return load_big_endian<std::int64_t>(bytes_.data()); }
    std::uint32_t crc() const noexcept { return load_big_endian<std::uint32_t>(bytes_.data() + 12); }
    std::int8_t magic() const noexcept { return load_big_endian<std::int8_t>(bytes_.data() + 16); }
    std::uint8_t attributes() const noexcept { return load_big_endian<std::uint8_t>(bytes_.data() + 17); }
    std::uint8_t codec_bits() const noexcept { return attributes() & 0x7; }
    bool compressed() const noexcept { return codec_bits() != 0; }
    /// nullopt for magic 0, which has no timestamps.
    std::optional<timestamp_type> time_type() const noexcept;
    timestamp_ms timestamp() const noexcept;
    /// Whether the plain CRC-32 over the part after it matches.
    bool crc_matches() const noexcept;

private:
    explicit legacy_entry(bytes_view whole) noexcept : bytes_(whole) {}
    bytes_view bytes_;
};

/// Reads entries one after the other through one buffer.
class legacy_reader {
public:
    explicit legacy_reader(std::size_t limit = default_decompressed_limit) noexcept : limit_(limit) {}

    /// The messages of one entry with their absolute offsets; sequence -1, no headers. Checks lengths, and the CRC of
    /// every inner message. errc::invalid_record: broken, nested compression, a codec these formats do not have.
    /// The records are valid until the next call.
    result<std::span<const record_view>> read(const legacy_entry& entry);

private:
    result<void> read_wrapped(const legacy_entry& entry, bytes_view compressed);
    std::size_t limit_;
    scratch_buffer buffer_;
    std::vector<record_view> records_;
};

}  // namespace weir::protocol
