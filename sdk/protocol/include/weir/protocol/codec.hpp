// Messages to bytes and back. Include the header of the message, <weir/protocol/messages/...hpp>, beside this one.
#pragma once
#include <weir/base/error.hpp>
#include <weir/protocol/message.hpp>
#include <weir/protocol/reader.hpp>
#include <weir/protocol/writer.hpp>

namespace weir::protocol {

namespace detail {
error version_error(std::string_view message, std::int16_t version, std::int16_t min, std::int16_t max);
}

/// Reads one message and leaves `in` behind it. Fields the version lacks get their defaults. errc::malformed names
/// message and field; errc::unsupported_version when the schema has no such version. `records` fields are views.
template <class M>
result<M> decode(reader& in, std::int16_t version) {
    if (version < M::min_version || version > M::max_version)
        return detail::version_error(M::message_name, version, M::min_version, M::max_version);
    result<M> read{M{}};
    read_fields(in, *read, version);
    if (!in.ok()) return in.failure(M::message_name, version);
    return read;
}
/// The same from memory. Bytes after the message are ignored, as Kafka does.
template <class M>
result<M> decode(bytes_view input, std::int16_t version) {
    reader in{input};
    return decode<M>(in, version);
}

/// Appends one message to `out`. errc::unsupported_version, naming message, field and version, when a field that the
/// version lacks holds a value the receiver must not miss. After an error `out` holds rubbish: clear() it.
template <class M>
result<void> encode(const M& message, std::int16_t version, writer& out) {
    if (version < M::min_version || version > M::max_version)
        return detail::version_error(M::message_name, version, M::min_version, M::max_version);
    write_fields(out, message, version);
    if (!out.ok()) return out.failure(M::message_name, version);
    return {};
}
/// The same to memory; file ranges are read (errc::io_error).
template <class M>
result<bytes> encode(const M& message, std::int16_t version) {
    writer out;
    if (auto done = encode(message, version, out); !done) return done.error();
    return out.take_bytes();
}

}  // namespace weir::protocol
