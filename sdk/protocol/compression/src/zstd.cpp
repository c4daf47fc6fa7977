#include "codecs.hpp"

#include <zstd.h>
#include <zstd_errors.h>

#include <memory>
#include <new>

namespace weir::protocol::detail {
namespace {

struct free_context {
    void operator()(ZSTD_CCtx* context) const noexcept { ZSTD_freeCCtx(context); }
    void operator()(ZSTD_DCtx* context) const noexcept { ZSTD_freeDCtx(context); }
};

// The highest levels work in hundreds of MiB; those are given back after each use.
constexpr std::size_t context_bytes_kept = std::size_t{8} << 20;

}  // namespace

result<void> zstd_compress(std::int32_t level, bytes_view input, scratch_buffer& out) {
    static thread_local std::unique_ptr<ZSTD_CCtx, free_context> context;
    if (!context) {
        context.reset(ZSTD_createCCtx());
        if (!context) throw std::bad_alloc{};
        ZSTD_CCtx_setParameter(context.get(), ZSTD_c_contentSizeFlag, 0);
        ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 0);
    }
    ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, level);
    const auto bound = ZSTD_compressBound(input.size());
    const auto written = ZSTD_compress2(context.get(), out.prepare(bound), bound, input.data(), input.size());
    if (ZSTD_sizeof_CCtx(context.get()) > context_bytes_kept) context.reset();
    if (ZSTD_isError(written))
        return error{errc::unknown_server_error, std::string{"zstd: "} + ZSTD_getErrorName(written)};
    out.commit(written);
    return {};
}

result<void> zstd_decompress(bytes_view input, std::size_t limit, scratch_buffer& out) {
    static thread_local std::unique_ptr<ZSTD_DCtx, free_context> context{ZSTD_createDCtx()};
    if (!context) throw std::bad_alloc{};
    // In one shot, straight into the output: a streaming context would allocate the window the input asks for (up to
    // 128 MiB for a few bytes) and copy everything once more. The size is not known, so a too small output is grown
    // and the work done again; kept buffers make that rare.
    out.reserve(next_capacity(0, input.size(), limit));
    for (;;) {
        const std::size_t room = std::min(out.capacity(), limit + 1);
        const auto written = ZSTD_decompressDCtx(context.get(), out.data(), room, input.data(), input.size());
        if (!ZSTD_isError(written)) {
            if (written > limit) return over_limit(codec::zstd, limit);
            out.commit(written);
            return {};
        }
        if (ZSTD_getErrorCode(written) != ZSTD_error_dstSize_tooSmall)
            return malformed(codec::zstd, ZSTD_getErrorName(written));
        if (room > limit) return over_limit(codec::zstd, limit);
        out.reserve(std::min(out.capacity() * 3, limit + 1));
    }
}

}  // namespace weir::protocol::detail
