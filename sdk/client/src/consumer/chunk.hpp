// What one fetch brought for one partition, read record by record where it lies.
#pragma once
#include "aborted_filter.hpp"
#include "byte_budget.hpp"

#include <weir/record.hpp>

#include <memory>
#include <span>
#include <utility>

namespace weir::detail {

struct chunk_settings {
    bool check_crcs = true;
    bool read_committed = false;
    std::shared_ptr<byte_budget> opened{};  ///< of decompressed batches; nullptr: nobody counts
};

/// A decompressed batch, and what it takes of the budget.
struct unpacked_batch {
    explicit unpacked_batch(std::shared_ptr<byte_budget> of) noexcept : budget(std::move(of)) {}
    unpacked_batch(const unpacked_batch&) = delete;
    unpacked_batch& operator=(const unpacked_batch&) = delete;
    ~unpacked_batch() {
        content.trim(0);
        settle();
    }
    void settle() {
        if (budget) budget->settle(std::exchange(share, content.capacity()), content.capacity());
    }
    protocol::scratch_buffer content;
    std::shared_ptr<byte_budget> budget;
    std::size_t share = 0;
};

/// Made on the client's loop, which looks at batch headers only; read by the application's thread, which checks, decompresses
/// and parses. Batches and records below `from`, control batches and, when only committed records are wanted, those of
/// aborted transactions are passed over.
class chunk {
public:
    chunk() = default;
    /// `owner` keeps `content`. A batch that the answer cuts off at its end is left out.
    chunk(bytes_view content, std::shared_ptr<const void> owner, std::int64_t from, std::vector<aborted_transaction> aborted, chunk_settings how);

    /// Up to into.size() records, all of one batch; 0 at the end. errc::corrupt_message or errc::invalid_record, without
    /// a place: the batch at next_offset() cannot be read; errc::buffer_full: not before others let go of theirs.
    result<std::size_t> read(std::span<raw_record> into);
    /// `headers` opens a batch only when nothing else tells whether there is anything from next_offset() on in it.
    enum class look : std::uint8_t { records, headers };
    /// Whether read() would give something, for all that is seen; passes over what it would not.
    result<bool> more(look at = look::records);
    /// Reads again from this offset on, which the last read() gave.
    void rewind(std::int64_t to);
    /// In the middle of a decompressed batch.
    bool unpacked() const noexcept { return payload_ && state_ == opened::batch && cursor_.delivered() < open_count_; }
    /// Holds only what was fetched until it is read again.
    void pack();
    /// Where the reader is: everything below was read or is not there.
    std::int64_t next_offset() const noexcept { return next_offset_; }
    /// What the next chunk begins with, once this one is read.
    std::int64_t end_offset() const noexcept { return end_offset_; }
    std::int32_t end_epoch() const noexcept { return end_epoch_; }  ///< leader epoch of the last batch; -1 when unknown
    std::int32_t epoch() const noexcept { return epoch_; }          ///< of the records last read
    bool append_time() const noexcept { return append_time_; }      ///< the broker stamped them
    std::size_t size() const noexcept { return size_; }
    /// As the batches say, those read past included.
    std::size_t record_count() const noexcept { return record_count_; }
    bool empty() const noexcept { return size_ == 0; }
    /// Keeps the records of the last read().
    void keep(std::vector<std::shared_ptr<const void>>& in);

private:
    /// The next batch that may have something for the application; nullopt: there is none.
    result<std::optional<protocol::set_entry>> find_next();
    error damage(const protocol::set_entry& entry) const;
    /// errc::buffer_full while others hold too much for this one to be opened.
    error no_room(const protocol::batch_view& batch) const;
    bool has_rest();
    void leave_batch();
    error open(const protocol::set_entry& entry);
    error open(const protocol::batch_view& batch);
    error open(const protocol::legacy_entry& entry);
    std::size_t read_batch(std::span<raw_record> into);
    std::size_t read_legacy(std::span<raw_record> into);
    unpacked_batch& fresh_buffer();

    bytes_view rest_;  // whole batches, the one that is open first
    std::shared_ptr<const void> owner_;
    chunk_settings settings_;
    aborted_filter aborted_;
    std::int64_t next_offset_ = 0;
    std::int64_t end_offset_ = 0;
    std::int32_t end_epoch_ = -1;
    std::int32_t epoch_ = -1;
    bool append_time_ = false;
    std::size_t size_ = 0;
    std::size_t record_count_ = 0;

    enum class opened : std::uint8_t { nothing, batch, legacy } state_ = opened::nothing;
    std::size_t open_bytes_ = 0;
    std::int64_t open_next_offset_ = 0;
    std::int64_t open_base_offset_ = 0;
    std::int32_t open_count_ = 0;
    protocol::record_cursor cursor_;
    std::shared_ptr<unpacked_batch> payload_;
    bool payload_kept_ = false;  // by others too: the next batch needs another
    std::shared_ptr<protocol::legacy_reader> legacy_;
    std::span<const protocol::record_view> legacy_records_;
};

}  // namespace weir::detail
