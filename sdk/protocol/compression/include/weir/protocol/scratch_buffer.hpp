// A byte buffer that is used again and again and never zeroed: the target of decompression.
#pragma once
#include <weir/base/bytes.hpp>

#include <algorithm>
#include <cstring>
#include <memory>

namespace weir::protocol {

/// Grows by doubling, so that its memory follows what was really written. Growing moves the bytes: views die.
class scratch_buffer {
public:
    bytes_view view() const noexcept { return {data_.get(), size_}; }
    std::byte* data() noexcept { return data_.get(); }
    std::size_t size() const noexcept { return size_; }
    std::size_t capacity() const noexcept { return capacity_; }
    void clear() noexcept { size_ = 0; }

    /// Room for `more` bytes behind the present ones; write there, then commit() what was written.
    std::byte* prepare(std::size_t more) {
        if (capacity_ - size_ < more) reserve(std::max(size_ + more, capacity_ * 2));
        return data_.get() + size_;
    }
    void commit(std::size_t written) noexcept { size_ += written; }
    void append(bytes_view more) {
        if (!more.empty()) std::memcpy(prepare(more.size()), more.data(), more.size());
        size_ += more.size();
    }
    void reserve(std::size_t wanted) {
        if (wanted <= capacity_) return;
        auto larger = std::make_unique_for_overwrite<std::byte[]>(wanted);
        if (size_ != 0) std::memcpy(larger.get(), data_.get(), size_);
        data_ = std::move(larger);
        capacity_ = wanted;
    }
    /// Gives the memory back when it is more than `keep`; the content goes either way.
    void trim(std::size_t keep) noexcept {
        size_ = 0;
        if (capacity_ <= keep) return;
        data_.reset();
        capacity_ = 0;
    }

private:
    std::unique_ptr<std::byte[]> data_;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

}  // namespace weir::protocol
