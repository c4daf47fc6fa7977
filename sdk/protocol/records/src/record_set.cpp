#include <weir/protocol/records/record_set.hpp>

#include "framing.hpp"

#include <fmt/format.h>

namespace weir::protocol {

std::string_view verdict_name(set_verdict verdict) noexcept {
    switch (verdict) {
        case set_verdict::ok: return "ok";
        case set_verdict::incomplete: return "incomplete";
        case set_verdict::bad_framing: return "bad-framing";
        case set_verdict::bad_crc: return "bad-crc";
        case set_verdict::bad_records: return "bad-records";
    }
    return "unknown";
}

std::optional<set_entry> record_set::next() {
    if (verdict_ != set_verdict::ok || position_ == input_.size()) return std::nullopt;
    const auto rest = input_.subspan(position_);
    const auto frame = detail::inspect_frame(rest);
    if (frame.state != detail::frame_state::whole) {
        verdict_ = frame.state == detail::frame_state::incomplete ? set_verdict::incomplete : set_verdict::bad_framing;
        return std::nullopt;
    }
    auto entry = frame.magic == 2 ? set_entry{*batch_view::open(rest), position_}
                                  : set_entry{*legacy_entry::open(rest), position_};
    if (check_ == crc_check::verify && !entry.crc_matches()) {
        verdict_ = set_verdict::bad_crc;
        return std::nullopt;
    }
    position_ += entry.size();
    return entry;
}

set_report examine(bytes_view input, std::size_t limit) {
    set_report report;
    record_set set{input};
    record_reader reader{limit};
    legacy_reader legacy{limit};
    const auto count_records = [&](const set_entry& entry) -> result<std::int64_t> {
        if (entry.legacy() != nullptr) {
            const auto records = legacy.read(*entry.legacy());
            if (!records) return records.error();
            return static_cast<std::int64_t>(records->size());
        }
        const auto records = reader.records(*entry.batch());
        if (!records) return records.error();
        return std::int64_t{entry.batch()->record_count()};
    };
    while (const auto entry = set.next()) {
        const auto count = count_records(*entry);
        if (!count) {
            report.verdict = set_verdict::bad_records;
            report.why =
                error{errc::invalid_record, fmt::format("batch at position {}", entry->position()), count.error()};
            return report;
        }
        ++report.batches;
        report.records += *count;
        report.bytes = set.position();
    }
    report.verdict = set.verdict();
    if (report.verdict != set_verdict::ok && report.verdict != set_verdict::incomplete)
        report.why = error{errc::corrupt_message,
                           fmt::format("batch at position {}: {}", set.position(), verdict_name(report.verdict))};
    return report;
}

}  // namespace weir::protocol
