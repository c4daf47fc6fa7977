#include <weir/protocol/records/record_reader.hpp>

#include "payload.hpp"

#include <fmt/format.h>

namespace weir::protocol {

result<bytes_view> detail::decompress_payload(const batch_view& batch, std::size_t limit, scratch_buffer& buffer) {
    if (!batch.compressed() || batch.record_count() == 0) return batch.payload();
    const auto which = batch.compression();
    if (!which)
        return error{errc::invalid_record, fmt::format("the batch at offset {} names codec {}, which does not exist",
                                                       batch.base_offset(), batch.codec_bits())};
    auto done = decompress(*which, batch.payload(), limit, buffer);
    if (!done) {
        const auto code = done.code() == errc::message_too_large ? errc::message_too_large : errc::invalid_record;
        return error{code, fmt::format("the batch at offset {} does not decompress", batch.base_offset()),
                     done.error()};
    }
    return buffer.view();
}

result<bytes_view> record_reader::payload(const batch_view& batch) {
    return detail::decompress_payload(batch, limit_, buffer_);
}

result<record_cursor> record_reader::open(const batch_view& batch) {
    auto found = payload(batch);
    if (!found) return found.error();
    return record_cursor{batch, *found};
}

result<record_range> record_reader::records(const batch_view& batch) {
    auto found = payload(batch);
    if (!found) return found.error();
    record_cursor check{batch, *found};
    record_view record;
    while (check.next(record)) {}
    if (check.failed()) return check.failure();
    return record_range{batch, *found};
}

}  // namespace weir::protocol
