#include <weir/protocol/compression.hpp>

#include "codecs.hpp"

#include <fmt/format.h>

#include <array>
#include <limits>

namespace weir::protocol {
namespace {

constexpr std::array<std::string_view, 5> names{"none", "gzip", "snappy", "lz4", "zstd"};
// Every codec's own sizes are 32 bits wide somewhere, and so is the length of a batch.
constexpr std::size_t largest_input = std::numeric_limits<std::int32_t>::max();

result<std::int32_t> checked_level(codec which, std::optional<std::int32_t> level) {
    const auto range = levels_of(which);
    if (!level) return range ? range->standard : 0;
    if (!range)
        return error{errc::invalid_setting,
                     fmt::format("{} has no compression levels, got {}", codec_name(which), *level)};
    if (*level != range->standard && (*level < range->lowest || *level > range->highest))
        return error{errc::invalid_setting,
                     fmt::format("compression.{}.level={}: allowed are {} to {}, standard is {}", codec_name(which),
                                 *level, range->lowest, range->highest, range->standard)};
    return *level;
}

}  // namespace

std::string_view codec_name(codec which) noexcept {
    const auto index = static_cast<std::size_t>(which);
    return index < names.size() ? names[index] : "unknown";
}

std::optional<codec> codec_from_name(std::string_view name) noexcept {
    for (std::size_t i = 0; i < names.size(); ++i)
        if (names[i] == name) return static_cast<codec>(i);
    return std::nullopt;
}

std::optional<level_range> levels_of(codec which) noexcept {
    switch (which) {
        case codec::gzip: return level_range{1, 9, -1};
        case codec::lz4: return level_range{1, 17, 9};
        case codec::zstd: return level_range{-131072, 22, 3};
        default: return std::nullopt;
    }
}

namespace detail {

error malformed(codec which, std::string_view what) {
    return error{errc::malformed, fmt::format("{} data: {}", codec_name(which), what)};
}

error over_limit(codec which, std::size_t limit) {
    return error{errc::message_too_large,
                 fmt::format("{} data decompresses to more than the limit of {} bytes", codec_name(which), limit)};
}

}  // namespace detail

result<void> compress(codec which, std::optional<std::int32_t> level, bytes_view input, scratch_buffer& out,
                      lz4_variant variant) {
    const auto checked = checked_level(which, level);
    if (!checked) return checked.error();
    if (input.size() > largest_input)
        return error{errc::message_too_large,
                     fmt::format("{} bytes to compress, at most {}", input.size(), largest_input)};
    switch (which) {
        case codec::none: out.append(input); return {};
        case codec::gzip: return detail::gzip_compress(*checked, input, out);
        case codec::snappy: return detail::snappy_compress(input, out);
        case codec::lz4: return detail::lz4_compress(*checked, input, out, variant);
        case codec::zstd: return detail::zstd_compress(*checked, input, out);
    }
    return error{errc::unsupported_compression_type, fmt::format("codec {}", static_cast<int>(which))};
}

result<void> decompress(codec which, bytes_view input, std::size_t limit, scratch_buffer& out, lz4_variant variant) {
    out.clear();
    limit = std::min(limit, largest_input);
    if (which == codec::none) {
        if (input.size() > limit) return detail::over_limit(which, limit);
        out.append(input);
        return {};
    }
    if (input.empty()) return detail::malformed(which, "no bytes at all");
    if (input.size() > largest_input) return detail::malformed(which, "longer than any batch");
    switch (which) {
        case codec::gzip: return detail::gzip_decompress(input, limit, out);
        case codec::snappy: return detail::snappy_decompress(input, limit, out);
        case codec::lz4: return detail::lz4_decompress(input, limit, out, variant);
        case codec::zstd: return detail::zstd_decompress(input, limit, out);
        default: break;
    }
    return error{errc::unsupported_compression_type, fmt::format("codec {}", static_cast<int>(which))};
}

result<bytes> compress(codec which, std::optional<std::int32_t> level, bytes_view input) {
    scratch_buffer out;
    if (auto done = compress(which, level, input, out); !done) return done.error();
    return to_bytes(out.view());
}

result<bytes> decompress(codec which, bytes_view input, std::size_t limit) {
    scratch_buffer out;
    if (auto done = decompress(which, input, limit, out); !done) return done.error();
    return to_bytes(out.view());
}

}  // namespace weir::protocol
