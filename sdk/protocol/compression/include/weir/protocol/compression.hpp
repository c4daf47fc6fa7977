// gzip, snappy, lz4 and zstd in the framings Kafka uses, both directions, behind one interface.
// Source: Kafka's record format and KIP-57 (lz4), KIP-110 (zstd), KIP-390 (levels).
#pragma once
#include <weir/base/bytes.hpp>
#include <weir/base/error.hpp>
#include <weir/protocol/scratch_buffer.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace weir::protocol {

/// The numbers are those of a batch's attribute bits 0-2.
enum class codec : std::uint8_t { none = 0, gzip = 1, snappy = 2, lz4 = 3, zstd = 4 };

/// "none", "gzip", ...: the values of compression.type.
std::string_view codec_name(codec which) noexcept;
/// nullopt for 5 to 7 and above: no codec has these numbers.
constexpr std::optional<codec> codec_from_bits(unsigned bits) noexcept {
    if (bits > 4) return std::nullopt;
    return static_cast<codec>(bits);
}
std::optional<codec> codec_from_name(std::string_view name) noexcept;

/// The values of compression.<codec>.level.
struct level_range {
    std::int32_t lowest = 0;
    std::int32_t highest = 0;
    std::int32_t standard = 0;  ///< what nullopt means
};
/// gzip 1..9 (and -1, the standard), lz4 1..17 (9), zstd -131072..22 (3); nullopt for codecs without levels.
std::optional<level_range> levels_of(codec which) noexcept;

/// How an lz4 frame's header checksum was made. Messages of magic 0 hash the frame magic too: a bug of their time.
enum class lz4_variant : std::uint8_t { standard, magic0 };

/// What a reader accepts when it has no limit of its own. A batch says nothing about its decompressed size.
inline constexpr std::size_t default_decompressed_limit = std::size_t{128} << 20;

/// Appends the compressed `input` to `out`. `level` outside levels_of() fails with errc::invalid_setting; codecs
/// without levels ignore none: a level for them is the same error. codec::none copies.
/// snappy is written in the stream framing of snappy-java with 32 KiB blocks, lz4 in 64 KiB blocks without checksums,
/// zstd without content size: what Java's own writers make.
result<void> compress(codec which, std::optional<std::int32_t> level, bytes_view input, scratch_buffer& out,
                      lz4_variant variant = lz4_variant::standard);
result<bytes> compress(codec which, std::optional<std::int32_t> level, bytes_view input);

/// Replaces the content of `out`. errc::malformed when the input is not one whole stream of that codec;
/// errc::message_too_large when it would be more than `limit` bytes. `out` grows with what really decompresses, at most
/// to `limit`, whatever sizes the input claims. snappy may be framed or one raw block.
/// Contexts are kept per thread.
result<void> decompress(codec which, bytes_view input, std::size_t limit, scratch_buffer& out,
                        lz4_variant variant = lz4_variant::standard);
result<bytes> decompress(codec which, bytes_view input, std::size_t limit = default_decompressed_limit);

}  // namespace weir::protocol
