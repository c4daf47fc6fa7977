// Bodies inside other messages: an int16 version, then the message. Used for group metadata and assignments (consumer,
// Connect), for principals in Envelope, and for control records.
#pragma once
#include <weir/protocol/codec.hpp>

#include <algorithm>

namespace weir::protocol {

/// Reads a body. A version above the known ones is read as the newest known: fields are only ever appended (a client of
/// tomorrow may be in the group).
template <class M>
result<M> decode_versioned(bytes_view input) {
    reader in{input};
    const auto version = in.number<std::int16_t>("version");
    if (!in.ok()) return in.failure(M::message_name, 0);
    return decode<M>(in, std::min(version, M::max_version));
}

template <class M>
result<bytes> encode_versioned(const M& message, std::int16_t version) {
    writer out;
    out.number(version);
    if (auto done = encode(message, version, out); !done) return done.error();
    return out.take_bytes();
}

}  // namespace weir::protocol
