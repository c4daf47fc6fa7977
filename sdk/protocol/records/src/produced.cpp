#include <weir/protocol/records/produced.hpp>

#include "framing.hpp"

#include <fmt/format.h>

namespace weir::protocol {
namespace {

constexpr std::int16_t first_version_with_zstd = 7;

error refuse(errc code, const std::string& what) { return error{code, "produced records: " + what}; }

/// The one batch in front; what follows it may only be a cut batch.
result<batch_view> only_batch(bytes_view records) {
    const auto first = detail::inspect_frame(records);
    if (first.state == detail::frame_state::incomplete) return refuse(errc::invalid_record, "no whole batch");
    if (first.state == detail::frame_state::whole && first.magic < 2)
        return refuse(errc::invalid_record, fmt::format("message format {}, only 2 is accepted", first.magic));
    auto batch = batch_view::open(records);
    if (!batch) return batch.error();
    const auto second = detail::inspect_frame(records.subspan(batch->size()));
    if (second.state == detail::frame_state::whole) return refuse(errc::invalid_record, "more than one batch");
    if (second.state != detail::frame_state::incomplete)
        return refuse(errc::corrupt_message, fmt::format("no batch at position {}", batch->size()));
    return batch;
}

error check_header(const batch_view& batch, const produce_rules& rules) {
    if (batch.codec_bits() == static_cast<std::uint8_t>(codec::zstd) && rules.request_version < first_version_with_zstd)
        return refuse(errc::unsupported_compression_type,
                      fmt::format("zstd needs Produce 7 or later, this is {}", rules.request_version));
    if (batch.transactional() && !rules.transactional_id_present)
        return refuse(errc::transactional_id_authorization_failed,
                      "a transactional batch, but no transactional id in the request");
    if (!batch.crc_matches()) return refuse(errc::corrupt_message, fmt::format("wrong checksum {:08x}", batch.crc()));
    if (batch.base_offset() != 0)
        return refuse(errc::invalid_record, fmt::format("base offset {} instead of 0", batch.base_offset()));
    if (batch.control()) return refuse(errc::invalid_record, "a control batch, which only brokers write");
    if (batch.has_producer_id() && batch.base_sequence() < 0)
        return refuse(errc::invalid_record,
                      fmt::format("producer id {} with sequence {}", batch.producer_id(), batch.base_sequence()));
    return {};
}

}  // namespace

result<produced_batch> check_produced(bytes_view records, const produce_rules& rules) {
    const auto batch = only_batch(records);
    if (!batch) return batch.error();
    if (auto why = check_header(*batch, rules)) return why;
    const auto summary = validate_records(*batch, rules.decompressed_limit);
    if (!summary) return summary.error();
    return produced_batch{*batch, *summary};
}

}  // namespace weir::protocol
