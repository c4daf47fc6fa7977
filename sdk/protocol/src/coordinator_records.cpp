#include <weir/protocol/coordinator_records.hpp>

#include <weir/protocol/internal_topics.hpp>

#include <fmt/format.h>

#include <utility>

namespace weir::protocol {

namespace {

template <class Variant, class T>
result<Variant> read_as(reader& in, std::int16_t version) {
    auto read = decode<T>(in, version);
    if (!read) return read.error();
    return Variant{*std::move(read)};
}

template <class Key, std::size_t... Index>
result<Key> read_key(bytes_view key, std::string_view topic, std::index_sequence<Index...>) {
    reader in{key};
    const auto type = in.number<std::int16_t>("record type");
    if (!in.ok())
        return error{errc::malformed, fmt::format("{}: a record key of {} bytes has no type", topic, key.size())};
    struct row {
        std::int16_t type;
        result<Key> (*read)(reader&, std::int16_t);
    };
    static constexpr row rows[] = {{std::variant_alternative_t<Index, Key>::record_type,
                                    &read_as<Key, std::variant_alternative_t<Index, Key>>}...};
    for (const auto& [known, read] : rows)
        if (known == type) return read(in, 0);
    return error{errc::unsupported_version, fmt::format("{}: no record key has the type {}", topic, type)};
}

// Values stand at the place of their key in the other variant.
template <class Key, class Value, std::size_t... Index>
result<Value> read_value(const Key& key, bytes_view value, std::string_view topic, std::index_sequence<Index...>) {
    static_assert(((std::variant_alternative_t<Index, Key>::record_type ==
                    std::variant_alternative_t<Index, Value>::record_type) &&
                   ...));
    reader in{value};
    const auto version = in.number<std::int16_t>("record version");
    if (!in.ok())
        return error{errc::malformed,
                     fmt::format("{}: a record value of {} bytes has no version", topic, value.size())};
    using read_function = result<Value> (*)(reader&, std::int16_t);
    static constexpr read_function readers[] = {&read_as<Value, std::variant_alternative_t<Index, Value>>...};
    return readers[key.index()](in, version);
}

template <class Key>
result<Key> read_key(bytes_view key, std::string_view topic) {
    return read_key<Key>(key, topic, std::make_index_sequence<std::variant_size_v<Key>>{});
}
template <class Value, class Key>
result<Value> read_value(const Key& key, bytes_view value, std::string_view topic) {
    return read_value<Key, Value>(key, value, topic, std::make_index_sequence<std::variant_size_v<Key>>{});
}

template <class Key>
result<bytes> write_key(const Key& key) {
    return std::visit([](const auto& typed) { return encode_record_key(typed); }, key);
}
template <class Value>
result<bytes> write_value(const Value& value, std::int16_t version) {
    return std::visit([&](const auto& typed) { return encode_record_value(typed, version); }, value);
}

}  // namespace

result<bytes> encode_record_key(const group_record_key& key) { return write_key(key); }
result<bytes> encode_record_key(const transaction_record_key& key) { return write_key(key); }
result<bytes> encode_record_key(const share_record_key& key) { return write_key(key); }
result<bytes> encode_record_value(const group_record_value& value, std::int16_t version) {
    return write_value(value, version);
}
result<bytes> encode_record_value(const transaction_record_value& value, std::int16_t version) {
    return write_value(value, version);
}
result<bytes> encode_record_value(const share_record_value& value, std::int16_t version) {
    return write_value(value, version);
}

result<group_record_key> decode_group_record_key(bytes_view key) {
    auto read = read_key<group_record_key>(key, group_offsets_topic);
    // The old offset key has the same layout, and what is stored under it is the same thing.
    if (read)
        if (auto* old = std::get_if<legacy_offset_commit_key>(&*read))
            return group_record_key{offset_commit_key{std::move(old->group), std::move(old->topic), old->partition}};
    return read;
}
result<transaction_record_key> decode_transaction_record_key(bytes_view key) {
    return read_key<transaction_record_key>(key, transaction_state_topic);
}
result<share_record_key> decode_share_record_key(bytes_view key) {
    return read_key<share_record_key>(key, share_state_topic);
}

result<group_record_value> decode_group_record_value(const group_record_key& key, bytes_view value) {
    return read_value<group_record_value>(key, value, group_offsets_topic);
}
result<transaction_record_value> decode_transaction_record_value(const transaction_record_key& key, bytes_view value) {
    return read_value<transaction_record_value>(key, value, transaction_state_topic);
}
result<share_record_value> decode_share_record_value(const share_record_key& key, bytes_view value) {
    return read_value<share_record_value>(key, value, share_state_topic);
}

}  // namespace weir::protocol
