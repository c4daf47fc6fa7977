// Cuts a byte stream into frames.
#pragma once
#include <weir/base/error.hpp>
#include <weir/net/frame.hpp>

#include <optional>

namespace weir::net {

/// Small frames pass through a buffer of its own, so that one read may bring many; the rest of a large one is read
/// straight into the frame.
class frame_buffer {
public:
    explicit frame_buffer(std::size_t most_bytes) noexcept : most_(most_bytes) {}

    /// From the next frame on.
    void limit(std::size_t most_bytes) noexcept { most_ = most_bytes; }
    /// Where the next read goes.
    mutable_bytes room();
    /// `count` bytes of room() have been filled.
    void filled(std::size_t count) noexcept;
    /// The next whole frame, without its size; nullopt: read more. errc::malformed for a size that cannot be, errc::tls_failed
    /// when it is the beginning of TLS.
    result<std::optional<frame>> next();

private:
    std::size_t most_;
    bytes inbox_;
    std::size_t taken_ = 0;
    std::size_t end_ = 0;
    std::shared_ptr<std::byte[]> large_;
    std::size_t large_size_ = 0;
    std::size_t large_filled_ = 0;
};

}  // namespace weir::net
