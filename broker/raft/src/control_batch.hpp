// Control records of the metadata log: what a leader writes about its epoch and about the voters.
#pragma once
#include <weir/base/bytes.hpp>
#include <weir/base/error.hpp>
#include <weir/base/time.hpp>
#include <weir/protocol/records/batch.hpp>
#include <weir/protocol/records/batch_builder.hpp>
#include <weir/raft/types.hpp>

#include <optional>
#include <set>
#include <vector>

namespace weir::raft {

struct leader_change {
    node_id leader = no_node;
    std::vector<node_id> voters;
    std::vector<node_id> granting;
};

/// One control batch; offsets and epoch are set by append. A part that is nullopt is left out.
struct control_content {
    std::optional<leader_change> change;
    std::optional<timestamp_ms> snapshot_header;  ///< last contained log timestamp
    std::optional<std::int16_t> kraft_version;
    std::optional<voter_set> voters;
    bool snapshot_footer = false;
};
bytes build_control_batch(const control_content& content, timestamp_ms now, log_offset base_offset = 0,
                          quorum_epoch epoch = 0);

/// What a control batch says; records of other types are skipped. errc::invalid_record when one does not decode.
/// `offsets` are those of the records.
struct control_record_offsets {
    log_offset kraft_version = -1;
    log_offset voters = -1;
};
result<control_content> read_control_batch(const protocol::batch_view& batch, control_record_offsets* offsets = nullptr);

}  // namespace weir::raft
