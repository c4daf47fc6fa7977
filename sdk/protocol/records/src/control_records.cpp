#include <weir/protocol/records/control_records.hpp>

#include <fmt/format.h>

namespace weir::protocol {
namespace {

constexpr std::size_t key_bytes = 4;
constexpr std::size_t end_txn_bytes = 6;

}  // namespace

result<std::optional<control_type>> read_control_type(const record_view& record) {
    if (!record.key || record.key->size() < key_bytes)
        return error{errc::invalid_record,
                     fmt::format("the control record at offset {} has no key of 4 bytes", record.offset)};
    if (const auto version = load_big_endian<std::int16_t>(record.key->data()); version < 0)
        return error{errc::invalid_record,
                     fmt::format("the control record at offset {} has key version {}", record.offset, version)};
    const auto type = load_big_endian<std::int16_t>(record.key->data() + 2);
    if (type < 0 || type > static_cast<std::int16_t>(control_type::kraft_voters)) return std::optional<control_type>{};
    return std::optional{static_cast<control_type>(type)};
}

bytes control_key(control_type type) {
    bytes key(key_bytes);
    store_big_endian(key.data() + 2, static_cast<std::int16_t>(type));
    return key;
}

result<transaction_end> read_end_txn_marker(const record_view& record) {
    const auto type = read_control_type(record);
    if (!type) return type.error();
    if (*type != control_type::commit && *type != control_type::abort)
        return error{errc::invalid_record,
                     fmt::format("the control record at offset {} ends no transaction", record.offset)};
    if (!record.value || record.value->size() < end_txn_bytes)
        return error{errc::invalid_record, fmt::format("the transaction marker at offset {} is cut", record.offset)};
    return transaction_end{.commit = *type == control_type::commit,
                          .coordinator_epoch = load_big_endian<std::int32_t>(record.value->data() + 2)};
}

bytes build_end_txn_batch(const end_txn_settings& settings) {
    batch_settings header;
    header.base_offset = settings.base_offset;
    header.leader_epoch = settings.leader_epoch;
    header.producer_id = settings.producer_id;
    header.producer_epoch = settings.producer_epoch;
    header.transactional = true;
    header.control = true;
    batch_builder builder{header};
    bytes value(end_txn_bytes);
    store_big_endian(value.data() + 2, settings.marker.coordinator_epoch);
    *append_control(builder, settings.marker.commit ? control_type::commit : control_type::abort, settings.timestamp,
                    value);
    return *builder.finish();
}

result<void> append_control(batch_builder& builder, control_type type, timestamp_ms timestamp, bytes_view body) {
    const auto key = control_key(type);
    return builder.append(timestamp, bytes_view{key}, body);
}

}  // namespace weir::protocol
