// Control records: transaction markers and the KRaft control records of the metadata log.
#pragma once
#include <weir/protocol/records/batch_builder.hpp>

namespace weir::protocol {

enum class control_type : std::int16_t {
    abort = 0,
    commit = 1,
    leader_change = 2,
    snapshot_header = 3,
    snapshot_footer = 4,
    kraft_version = 5,
    kraft_voters = 6,
};

/// The type in a control record's key; nullopt for types this version does not know: skip such a record.
/// errc::invalid_record when there is no key or it is too short. Versions above 0 are read as version 0.
result<std::optional<control_type>> read_control_type(const record_view& record);

/// The key of a control record: version 0 and the type.
bytes control_key(control_type type);

struct transaction_end {
    bool commit = false;
    std::int32_t coordinator_epoch = -1;
};
/// errc::invalid_record when the record is no commit or abort marker, or its value is cut.
result<transaction_end> read_end_txn_marker(const record_view& record);

/// Where a marker goes: offsets and leader epoch are left to the log that appends it.
struct end_txn_settings {
    std::int64_t producer_id = -1;
    std::int16_t producer_epoch = -1;  ///< with transaction.version 2 the bumped one
    transaction_end marker;
    timestamp_ms timestamp = no_timestamp;
    std::int64_t base_offset = 0;
    std::int32_t leader_epoch = -1;
};
/// A whole batch with one marker: transactional, control, no sequence.
bytes build_end_txn_batch(const end_txn_settings& settings);

/// Appends a KRaft control record to a builder whose settings say control. `body`: the encoded message
/// (leader_change_message, snapshot_header_record, ...), which begins with its own version field.
result<void> append_control(batch_builder& builder, control_type type, timestamp_ms timestamp, bytes_view body);

}  // namespace weir::protocol
