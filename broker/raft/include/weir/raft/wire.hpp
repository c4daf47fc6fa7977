// The quorum's messages as the protocol spells them. Only replicas of one partition talk here: anything but
// __cluster_metadata-0 is answered with the error the protocol wants.
#pragma once
#include <weir/base/bytes.hpp>
#include <weir/base/error.hpp>
#include <weir/raft/messages.hpp>

#include <cstdint>

namespace weir::raft {

struct wire_request {
    std::int16_t api_key = 0;
    std::int16_t version = 0;
    bytes body;
};

/// The newest version this node sends of the API that carries `body`.
std::int16_t api_key_of(const message_body& body) noexcept;
std::int16_t newest_version(std::int16_t api_key) noexcept;

/// Encodes a request at `version` (or the newest). errc::unsupported_version when the version cannot carry it.
result<wire_request> encode_request(const message_body& request, std::int16_t version);
/// A request body from the wire. errc::malformed; errc::unknown_topic_or_partition for another topic,
/// errc::invalid_request when it does not name exactly one partition.
result<message_body> decode_request(std::int16_t api_key, std::int16_t version, bytes_view body);
/// The answer to a request that came in at `version`.
result<bytes> encode_response(const message_body& response, std::int16_t version);
result<message_body> decode_response(std::int16_t api_key, std::int16_t version, bytes_view body);

}  // namespace weir::raft
