// Reading: from offsets and times to ranges of segment files.
#include "log_state.hpp"

#include <weir/protocol/records/record_reader.hpp>

#include <algorithm>

namespace weir::storage {
namespace {

error damaged_scan(const batch_scan& scan, scan_step step) {
    return step == scan_step::failed ? scan.failure() : scan.fault();
}

}  // namespace

result<partition_log::state::found_batch> partition_log::state::locate(std::size_t which, std::int64_t offset) {
    auto& home = *segments[which];
    if (which + 1 == segments.size()) {
        if (const auto known = recent.find(offset))
            return found_batch{known->position, known->next.value_or(home.size()) - known->position};
    }
    const auto from = home.scan_start(offset);
    if (!from) return from.error();
    const auto opened = home.log_file();
    if (!opened) return opened.error();
    batch_scan scan{**opened, *from, home.size()};
    std::int64_t expected = home.base_offset();
    for (;;) {
        const auto step = scan.next();
        if (step == scan_step::end) return found_batch{home.size(), 0};
        if (step == scan_step::legacy) {
            // Written by brokers before 0.11; served as it is, from the segment's start, for clients that can read it.
            return found_batch{0, home.size()};
        }
        if (step != scan_step::batch) return damaged_scan(scan, step);
        const auto& batch = scan.header();
        if (batch.base_offset < expected)
            return error{errc::corrupt_message, home.log_path() + ", position " + std::to_string(batch.position) +
                                                    ": offset " + std::to_string(batch.base_offset) +
                                                    " where at least " + std::to_string(expected) + " must follow"};
        if (batch.last_offset() >= offset) return found_batch{batch.position, batch.size};
        expected = batch.next_offset();
    }
}

result<std::uint64_t> partition_log::state::position_of_limit(std::size_t which, std::int64_t offset) {
    auto& home = *segments[which];
    if (offset >= end_of(which)) return home.size();
    if (which + 1 == segments.size())
        if (const auto known = recent.begins_at_or_above(offset, home.size())) return *known;
    const auto from = home.scan_start(offset);
    if (!from) return from.error();
    const auto opened = home.log_file();
    if (!opened) return opened.error();
    batch_scan scan{**opened, *from, home.size()};
    for (;;) {
        const auto step = scan.next();
        if (step == scan_step::end) return home.size();
        if (step == scan_step::legacy) return home.size();
        if (step != scan_step::batch) return damaged_scan(scan, step);
        if (scan.header().base_offset >= offset) return scan.header().position;
    }
}

result<read_outcome> partition_log::state::read(std::int64_t offset, std::uint64_t max_bytes, std::int64_t end_offset,
                                                bool at_least_one, bool with_aborted) {
    if (offset < log_start || offset > log_end)
        return error{errc::offset_out_of_range, name() + ": offset " + std::to_string(offset) + " is outside " +
                                                    std::to_string(log_start) + " to " + std::to_string(log_end)};
    read_outcome outcome;
    const auto limit = std::min(end_offset, log_end);
    if (offset >= limit) return outcome;
    for (auto which = segment_of(offset); which < segments.size(); ++which) {
        auto& home = *segments[which];
        if (home.base_offset() >= limit) return outcome;
        const auto first = locate(which, std::max(offset, home.base_offset()));
        if (!first) return first.error();
        if (first->size == 0) continue;  // the offset lies in a gap behind this segment
        const auto end = position_of_limit(which, limit);
        if (!end) return end.error();
        if (*end <= first->position) return outcome;
        auto size = std::min(max_bytes, *end - first->position);
        if (size < first->size) {
            if (!at_least_one) return outcome;
            size = first->size;
        }
        const auto sound = home.verify(first->position, first->position + size, end_of(which));
        if (!sound) return sound.error();
        const auto opened = home.log_file();
        if (!opened) return opened.error();
        outcome.records = {*opened, first->position, *sound - first->position};
        if (with_aborted) {
            const auto behind = home.offset_bound(*sound);
            if (!behind) return behind.error();
            auto aborted = aborted_in(which, offset, std::min(limit, behind->value_or(end_of(which))));
            if (!aborted) return aborted.error();
            outcome.aborted = std::move(*aborted);
        }
        return outcome;
    }
    return outcome;
}

// The marker of a transaction may lie segments behind its data, so the search goes on until an entry proves that
// everything below the wanted range was decided.
result<std::vector<aborted_transaction>> partition_log::state::aborted_in(std::size_t which, std::int64_t from,
                                                                          std::int64_t below) {
    std::vector<aborted_transaction> found;
    for (; which < segments.size(); ++which) {
        const auto entries = segments[which]->transactions().entries();
        if (!entries) return entries.error();
        bool decided = false;
        for (const auto& entry : **entries) {
            if (entry.last_offset >= from && entry.first_offset < below)
                found.push_back({entry.producer_id, entry.first_offset});
            decided = decided || entry.last_stable_offset >= below;
        }
        if (decided) break;
    }
    std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first_offset < b.first_offset; });
    return found;
}

result<std::optional<timestamp_offset>> partition_log::state::offset_for_timestamp(timestamp_ms wanted,
                                                                                   std::int64_t end_offset) {
    thread_local protocol::record_reader reader;
    for (std::size_t which = 0; which < segments.size(); ++which) {
        auto& home = *segments[which];
        if (end_of(which) <= log_start) continue;
        if (home.base_offset() >= end_offset) break;
        const auto newest = home.newest();
        if (!newest) return newest.error();
        if (newest->timestamp < wanted) continue;
        const auto from = home.scan_start_for_time(wanted);
        if (!from) return from.error();
        const auto opened = home.log_file();
        if (!opened) return opened.error();
        batch_scan scan{**opened, *from, home.size()};
        for (;;) {
            const auto step = scan.next();
            if (step == scan_step::end) break;
            if (step != scan_step::batch) return damaged_scan(scan, step);
            const auto& batch = scan.header();
            if (batch.base_offset >= end_offset) return std::optional<timestamp_offset>{};
            if (batch.max_timestamp < wanted || batch.last_offset() < log_start) continue;
            const auto epoch = batch.leader_epoch;
            if (auto sound = scan.check_crc(); !sound) return sound.error();
            const auto whole = scan.load();
            if (!whole) return whole.error();
            auto records = reader.open(*whole);
            if (!records) return records.error();
            protocol::record_view record;
            while (records->next(record)) {
                if (record.timestamp < wanted || record.offset < log_start) continue;
                if (record.offset >= end_offset) return std::optional<timestamp_offset>{};
                return std::optional{timestamp_offset{record.timestamp, record.offset, epoch}};
            }
            if (auto why = records->failure()) return why;
        }
    }
    return std::optional<timestamp_offset>{};
}

result<std::optional<timestamp_offset>> partition_log::state::offset_of_max_timestamp() {
    segment* home = nullptr;
    time_entry best;
    for (std::size_t which = 0; which < segments.size(); ++which) {
        if (end_of(which) <= log_start) continue;
        const auto newest = segments[which]->newest();
        if (!newest) return newest.error();
        if (newest->timestamp > best.timestamp) {
            best = *newest;
            home = segments[which].get();
        }
    }
    if (home == nullptr) return std::optional<timestamp_offset>{};
    const auto found = offset_for_timestamp(best.timestamp, log_end);
    return found;
}

result<void> partition_log::state::verify_segments() {
    thread_local protocol::record_reader reader;
    auto expected = std::int64_t{0};
    for (const auto& each : segments) {
        const auto opened = each->log_file();
        if (!opened) return opened.error();
        batch_scan scan{**opened, 0, each->size(), std::size_t{256} << 10};
        expected = std::max(expected, each->base_offset());
        for (;;) {
            const auto step = scan.next();
            if (step == scan_step::end) break;
            if (step != scan_step::batch) return damaged_scan(scan, step);
            if (scan.header().base_offset < expected)
                return error{errc::corrupt_message, each->log_path() + ": offsets go back at position " +
                                                        std::to_string(scan.header().position)};
            expected = scan.header().next_offset();
            if (auto sound = scan.check_crc(); !sound) return sound;
            const auto whole = scan.load();
            if (!whole) return whole.error();
            const auto records = reader.records(*whole);
            if (!records)
                return error{errc::corrupt_message,
                             each->log_path() + ", position " + std::to_string(scan.header().position),
                             records.error()};
        }
    }
    return {};
}

}  // namespace weir::storage
