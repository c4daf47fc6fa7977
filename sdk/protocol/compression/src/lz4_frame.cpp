// LZ4 frames, read and written here rather than by the library's frame functions: those accept dependent blocks, which
// Java clients cannot read, and keep window buffers sized by the input's claim.
#include "codecs.hpp"
#include "xxhash32.hpp"

#include <lz4.h>
#include <lz4hc.h>

namespace weir::protocol::detail {
namespace {

constexpr std::uint32_t frame_magic = 0x184D2204;
constexpr std::uint32_t stored_bit = 0x80000000;  // in a block size: not compressed
constexpr std::size_t written_block_bytes = std::size_t{64} << 10;
constexpr std::uint8_t written_flags = 0x60;       // version 1, independent blocks
constexpr std::uint8_t written_block_code = 0x40;  // 64 KiB
// No lz4 sequence makes more than 255 bytes of one; small blocks cannot ask for a large output.
constexpr std::size_t largest_lz4_ratio = 255;

std::uint32_t load_little(const std::byte* from) noexcept {
    std::uint32_t value;
    std::memcpy(&value, from, sizeof value);
    return value;
}
void store_little(std::byte* to, std::uint32_t value) noexcept { std::memcpy(to, &value, sizeof value); }

std::byte header_checksum(bytes_view hashed) noexcept { return static_cast<std::byte>(xxhash32(hashed) >> 8); }

struct frame_header {
    std::size_t bytes = 0;
    std::size_t block_bytes = 0;
    bool block_checksums = false;
    bool content_checksum = false;
    std::optional<std::uint64_t> content_size;
};

result<frame_header> read_header(bytes_view input, lz4_variant variant) {
    if (input.size() < 7) return malformed(codec::lz4, "the frame header is cut");
    if (load_little(input.data()) != frame_magic) return malformed(codec::lz4, "no lz4 frame");
    const auto flags = static_cast<std::uint8_t>(input[4]);
    const auto block_code = static_cast<std::uint8_t>(input[5]);
    if ((flags >> 6) != 1) return malformed(codec::lz4, "unknown frame version");
    if ((flags & 0x20) == 0)
        return malformed(codec::lz4, "blocks depend on each other, Kafka's readers need independent ones");
    if ((flags & 0x03) != 0) return malformed(codec::lz4, "dictionary or reserved flag set");
    if ((block_code & 0x8F) != 0 || (block_code >> 4) < 4) return malformed(codec::lz4, "unknown block size");
    frame_header header;
    header.block_bytes = std::size_t{1} << (8 + 2 * (block_code >> 4));  // 4: 64 KiB ... 7: 4 MiB
    header.block_checksums = (flags & 0x10) != 0;
    header.content_checksum = (flags & 0x04) != 0;
    std::size_t at = 6;
    if ((flags & 0x08) != 0) {
        if (input.size() < at + 9) return malformed(codec::lz4, "the frame header is cut");
        header.content_size = load_little(input.data() + at) | std::uint64_t{load_little(input.data() + at + 4)} << 32;
        at += 8;
    }
    const bool right = input[at] == header_checksum(input.subspan(4, at - 4)) ||
                       (variant == lz4_variant::magic0 && input[at] == header_checksum(input.first(at)));
    if (!right) return malformed(codec::lz4, "the frame header has a wrong checksum");
    header.bytes = at + 1;
    return header;
}

result<void> read_block(bytes_view block, bool stored, const frame_header& header, std::size_t limit,
                        scratch_buffer& out) {
    if (stored) {
        if (block.size() > header.block_bytes) return malformed(codec::lz4, "a block is larger than the frame allows");
        if (block.size() > limit - out.size()) return over_limit(codec::lz4, limit);
        std::memcpy(output_room(out, block.size() + 1, limit), block.data(), block.size());
        out.commit(block.size());
        return {};
    }
    const std::size_t left = limit - out.size();
    const std::size_t possible = std::min(header.block_bytes, block.size() * largest_lz4_ratio + 64);
    const std::size_t room = std::min(possible, left + 1);
    const int length = LZ4_decompress_safe(reinterpret_cast<const char*>(block.data()),
                                           reinterpret_cast<char*>(output_room(out, room, limit)),
                                           static_cast<int>(block.size()), static_cast<int>(room));
    if (length < 0 && room <= left) return malformed(codec::lz4, "a block does not decompress");
    if (length < 0 || static_cast<std::size_t>(length) > left) return over_limit(codec::lz4, limit);
    out.commit(static_cast<std::size_t>(length));
    return {};
}

/// One block into `target`, which has room for LZ4_compressBound; 0 when it does not get smaller.
std::size_t compress_block(std::int32_t level, bytes_view block, std::byte* target) {
    const auto* from = reinterpret_cast<const char*>(block.data());
    auto* to = reinterpret_cast<char*>(target);
    const int size = static_cast<int>(block.size());
    const int room = LZ4_compressBound(size);
    int written = 0;
    if (level == levels_of(codec::lz4)->standard) {
        // As in Kafka: the standard level is the fast compressor, every other one the high compressor at that level.
        written = LZ4_compress_default(from, to, size, room);
    } else {
        static thread_local const auto state = std::make_unique<LZ4_streamHC_t>();
        written = LZ4_compress_HC_extStateHC(state.get(), from, to, size, room, level);
    }
    return written > 0 && written < size ? static_cast<std::size_t>(written) : 0;
}

}  // namespace

result<void> lz4_compress(std::int32_t level, bytes_view input, scratch_buffer& out, lz4_variant variant) {
    std::byte* header = out.prepare(7);
    store_little(header, frame_magic);
    header[4] = std::byte{written_flags};
    header[5] = std::byte{written_block_code};
    header[6] = header_checksum(variant == lz4_variant::magic0 ? bytes_view{header, 6} : bytes_view{header + 4, 2});
    out.commit(7);
    while (!input.empty()) {
        const auto block = input.first(std::min(input.size(), written_block_bytes));
        std::byte* target =
            out.prepare(4 + static_cast<std::size_t>(LZ4_compressBound(static_cast<int>(block.size()))));
        if (const auto length = compress_block(level, block, target + 4); length != 0) {
            store_little(target, static_cast<std::uint32_t>(length));
            out.commit(4 + length);
        } else {
            store_little(target, static_cast<std::uint32_t>(block.size()) | stored_bit);
            std::memcpy(target + 4, block.data(), block.size());
            out.commit(4 + block.size());
        }
        input = input.subspan(block.size());
    }
    store_little(out.prepare(4), 0);
    out.commit(4);
    return {};
}

result<void> lz4_decompress(bytes_view input, std::size_t limit, scratch_buffer& out, lz4_variant variant) {
    const auto header = read_header(input, variant);
    if (!header) return header.error();
    const std::size_t trailer = header->block_checksums ? 4 : 0;
    input = input.subspan(header->bytes);
    for (;;) {
        if (input.size() < 4) return malformed(codec::lz4, "the frame ends without end mark");
        const auto word = load_little(input.data());
        input = input.subspan(4);
        if (word == 0) break;
        const std::size_t length = word & ~stored_bit;
        if (length + trailer > input.size()) return malformed(codec::lz4, "a block is longer than the frame");
        const auto block = input.first(length);
        if (trailer != 0 && load_little(input.data() + length) != xxhash32(block))
            return malformed(codec::lz4, "a block has a wrong checksum");
        if (auto read = read_block(block, (word & stored_bit) != 0, *header, limit, out); !read) return read;
        input = input.subspan(length + trailer);
    }
    if (header->content_checksum) {
        if (input.size() < 4) return malformed(codec::lz4, "the content checksum is missing");
        if (load_little(input.data()) != xxhash32(out.view())) return malformed(codec::lz4, "wrong content checksum");
        input = input.subspan(4);
    }
    if (header->content_size && *header->content_size != out.size()) return malformed(codec::lz4, "wrong content size");
    if (!input.empty()) return malformed(codec::lz4, "bytes behind the end of the frame");
    return {};
}

}  // namespace weir::protocol::detail
