#include "codecs.hpp"

#include <snappy.h>

#include <array>

namespace weir::protocol::detail {
namespace {

// The stream framing of snappy-java: this header, then blocks of a big-endian length and a raw snappy block.
constexpr std::array<unsigned char, 16> stream_header{0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0, 0, 0, 0, 1, 0, 0, 0, 1};
constexpr std::size_t magic_bytes = 8;
constexpr std::size_t block_bytes = 32768;
// The densest element of the format is a copy of 64 bytes in 3.
constexpr std::size_t largest_snappy_ratio = 22;

const char* chars(bytes_view from) noexcept { return reinterpret_cast<const char*>(from.data()); }

bool begins_stream(bytes_view input) noexcept {
    return input.size() >= stream_header.size() && std::memcmp(input.data(), stream_header.data(), magic_bytes) == 0;
}

result<void> read_block(bytes_view block, std::size_t limit, scratch_buffer& out) {
    std::size_t length = 0;
    if (!snappy::GetUncompressedLength(chars(block), block.size(), &length))
        return malformed(codec::snappy, "a block has no length");
    if (length / largest_snappy_ratio > block.size()) return malformed(codec::snappy, "a block claims more than it can hold");
    if (length > limit - out.size()) return over_limit(codec::snappy, limit);
    // One byte more than nothing, so that an empty block has an address too.
    auto* target = reinterpret_cast<char*>(output_room(out, length + 1, limit));
    if (!snappy::RawUncompress(chars(block), block.size(), target))
        return malformed(codec::snappy, "a block does not decompress");
    out.commit(length);
    return {};
}

}  // namespace

result<void> snappy_compress(bytes_view input, scratch_buffer& out) {
    out.append(std::as_bytes(std::span{stream_header}));
    while (!input.empty()) {
        const auto block = input.first(std::min(input.size(), block_bytes));
        std::byte* target = out.prepare(4 + snappy::MaxCompressedLength(block.size()));
        std::size_t length = 0;
        snappy::RawCompress(chars(block), block.size(), reinterpret_cast<char*>(target + 4), &length);
        store_big_endian(target, static_cast<std::int32_t>(length));
        out.commit(4 + length);
        input = input.subspan(block.size());
    }
    return {};
}

result<void> snappy_decompress(bytes_view input, std::size_t limit, scratch_buffer& out) {
    if (!begins_stream(input)) return read_block(input, limit, out);
    if (load_big_endian<std::int32_t>(input.data() + 12) < 1)
        return malformed(codec::snappy, "the stream is of an incompatible version");
    input = input.subspan(stream_header.size());
    while (!input.empty()) {
        if (begins_stream(input)) {  // streams may follow each other
            input = input.subspan(stream_header.size());
            continue;
        }
        if (input.size() < 4) return malformed(codec::snappy, "the stream ends inside a block length");
        const auto length = load_big_endian<std::uint32_t>(input.data());
        input = input.subspan(4);
        if (length > input.size()) return malformed(codec::snappy, "a block is longer than the stream");
        if (auto read = read_block(input.first(length), limit, out); !read) return read;
        input = input.subspan(length);
    }
    return {};
}

}  // namespace weir::protocol::detail
