// Frames: what goes over a connection. A frame is an int32 size and that many bytes: a header and a message.
#pragma once
#include <weir/base/network.hpp>
#include <weir/protocol/api_keys.hpp>
#include <weir/protocol/codec.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace weir::protocol {

/// The header of a request, and where its body begins.
struct request_frame {
    const api_info* api = nullptr;
    std::int16_t version = 0;
    std::int32_t correlation_id = 0;
    std::optional<std::string> client_id;  ///< null and empty differ
    /// ApiVersions in a version this side does not know: answer in version 0 with errc::unsupported_version and do not
    /// look at the body (KIP-511). Any other unknown version is an error here.
    bool unknown_version = false;
    bytes_view body;  ///< a view into the frame
};

/// Reads a request frame without its size. errc::unsupported_version for a key or version that does not exist,
/// errc::malformed for a header that does not decode: the connection is to be closed in both cases.
result<request_frame> parse_request_frame(bytes_view frame);

/// The header of an answer: its correlation id; the body is what `in` has left.
result<std::int32_t> parse_response_header(reader& in, api_key key, std::int16_t version);

namespace detail {
/// Room for the size, then the header.
void begin_request(writer& out, api_key key, std::int16_t version, std::int32_t correlation_id,
                   const std::optional<std::string>& client_id);
void begin_response(writer& out, api_key key, std::int16_t version, std::int32_t correlation_id);
/// Fills in the size; errc::malformed when the frame is larger than a size can say.
result<void> end_frame(writer& out);
}  // namespace detail

/// A whole request, size included, into `out`, which must be empty.
template <class M>
result<void> encode_request_frame(const M& message, std::int16_t version, std::int32_t correlation_id,
                                  const std::optional<std::string>& client_id, writer& out) {
    detail::begin_request(out, M::api_key, version, correlation_id, client_id);
    if (auto done = encode(message, version, out); !done) return done;
    return detail::end_frame(out);
}
/// A whole answer, size included, into `out`, which must be empty.
template <class M>
result<void> encode_response_frame(const M& message, std::int16_t version, std::int32_t correlation_id, writer& out) {
    detail::begin_response(out, M::api_key, version, correlation_id);
    if (auto done = encode(message, version, out); !done) return done;
    return detail::end_frame(out);
}
/// The same as pieces for stream::write(): file ranges stay file ranges.
template <class M>
result<std::vector<write_piece>> encode_request_frame(const M& message, std::int16_t version,
                                                      std::int32_t correlation_id,
                                                      const std::optional<std::string>& client_id) {
    writer out;
    if (auto done = encode_request_frame(message, version, correlation_id, client_id, out); !done) return done.error();
    return out.take_pieces();
}
template <class M>
result<std::vector<write_piece>> encode_response_frame(const M& message, std::int16_t version,
                                                       std::int32_t correlation_id) {
    writer out;
    if (auto done = encode_response_frame(message, version, correlation_id, out); !done) return done.error();
    return out.take_pieces();
}

}  // namespace weir::protocol
