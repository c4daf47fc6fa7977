// Records of the coordinators' topics: the key says what a record is, the value is in a version of its own.
#pragma once
#include <weir/base/error.hpp>
#include <weir/protocol/codec.hpp>
#include <weir/protocol/coordinator_record_types.hpp>

#include <cstdint>

namespace weir::protocol {

/// A record key: int16 record type, then the body, always in version 0.
template <class K>
result<bytes> encode_record_key(const K& key) {
    writer out;
    out.number(K::record_type);
    if (auto done = encode(key, std::int16_t{0}, out); !done) return done.error();
    return out.take_bytes();
}
/// A record value: int16 version, then the body in that version.
template <class V>
result<bytes> encode_record_value(const V& value, std::int16_t version) {
    writer out;
    out.number(version);
    if (auto done = encode(value, version, out); !done) return done.error();
    return out.take_bytes();
}
/// Keys and values of __consumer_offsets, __transaction_state and __share_group_state as variants.
result<bytes> encode_record_key(const group_record_key& key);
result<bytes> encode_record_key(const transaction_record_key& key);
result<bytes> encode_record_key(const share_record_key& key);
result<bytes> encode_record_value(const group_record_value& value, std::int16_t version);
result<bytes> encode_record_value(const transaction_record_value& value, std::int16_t version);
result<bytes> encode_record_value(const share_record_value& value, std::int16_t version);

/// Reads a key. errc::unsupported_version for a type this build does not know (written by a newer broker): skip such
/// records, as Kafka does. The old offset key (type 0) is read as offset_commit_key.
result<group_record_key> decode_group_record_key(bytes_view key);
result<transaction_record_key> decode_transaction_record_key(bytes_view key);
result<share_record_key> decode_share_record_key(bytes_view key);

/// Reads the value that belongs to a key. A null value, which deletes the key, is for the caller to see first.
result<group_record_value> decode_group_record_value(const group_record_key& key, bytes_view value);
result<transaction_record_value> decode_transaction_record_value(const transaction_record_key& key, bytes_view value);
result<share_record_value> decode_share_record_value(const share_record_key& key, bytes_view value);

}  // namespace weir::protocol
