// Records of any batch, compressed or not, through one buffer that is used again.
#pragma once
#include <weir/protocol/records/record.hpp>
#include <weir/protocol/scratch_buffer.hpp>

#include <ranges>

namespace weir::protocol {

/// Records whose structure was checked as a whole: `for (const record_view& record : range)` cannot fail.
class record_range {
public:
    record_range(const batch_view& batch, bytes_view payload) noexcept : start_(batch, payload) {}

    class iterator {
    public:
        using value_type = record_view;
        using difference_type = std::ptrdiff_t;
        using iterator_concept = std::input_iterator_tag;
        iterator() noexcept = default;
        explicit iterator(const record_cursor& start) noexcept : cursor_(start) { ++*this; }
        const record_view& operator*() const noexcept { return now_; }
        const record_view* operator->() const noexcept { return &now_; }
        iterator& operator++() noexcept {
            more_ = cursor_.next(now_);
            return *this;
        }
        void operator++(int) noexcept { ++*this; }
        bool operator==(std::default_sentinel_t) const noexcept { return !more_; }

    private:
        record_cursor cursor_;
        record_view now_;
        bool more_ = false;
    };
    iterator begin() const noexcept { return iterator{start_}; }
    std::default_sentinel_t end() const noexcept { return {}; }

private:
    record_cursor start_;
};

/// Keep one per thread or connection. What it returns is valid until the next call, and as long as the batch's bytes.
class record_reader {
public:
    /// Batches that decompress to more than `limit` bytes are refused.
    explicit record_reader(std::size_t limit = default_decompressed_limit) noexcept : limit_(limit) {}

    /// The records' bytes: the batch's own when uncompressed, else decompressed here. errc::invalid_record for a codec
    /// that does not exist or data that does not decompress, errc::message_too_large above the limit.
    result<bytes_view> payload(const batch_view& batch);
    /// A cursor that checks as it goes: one pass, for readers that can stop in the middle.
    result<record_cursor> open(const batch_view& batch);
    /// All records, checked first: errc::invalid_record delivers none.
    result<record_range> records(const batch_view& batch);

private:
    std::size_t limit_;
    scratch_buffer buffer_;
};

}  // namespace weir::protocol
