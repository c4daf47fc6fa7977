// What a partition remembers of each producer: the last batches, for idempotence (KIP-98, KIP-360), and the open
// transaction, for the last stable offset (KIP-890 for the epoch of its marker).
#pragma once
#include "batch_scan.hpp"
#include "transaction_index.hpp"

#include <weir/storage/log.hpp>

#include <array>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

namespace weir::storage {

/// One batch of a producer, as far as a repetition of it must be recognised.
struct producer_batch {
    std::int32_t last_sequence = -1;
    std::int32_t offset_delta = 0;  ///< last offset - first offset
    std::int64_t last_offset = -1;
    timestamp_ms timestamp = no_timestamp;
    std::int32_t first_sequence() const noexcept;
    std::int64_t first_offset() const noexcept { return last_offset - offset_delta; }
};

struct producer_entry {
    static constexpr std::size_t window = 5;
    std::int16_t epoch = -1;
    std::int32_t coordinator_epoch = -1;
    std::int64_t txn_first_offset = -1;
    timestamp_ms last_timestamp = no_timestamp;

    std::size_t count() const noexcept { return count_; }
    /// 0 is the oldest; below count().
    const producer_batch& batch(std::size_t which) const noexcept { return batches_[(first_ + which) % window]; }
    const producer_batch* newest() const noexcept { return count_ == 0 ? nullptr : &batch(count_ - 1); }
    void add(const producer_batch& batch) noexcept;
    void clear() noexcept { count_ = first_ = 0; }

private:
    std::array<producer_batch, window> batches_;
    std::uint8_t first_ = 0;
    std::uint8_t count_ = 0;
};

/// A transaction that has ended: what the transaction index and the last stable offset need.
struct ended_transaction {
    std::int64_t producer_id = -1;
    std::int64_t first_offset = -1;
    std::int64_t last_offset = -1;  ///< of the marker
    bool aborted = false;
};

class producer_state {
public:
    /// Whether a batch may follow what is known. A repetition of one of the last five gives that one back.
    /// errc::out_of_order_sequence_number, invalid_producer_epoch, invalid_txn_state. Changes nothing.
    result<std::optional<producer_batch>> check(const batch_header& batch) const;
    /// Whether a marker may be written: errc::invalid_producer_epoch, transaction_coordinator_fenced. Changes nothing.
    result<void> check_marker(std::int64_t producer_id, std::int16_t epoch, std::int32_t coordinator_epoch) const;

    /// Takes note of a batch that is in the log; nothing is refused. `timestamp`: when it was written.
    void apply(const batch_header& batch);
    /// The transaction it ends, when one was open.
    std::optional<ended_transaction> apply_marker(const batch_header& batch, bool commit,
                                                  std::int32_t coordinator_epoch);

    /// First offset of the oldest open transaction, and of ended ones whose marker is not below `high_watermark`.
    std::optional<std::int64_t> first_unstable(std::int64_t high_watermark) const noexcept;
    std::optional<std::int64_t> first_open() const noexcept;
    /// The last stable offset once `ended` is closed: for its entry in the transaction index.
    std::int64_t stable_after(const ended_transaction& ended) const noexcept;
    /// Forgets ended transactions whose marker is below.
    void on_high_watermark(std::int64_t high_watermark);

    /// Producers without an open transaction that were silent for `idle` go.
    void expire(timestamp_ms now, milliseconds idle);
    void clear();
    bool empty() const noexcept { return producers_.empty(); }
    std::vector<producer_status> list() const;
    std::size_t size() const noexcept { return producers_.size(); }
    const producer_entry* find(std::int64_t producer_id) const noexcept;

    /// The snapshot file (formats: version 1, CRC, entries of 46 bytes).
    bytes snapshot() const;
    /// Replaces everything; errc::malformed says what is wrong, without the file's name.
    result<void> restore(bytes_view snapshot, timestamp_ms now, milliseconds idle);

private:
    void open_transaction(producer_entry& entry, std::int64_t producer_id, std::int64_t first_offset);

    std::unordered_map<std::int64_t, producer_entry> producers_;
    std::map<std::int64_t, std::int64_t> open_;      // first offset -> producer id
    std::vector<ended_transaction> not_replicated_;  // ended, marker not yet below the high watermark
};

}  // namespace weir::storage
