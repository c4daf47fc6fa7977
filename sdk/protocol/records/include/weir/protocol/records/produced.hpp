// What a broker checks before it appends what a client sent in a Produce request.
#pragma once
#include <weir/protocol/records/record.hpp>

namespace weir::protocol {

struct produce_rules {
    std::int16_t request_version = 11;      ///< zstd needs 7
    bool transactional_id_present = false;  ///< transactional batches need one in the request
    std::size_t decompressed_limit = default_decompressed_limit;
};

struct produced_batch {
    batch_view batch;  ///< the one batch; a cut one behind it is ignored, as Kafka does
    record_summary summary;
};

/// Exactly one batch of format 2 with base offset 0, a right CRC, no control batch, and records as validate_records()
/// wants them. Failures carry the code for the answer:
/// corrupt_message for a wrong CRC, length or magic; invalid_record for none or several batches, older magics, control
/// batches, wrong offsets or counts, broken or undecodable records; unsupported_compression_type for zstd in an old
/// request; transactional_id_authorization_failed; message_too_large above the decompressed limit.
/// Batch size, timestamps, producer sequences and missing keys are the log's business: the summary has what it needs.
/// Compressed content is decompressed to be checked; nothing else is copied.
result<produced_batch> check_produced(bytes_view records, const produce_rules& rules = {});

}  // namespace weir::protocol
