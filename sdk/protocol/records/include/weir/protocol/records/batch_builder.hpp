// Builds record batches of format 2.
#pragma once
#include <weir/protocol/records/record.hpp>

#include <span>

namespace weir::protocol {

/// The header of the batch to build. A producer leaves offsets and leader epoch as they are; the broker sets them.
struct batch_settings {
    codec compression = codec::none;
    std::optional<std::int32_t> level;  ///< nullopt: the codec's standard
    std::int64_t base_offset = 0;
    std::int32_t leader_epoch = -1;
    std::int64_t producer_id = -1;
    std::int16_t producer_epoch = -1;
    std::int32_t base_sequence = -1;
    bool transactional = false;
    bool control = false;
    std::optional<timestamp_ms> append_time;     ///< sets log append time: every record has this timestamp
    std::optional<timestamp_ms> delete_horizon;  ///< attribute bit 6; the horizon replaces the base timestamp
    /// For batches that lost records to compaction; nullopt: that of the last record.
    std::optional<std::int32_t> last_offset_delta;
    /// nullopt: the largest of the records; set for a batch without records.
    std::optional<timestamp_ms> max_timestamp;
};

/// Optional fields come by reference: copying two that were written word by word stalls longer than a small record takes.
class batch_builder {
public:
    /// `room`: memory to use, such as that of a batch which finish() made and nobody needs any more.
    explicit batch_builder(batch_settings settings = {}, bytes room = {});

    /// Appends a record at the next offset (base offset, then one more each). Fails like the other append().
    result<void> append(timestamp_ms timestamp, const std::optional<bytes_view>& key, const std::optional<bytes_view>& value,
                        std::span<const header_view> headers = {});
    /// Appends a record at `offset`, which must be above the last one and within 2147483647 of the base offset:
    /// errc::invalid_record. errc::message_too_large when the batch would not fit its int32 length. A failed append
    /// changes nothing.
    result<void> append(std::int64_t offset, timestamp_ms timestamp, const std::optional<bytes_view>& key,
                        const std::optional<bytes_view>& value, std::span<const header_view> headers = {});
    /// The same from a record of another batch, without decoding its headers. Its timestamp is taken as it reads.
    result<void> append(const record_view& record);

    /// Sets the producer fields late: an idempotent producer assigns sequences when it sends, not when it batches.
    void set_producer(std::int64_t producer_id, std::int16_t epoch, std::int32_t base_sequence) noexcept;

    std::int32_t record_count() const noexcept { return count_; }
    bool empty() const noexcept { return count_ == 0; }
    /// Size of the batch if it were finished now without compression.
    std::size_t uncompressed_size() const noexcept { return used_; }
    /// Size of the batch on the wire, guessed from `ratio` (compressed / uncompressed, as earlier batches had it).
    std::size_t estimated_size(double ratio) const noexcept;
    /// At most what append() of this record adds, without compression.
    static std::size_t record_size_bound(const std::optional<bytes_view>& key, const std::optional<bytes_view>& value,
                                         std::span<const header_view> headers) noexcept;
    timestamp_ms max_timestamp() const noexcept { return max_timestamp_; }

    /// Compresses, writes header and CRC, and hands the batch over; the builder is empty afterwards, its settings
    /// stay. errc::invalid_setting for a level the codec does not have.
    result<bytes> finish();
    /// Forgets the records; the memory stays for the next ones.
    void clear() noexcept;
    /// Forgets the records and gives their memory back.
    void release() noexcept;

private:
    template <class WriteHeaders>
    result<void> add(std::int64_t offset, timestamp_ms timestamp, const std::optional<bytes_view>& key,
                     const std::optional<bytes_view>& value, std::size_t header_count, std::size_t header_bytes,
                     WriteHeaders write_headers);
    std::byte* room(std::size_t more);
    void grow(std::size_t needed);
    void write_header(mutable_bytes batch) const noexcept;

    batch_settings settings_;
    bytes bytes_;  // the batch from its first byte; beyond used_ it is spare room
    std::size_t used_ = batch_header_bytes;
    std::size_t last_size_ = 0;  // of the batch before this one, and some more
    std::int32_t count_ = 0;
    std::int64_t last_offset_ = -1;
    timestamp_ms base_timestamp_ = no_timestamp;
    timestamp_ms max_timestamp_ = no_timestamp;
};

}  // namespace weir::protocol
