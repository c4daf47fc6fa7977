#include "codecs.hpp"

#include <zlib.h>

#include <new>

namespace weir::protocol::detail {
namespace {

constexpr int gzip_window = 15 + 16;  // zlib's way to ask for a gzip wrapper

Bytef* to_zlib(bytes_view from) noexcept {
    // zlib reads through a pointer to non-const, and leaves the input alone.
    return const_cast<Bytef*>(reinterpret_cast<const Bytef*>(from.data()));
}

/// A deflater keeps about 270 KiB; making one per batch would cost more than compressing a small batch.
class deflater {
public:
    deflater() {
        header_.os = 255;  // unknown, as Java writes it: the same bytes on every system
        if (deflateInit2(&stream_, level_, Z_DEFLATED, gzip_window, 8, Z_DEFAULT_STRATEGY) != Z_OK)
            throw std::bad_alloc{};
    }
    ~deflater() { deflateEnd(&stream_); }
    deflater(const deflater&) = delete;
    deflater& operator=(const deflater&) = delete;

    result<void> run(std::int32_t level, bytes_view input, scratch_buffer& out) {
        deflateReset(&stream_);
        if (level != level_) {
            deflateParams(&stream_, level, Z_DEFAULT_STRATEGY);
            level_ = level;
        }
        deflateSetHeader(&stream_, &header_);
        const auto bound = deflateBound(&stream_, static_cast<uLong>(input.size()));
        stream_.next_in = to_zlib(input);
        stream_.avail_in = static_cast<uInt>(input.size());
        stream_.next_out = reinterpret_cast<Bytef*>(out.prepare(bound));
        stream_.avail_out = static_cast<uInt>(bound);
        if (deflate(&stream_, Z_FINISH) != Z_STREAM_END)
            return error{errc::unknown_server_error, "gzip: the output bound was too small"};
        out.commit(bound - stream_.avail_out);
        return {};
    }

private:
    z_stream stream_{};
    gz_header header_{};
    int level_ = Z_DEFAULT_COMPRESSION;
};

class inflater {
public:
    inflater() {
        if (inflateInit2(&stream_, gzip_window) != Z_OK) throw std::bad_alloc{};
    }
    ~inflater() { inflateEnd(&stream_); }
    inflater(const inflater&) = delete;
    inflater& operator=(const inflater&) = delete;

    result<void> run(bytes_view input, std::size_t limit, scratch_buffer& out) {
        inflateReset(&stream_);
        stream_.next_in = to_zlib(input);
        stream_.avail_in = static_cast<uInt>(input.size());
        for (;;) {
            if (out.size() == std::min(out.capacity(), limit + 1))
                out.reserve(next_capacity(out.capacity(), input.size(), limit));
            const std::size_t room = std::min(out.capacity(), limit + 1) - out.size();
            stream_.next_out = reinterpret_cast<Bytef*>(out.prepare(room));
            stream_.avail_out = static_cast<uInt>(room);
            const int state = inflate(&stream_, Z_NO_FLUSH);
            out.commit(room - stream_.avail_out);
            if (out.size() > limit) return over_limit(codec::gzip, limit);
            if (state == Z_STREAM_END) {
                if (stream_.avail_in == 0) return {};
                inflateReset(&stream_);  // gzip allows several members in a row
                continue;
            }
            if (state == Z_BUF_ERROR || (state == Z_OK && stream_.avail_in == 0 && stream_.avail_out != 0))
                return malformed(codec::gzip, "the stream is cut");
            if (state != Z_OK) return malformed(codec::gzip, stream_.msg ? stream_.msg : "not a gzip stream");
        }
    }

private:
    z_stream stream_{};
};

}  // namespace

result<void> gzip_compress(std::int32_t level, bytes_view input, scratch_buffer& out) {
    static thread_local deflater context;
    return context.run(level, input, out);
}

result<void> gzip_decompress(bytes_view input, std::size_t limit, scratch_buffer& out) {
    static thread_local inflater context;
    return context.run(input, limit, out);
}

}  // namespace weir::protocol::detail
