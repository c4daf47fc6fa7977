// The value of a `records` field: record batches in memory, or a range of a file that never enters memory.
#pragma once
#include <weir/base/bytes.hpp>

#include <cstdint>
#include <memory>

namespace weir {
class file;
}

namespace weir::protocol {

/// Null (the default), bytes in memory, or a range of a file. A decoder makes views into its input: they are valid as
/// long as the input is, unless owner() holds it.
class record_data {
public:
    record_data() noexcept = default;
    /// A view. With `owner` it keeps its bytes alive; without one the caller does.
    explicit record_data(bytes_view memory, std::shared_ptr<const void> owner = {}) noexcept
        : owner_(std::move(owner)),
          data_(memory.data()),
          size_(memory.size()),
          null_(false) {}
    /// Owns its bytes.
    explicit record_data(bytes content);
    /// `size` bytes of `source` from `offset`; leaves by sendfile where the stream can.
    record_data(std::shared_ptr<file> source, std::uint64_t offset, std::uint64_t size) noexcept
        : source_(std::move(source)),
          offset_(offset),
          size_(size),
          null_(false) {}

    bool is_null() const noexcept { return null_; }
    std::uint64_t size() const noexcept { return size_; }
    /// The bytes; empty when null or a file range.
    bytes_view memory() const noexcept { return {data_, data_ ? static_cast<std::size_t>(size_) : 0}; }
    const std::shared_ptr<const void>& owner() const noexcept { return owner_; }
    /// Set for a file range only.
    const std::shared_ptr<file>& source() const noexcept { return source_; }
    std::uint64_t source_offset() const noexcept { return offset_; }

    /// By content in memory; two file ranges are equal when they are the same range of the same open file.
    bool operator==(const record_data& other) const noexcept;

private:
    std::shared_ptr<const void> owner_;
    std::shared_ptr<file> source_;
    const std::byte* data_ = nullptr;
    std::uint64_t offset_ = 0;
    std::uint64_t size_ = 0;
    bool null_ = true;
};

}  // namespace weir::protocol
