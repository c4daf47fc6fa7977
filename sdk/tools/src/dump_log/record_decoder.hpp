// What keys and values of a log are, as text.
#pragma once
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

/// How plain bytes are shown: Kafka's deserializers.
enum class plain_form : std::uint8_t { text, integer, long_integer, hex };
/// Knows "org.apache.kafka.tools.api.StringDecoder", "...LongDecoder", and "string", "integer", "long", "bytes".
/// errc::invalid_setting names them: Java classes cannot be loaded here.
result<plain_form> plain_form_named(std::string_view name);

struct record_decoder {
    record_kind kind = record_kind::plain;
    plain_form key = plain_form::text;
    plain_form value = plain_form::text;

    /// Never fails: what cannot be read says so in the text, as in Kafka's tool.
    decoded_record decode(const protocol::record_view& record) const;
};

/// The body of a control record: " endTxnMarker: COMMIT coordinatorEpoch: 0".
std::string describe_control(const protocol::record_view& record);

}  // namespace weir::tools
