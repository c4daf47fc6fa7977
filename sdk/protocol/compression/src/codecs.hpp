// One pair of functions per codec; compression.cpp picks. Inputs are at most 2^31-1 bytes, and not empty on reading.
#pragma once
#include <weir/protocol/compression.hpp>

namespace weir::protocol::detail {

result<void> gzip_compress(std::int32_t level, bytes_view input, scratch_buffer& out);
result<void> gzip_decompress(bytes_view input, std::size_t limit, scratch_buffer& out);
result<void> snappy_compress(bytes_view input, scratch_buffer& out);
result<void> snappy_decompress(bytes_view input, std::size_t limit, scratch_buffer& out);
result<void> lz4_compress(std::int32_t level, bytes_view input, scratch_buffer& out, lz4_variant variant);
result<void> lz4_decompress(bytes_view input, std::size_t limit, scratch_buffer& out, lz4_variant variant);
result<void> zstd_compress(std::int32_t level, bytes_view input, scratch_buffer& out);
result<void> zstd_decompress(bytes_view input, std::size_t limit, scratch_buffer& out);

error malformed(codec which, std::string_view what);
error over_limit(codec which, std::size_t limit);

/// The next capacity for output that did not fit: doubles what really came out, starts at what the input suggests, and
/// ends one byte above the limit, where the codec's next byte proves that there is too much.
inline std::size_t next_capacity(std::size_t now, std::size_t input, std::size_t limit) noexcept {
    const std::size_t wanted = std::max({now * 2, input * 3, std::size_t{4096}});
    return std::min(wanted, limit + 1);
}

/// Room for `more` bytes of output, where size + more <= limit + 1: doubling stops there too.
inline std::byte* output_room(scratch_buffer& out, std::size_t more, std::size_t limit) {
    if (out.capacity() - out.size() < more)
        out.reserve(std::min(std::max(out.size() + more, out.capacity() * 2), limit + 1));
    return out.data() + out.size();
}

}  // namespace weir::protocol::detail
