#include <weir/protocol/records/recompress.hpp>

#include <weir/protocol/records/batch_builder.hpp>

#include <fmt/format.h>

namespace weir::protocol {

result<bytes> recompress(const batch_view& batch, codec target, std::optional<std::int32_t> level,
                         record_reader& reader) {
    const bool same = batch.codec_bits() == static_cast<std::uint8_t>(target) && !level;
    // Control batches are never compressed, and no records leave nothing to compress.
    if (same || batch.control() || batch.record_count() == 0) return to_bytes(batch.whole());
    const auto payload = reader.payload(batch);
    if (!payload) return payload.error();
    scratch_buffer out;
    out.append(batch.whole().first(batch_header_bytes));
    if (auto done = compress(target, level, *payload, out); !done) return done.error();
    if (out.size() > static_cast<std::size_t>(INT32_MAX))
        return error{errc::message_too_large,
                     fmt::format("the batch at offset {} does not fit as {}", batch.base_offset(), codec_name(target))};
    auto made = to_bytes(out.view());
    store_big_endian(made.data() + 8, static_cast<std::int32_t>(made.size() - batch_frame_bytes));
    store_big_endian(made.data() + 21,
                     static_cast<std::int16_t>((batch.attributes() & ~0x7) | static_cast<int>(target)));
    refresh_crc(made);
    return made;
}

result<filtered_batch> filter_records(const batch_view& batch, function<bool(const record_view&)>& keep,
                                      const filter_settings& settings, record_reader& reader) {
    const auto present = batch.compression();
    const auto records = reader.records(batch);
    if (!records) return records.error();
    batch_settings header;
    header.compression = settings.target.value_or(present.value_or(codec::none));
    header.level = settings.level;
    header.base_offset = batch.base_offset();
    header.leader_epoch = batch.leader_epoch();
    header.producer_id = batch.producer_id();
    header.producer_epoch = batch.producer_epoch();
    header.base_sequence = batch.base_sequence();
    header.transactional = batch.transactional();
    header.control = batch.control();
    if (batch.control()) header.compression = codec::none;
    if (batch.time_type() == timestamp_type::log_append_time) header.append_time = batch.max_timestamp();
    header.delete_horizon = settings.delete_horizon ? settings.delete_horizon : batch.delete_horizon();
    header.last_offset_delta = batch.last_offset_delta();

    batch_builder builder{header};
    filtered_batch out;
    for (const auto& record : *records) {
        if (!keep(record)) {
            ++out.removed;
            continue;
        }
        if (auto added = builder.append(record); !added) return added.error();
        ++out.kept;
    }
    const bool changed = out.removed > 0 || header.delete_horizon != batch.delete_horizon() || settings.level ||
                         header.compression != present;
    if (out.kept == 0) {
        if (settings.when_empty == emptied_batch::drop) return out;
        if (!changed) {
            out.batch = to_bytes(batch.whole());
            return out;
        }
        header.max_timestamp = batch.max_timestamp();
        builder = batch_builder{header};
    } else if (!changed) {
        out.batch = to_bytes(batch.whole());
        return out;
    }
    auto made = builder.finish();
    if (!made) return made.error();
    out.batch = *std::move(made);
    return out;
}

}  // namespace weir::protocol
