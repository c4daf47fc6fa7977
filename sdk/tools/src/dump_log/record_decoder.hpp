// What keys and values of a log are, as text.
#pragma once
#include "../value_form.hpp"

#include <weir/base/error.hpp>
#include <weir/protocol/records/record.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace weir::tools {

/// Keys and values as people read them.
struct decoded_record {
    std::optional<std::string> key;      ///< nullopt: none, or nothing to show
    std::optional<std::string> payload;
    bool json = false;                   ///< both are JSON documents
};

/// Which topic's records they are, or plain ones.
enum class record_kind : std::uint8_t { plain, offsets, transactions, cluster_metadata, remote_log_metadata, share_state };

struct record_decoder {
    record_kind kind = record_kind::plain;
    value_form key = value_form::text;             ///< how plain ones are shown
    value_form value = value_form::text;
    /// Coordinators' records as dump-log prints them: {"type":"1", and what members of a group said taken apart; or else as a
    /// console prints them: {"type":1, and the bytes.
    bool as_dump = true;

    /// Never fails: what cannot be read says so in the text, as in Kafka's tool.
    decoded_record decode(const protocol::record_view& record) const;
};

/// The body of a control record: " endTxnMarker: COMMIT coordinatorEpoch: 0".
std::string describe_control(const protocol::record_view& record);

}  // namespace weir::tools
