#include "frame_buffer.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace weir::net {
namespace {
constexpr std::size_t inbox_bytes = 16 << 10;
}

mutable_bytes frame_buffer::room() {
    if (large_) return {large_.get() + large_filled_, large_size_ - large_filled_};
    if (inbox_.empty()) inbox_.resize(inbox_bytes);
    if (taken_ > 0) {
        std::copy(inbox_.begin() + static_cast<std::ptrdiff_t>(taken_), inbox_.begin() + static_cast<std::ptrdiff_t>(end_), inbox_.begin());
        end_ -= std::exchange(taken_, 0);
    }
    return mutable_bytes{inbox_}.subspan(end_);
}

void frame_buffer::filled(std::size_t count) noexcept {
    (large_ ? large_filled_ : end_) += count;
}

result<std::optional<frame>> frame_buffer::next() {
    if (large_) {
        if (large_filled_ < large_size_) return std::optional<frame>{};
        frame whole{std::exchange(large_, nullptr), large_size_};
        return std::optional<frame>{std::move(whole)};
    }
    if (end_ - taken_ < 4) return std::optional<frame>{};
    const auto size = load_big_endian<std::int32_t>(inbox_.data() + taken_);
    // A TLS alert or handshake record, read as a size.
    if (size >> 8 == 0x150303 || size >> 8 == 0x150301 || size >> 8 == 0x160303) {
        return error{errc::tls_failed, "the peer speaks TLS and we do not; use security.protocol=SSL or SASL_SSL (tls.enabled), or a listener without TLS"};
    }
    if (size < 4 || static_cast<std::size_t>(size) > most_) {
        return error{errc::malformed, fmt::format("a frame of {} bytes: allowed are 4 to {}; is this a Kafka listener?", size, most_)};
    }
    taken_ += 4;
    const auto bytes = static_cast<std::size_t>(size);
    const auto here = std::min(end_ - taken_, bytes);
    auto storage = std::make_shared_for_overwrite<std::byte[]>(bytes);
    std::copy_n(inbox_.data() + taken_, here, storage.get());
    taken_ += here;
    if (here == bytes) return std::optional<frame>{frame{std::move(storage), bytes}};
    large_ = std::move(storage);
    large_size_ = bytes;
    large_filled_ = here;
    return std::optional<frame>{};
}

}  // namespace weir::net
