// Batches rewritten: with another codec, or without some of their records.
#pragma once
#include <weir/base/function.hpp>
#include <weir/protocol/records/record_reader.hpp>

namespace weir::protocol {

/// The batch with its records as they are, encoded by `target`; everything in the header stays but codec, length and
/// CRC. For topics whose compression.type is not `producer`. Fails as record_reader::payload() and compress() do.
result<bytes> recompress(const batch_view& batch, codec target, std::optional<std::int32_t> level,
                         record_reader& reader);

enum class emptied_batch : std::uint8_t {
    drop,
    keep_header,  ///< leaves a batch of no records, so that the producer's last sequence is remembered
};

struct filter_settings {
    std::optional<codec> target;  ///< nullopt: the batch's own
    std::optional<std::int32_t> level;
    std::optional<timestamp_ms> delete_horizon;  ///< set on the result; nullopt: the batch keeps what it has
    emptied_batch when_empty = emptied_batch::drop;
};

struct filtered_batch {
    bytes batch;  ///< empty: dropped
    std::int32_t kept = 0;
    std::int32_t removed = 0;
};

/// Keeps the records for which `keep` says true. Base offset, last offset delta, leader epoch, producer fields and
/// attributes stay; the remaining records keep offsets, sequences and timestamps; max timestamp becomes theirs.
/// When nothing is removed and nothing else changes, the result is the input, byte for byte.
result<filtered_batch> filter_records(const batch_view& batch, function<bool(const record_view&)>& keep,
                                      const filter_settings& settings, record_reader& reader);

}  // namespace weir::protocol
