// Record batches: framing, records, the checks on Produce, and rewriting. Checksums are set right first, or nearly no
// mutated input would get past them.
#include "fuzz.hpp"

#include <weir/protocol/records/control_records.hpp>
#include <weir/protocol/records/produced.hpp>
#include <weir/protocol/records/recompress.hpp>
#include <weir/protocol/records/record_set.hpp>

using namespace weir;
using namespace weir::protocol;
using fuzz::require;

namespace {

constexpr std::size_t limit = std::size_t{1} << 20;

void rewrite(const batch_view& batch, const record_range& records, record_reader& reader) {
    std::int32_t count = 0;
    std::int64_t before = -1;
    bool ascending = true;
    for (const auto& record : records) {
        ++count;
        ascending = ascending && record.offset_delta > before;
        before = record.offset_delta;
        for (const auto& header : record.headers) require(header.key.size() <= limit, "a header is inside its record");
        if (batch.control()) static_cast<void>(read_end_txn_marker(record));
    }
    require(count == batch.record_count(), "a checked batch delivers its count");
    record_reader other{limit};
    const auto packed = recompress(batch, codec::lz4, {}, reader);
    require(packed.has_value(), "what reads can be packed");
    const auto again = batch_view::open(*packed);
    require(again && again->crc_matches(), "what was packed is a batch");
    require(other.records(*again).has_value(), "what was packed reads");

    function<bool(const record_view&)> keep = [](const record_view& record) { return (record.offset_delta & 1) == 0; };
    const auto kept =
        filter_records(batch, keep, {.target = codec::none, .when_empty = emptied_batch::keep_header}, reader);
    require(kept.has_value() || !ascending, "records in order can be filtered");
    if (!kept) return;
    const auto filtered = batch_view::open(kept->batch);
    require(filtered && filtered->crc_matches() && filtered->last_offset_delta() == batch.last_offset_delta(),
            "a filtered batch ends where it did");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    auto set = to_bytes(fuzz::input(data, size));
    record_set unchecked{set, crc_check::skip};
    while (const auto entry = unchecked.next())
        if (entry->batch() != nullptr) refresh_crc(mutable_bytes{set}.subspan(entry->position(), entry->size()));

    const auto report = examine(set, limit);
    require(report.bytes <= set.size(), "a report stays inside its input");
    const auto checked = check_produced(set, {.transactional_id_present = true, .decompressed_limit = limit});
    if (checked) require(checked->summary.count == checked->batch.record_count(), "a produced batch has its count");

    record_set walk{set};
    record_reader reader{limit};
    while (const auto entry = walk.next()) {
        if (entry->batch() == nullptr) continue;
        const auto records = reader.records(*entry->batch());
        if (!records) {
            require(!checked || checked->batch.whole().data() != entry->whole().data(), "what Produce accepts reads");
            continue;
        }
        rewrite(*entry->batch(), *records, reader);
    }
    return 0;
}
