// One record inside a batch, read in place: nothing is copied, and no record costs an allocation.
#pragma once
#include <weir/base/bytes.hpp>
#include <weir/base/error.hpp>
#include <weir/base/time.hpp>
#include <weir/protocol/records/batch.hpp>

#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>

namespace weir::protocol {

struct header_view {
    std::string_view key;
    std::optional<bytes_view> value;
};

/// The headers of one record, in order, duplicates included. Already checked: walking them cannot fail.
class header_range {
public:
    header_range() noexcept = default;
    /// For record_cursor: `encoded` holds exactly `count` well-formed headers.
    header_range(bytes_view encoded, std::int32_t count) noexcept : encoded_(encoded), count_(count) {}

    class iterator {
    public:
        using value_type = header_view;
        using difference_type = std::ptrdiff_t;
        using iterator_concept = std::forward_iterator_tag;
        iterator() noexcept = default;
        iterator(bytes_view rest, std::int32_t left) noexcept : rest_(rest), left_(left) { load(); }
        const header_view& operator*() const noexcept { return now_; }
        const header_view* operator->() const noexcept { return &now_; }
        iterator& operator++() noexcept {
            --left_;
            load();
            return *this;
        }
        iterator operator++(int) noexcept {
            auto before = *this;
            ++*this;
            return before;
        }
        bool operator==(const iterator& other) const noexcept { return left_ == other.left_; }

    private:
        void load() noexcept;
        bytes_view rest_;  // behind the present header
        std::int32_t left_ = 0;
        header_view now_;
    };
    iterator begin() const noexcept { return {encoded_, count_}; }
    iterator end() const noexcept { return {}; }
    std::size_t size() const noexcept { return static_cast<std::size_t>(count_); }
    bool empty() const noexcept { return count_ == 0; }
    /// The first header of that name.
    std::optional<header_view> find(std::string_view key) const noexcept;
    /// As written: the headers without their count.
    bytes_view encoded() const noexcept { return encoded_; }

private:
    bytes_view encoded_;
    std::int32_t count_ = 0;
};

/// Views into the payload: valid as long as that is.
struct record_view {
    std::int64_t offset = -1;
    timestamp_ms timestamp = no_timestamp;  ///< the append time when the batch has log append time
    std::int32_t sequence = -1;
    std::optional<bytes_view> key;
    std::optional<bytes_view> value;  ///< nullopt: a tombstone
    header_range headers;
    std::int32_t offset_delta = 0;
    std::int64_t timestamp_delta = 0;  ///< as stored, to the batch's base timestamp
    bytes_view encoded;                ///< the whole record with its length
};

/// Walks the records of one payload once, checking while it goes (lengths inside the record, the count, nothing left
/// over). A failure ends the walk: ask failure() after the last next(). A batch of no records has none, whatever
/// follows its header (as Kafka reads it); validate_records() refuses leftovers there too.
class record_cursor {
public:
    record_cursor() noexcept = default;
    /// `payload`: the records of `batch`, decompressed. Both must outlive the cursor.
    record_cursor(const batch_view& batch, bytes_view payload) noexcept;

    /// The next record; false at the end and at a failure.
    bool next(record_view& out) noexcept;
    /// What is wrong with the payload, errc::invalid_record; no error when the walk is or ended well.
    error failure() const;
    bool failed() const noexcept { return fault_ != nullptr; }
    /// Records delivered so far.
    std::int32_t delivered() const noexcept { return delivered_; }

private:
    bool fail(const char* fault) noexcept {
        fault_ = fault;
        return false;
    }
    // Not beside each other: two words read as one, just after one of them was written, stall for longer than a record takes.
    const std::byte* at_ = nullptr;
    std::int32_t count_ = 0;
    std::int32_t delivered_ = 0;
    std::int64_t base_offset_ = 0;
    timestamp_ms base_timestamp_ = no_timestamp;
    timestamp_ms append_time_ = no_timestamp;
    std::int32_t base_sequence_ = -1;
    bool log_append_ = false;
    const std::byte* end_ = nullptr;
    const char* fault_ = nullptr;  // static text
};

/// What a check of all records found on the way.
struct record_summary {
    std::int32_t count = 0;
    std::size_t payload_bytes = 0;              ///< decompressed
    timestamp_ms min_timestamp = no_timestamp;  ///< of the records as written, never the append time
    timestamp_ms max_timestamp = no_timestamp;
    std::int64_t offset_of_max_timestamp = -1;  ///< the first record that has it
    bool every_key_present = true;              ///< a compacted topic refuses records without key
};

/// Checks all records of a batch a producer sent: at least one, count and bytes match exactly, every length inside its
/// record, offset deltas 0, 1, ..., n-1 and last offset delta n-1. Uncompressed batches are walked in place without an
/// allocation, compressed ones decompress into a buffer kept per thread, at most to `limit`.
/// errc::invalid_record names what is wrong; errc::message_too_large: more than `limit` bytes. Does not look at the CRC.
result<record_summary> validate_records(const batch_view& batch, std::size_t limit = default_decompressed_limit);

}  // namespace weir::protocol
