#include "index_dump.hpp"

#include "../arguments.hpp"
#include "segment_file.hpp"

#include <weir/base/crc32c.hpp>
#include <weir/protocol/codec.hpp>
#include <weir/protocol/messages/producer_snapshot.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace weir::tools {

using namespace protocol;

namespace {

struct index_entry {
    std::int64_t offset = 0;
    std::int64_t value = 0;  ///< position, or timestamp
};

/// The entries of an index. A file that was made in full size ahead of use ends in zeros, which are none.
struct index_content {
    std::int64_t base_offset = 0;
    std::vector<index_entry> entries;
    std::size_t leftover = 0;  ///< bytes behind the last whole entry
    bool empty = true;         ///< not even zeros
};

std::string beside(const std::string& path, std::string_view suffix) {
    const auto slash = path.find_last_of('/') + 1;
    return path.substr(0, path.find('.', slash)) + std::string{suffix};
}

result<std::int64_t> base_offset_of(const std::string& path) {
    const auto slash = path.find_last_of('/') + 1;
    const auto parsed = parse_number(std::string_view{path}.substr(slash, path.find('.', slash) - slash));
    if (!parsed) return error{errc::malformed, path + ": the name does not say which offset the file begins with, as in 00000000000000000000.index"};
    return *parsed;
}

/// `entry_bytes` 8: relative offset, position; 12: timestamp, relative offset.
result<index_content> read_index(file_system& files, const std::string& path, std::size_t entry_bytes) {
    auto base = base_offset_of(path);
    if (!base) return base.error();
    auto raw = read_file(files, path, std::uint64_t{1} << 30);
    if (!raw) return raw.error();
    index_content found{*base, {}, raw->size() % entry_bytes, raw->empty()};
    for (std::size_t at = 0; at + entry_bytes <= raw->size(); at += entry_bytes) {
        const auto* entry = raw->data() + at;
        const auto relative = load_big_endian<std::int32_t>(entry + entry_bytes - (entry_bytes == 8 ? 8 : 4));
        if (relative == 0 && at > 0) break;
        found.entries.push_back({*base + relative, entry_bytes == 8 ? load_big_endian<std::int32_t>(entry + 4) : load_big_endian<std::int64_t>(entry)});
    }
    return found;
}

/// What a broker checks before it trusts an index (the largest entry is where the file ends).
result<void> check_sanity(const std::string& path, const index_content& index, std::size_t entry_bytes) {
    if (!index.entries.empty() && index.entries.back().offset < index.base_offset)
        return error{errc::corrupt_message, fmt::format("Corrupt index found, index file ({}) has non-zero size but the last offset is {} which is less than the base offset {}",
                                                        path, index.entries.back().offset, index.base_offset)};
    if (entry_bytes == 12 && !index.entries.empty() && index.entries.back().value < index.entries.front().value)
        return error{errc::corrupt_message, fmt::format("Corrupt time index found, time index file ({}) has non-zero size but the last timestamp is {} which is less than the first timestamp {}",
                                                        path, index.entries.back().value, index.entries.front().value)};
    if (index.leftover > 0)
        return error{errc::corrupt_message, fmt::format("Index file {} is corrupt, found {} bytes behind its last entry of {} bytes", path, index.leftover, entry_bytes)};
    return {};
}

/// The largest timestamp of a batch's records.
timestamp_ms largest_timestamp(const set_entry& entry) {
    timestamp_ms largest = no_timestamp;
    if (const auto* batch = entry.batch()) {
        record_reader reader;
        record_view each;
        if (auto cursor = reader.open(*batch))
            while (cursor->next(each)) largest = std::max(largest, each.timestamp);
    } else {
        legacy_reader reader;
        if (auto read = reader.read(*entry.legacy()))
            for (const auto& each : *read) largest = std::max(largest, each.timestamp);
    }
    return largest;
}

void add(std::string& text, std::string_view title, const std::string& line) {
    if (text.empty()) text = title;
    text += "\n" + line;
}

void print_fields(output& out, std::initializer_list<std::pair<std::string_view, std::string>> fields) {
    if (!out.json()) {
        std::string text;
        for (const auto& [name, shown] : fields) text += fmt::format("{}{}: {}", text.empty() ? "" : " ", name, shown);
        out.line(text);
        return;
    }
    json_writer document;
    document.begin_object();
    for (const auto& [name, shown] : fields) {
        document.key(name);
        if (const auto number = parse_number(shown)) document.number(*number);
        else if (shown == "OptionalLong.empty") document.null();
        else document.string(shown);
    }
    document.end_object();
    out.line(std::move(document));
}

}  // namespace

result<void> dump_offset_index(file_system& files, const std::string& path, const index_dump_settings& how, output& out, findings& wrong) {
    auto index = read_index(files, path, 8);
    if (!index) return index.error();
    if (index->empty) {
        if (!out.json()) out.line(path + " is empty.");
        return {};
    }
    if (how.sanity_only) {
        if (auto sane = check_sanity(path, *index, 8); !sane) return sane;
        out.line(path + " passed sanity check.");
        return {};
    }
    auto log = segment_file::open(files, beside(path, ".log"));
    if (!log) return log.error();
    std::string mismatches;
    for (const auto& entry : index->entries) {
        const auto position = static_cast<std::uint64_t>(entry.value);
        log->seek(position, position + how.max_batch_bytes);
        auto at = log->next();
        if (!at) return at.error();
        const auto found = *at ? (*at)->batch.last_offset() : -1;
        if (found != entry.offset) add(mismatches, "Mismatches in :" + path, fmt::format("  Index offset: {}, log offset: {}", entry.offset, found));
        if (!how.verify_only) print_fields(out, {{"offset", std::to_string(entry.offset)}, {"position", std::to_string(entry.value)}});
    }
    if (!mismatches.empty()) wrong.push_back(std::move(mismatches));
    return {};
}

result<void> dump_time_index(file_system& files, const std::string& path, const index_dump_settings& how, output& out, findings& wrong) {
    auto times = read_index(files, path, 12);
    if (!times) return times.error();
    if (how.sanity_only) {
        if (auto sane = check_sanity(path, *times, 12); !sane) return sane;
        out.line(path + " passed sanity check.");
        return {};
    }
    auto positions = read_index(files, beside(path, ".index"), 8);
    if (!positions) return positions.error();
    auto log = segment_file::open(files, beside(path, ".log"));
    if (!log) return log.error();
    std::string mismatches, out_of_order, missing;
    timestamp_ms before = no_timestamp;
    std::int64_t sought = -1;
    std::optional<segment_file::entry> at;
    bool at_end = false;
    for (const auto& entry : times->entries) {
        auto behind = std::upper_bound(positions->entries.begin(), positions->entries.end(), entry.offset,
                                       [](std::int64_t offset, const index_entry& each) { return offset < each.offset; });
        const auto from = static_cast<std::uint64_t>(behind == positions->entries.begin() ? 0 : std::prev(behind)->value);
        // Offsets grow: what was found goes on from where the last one was, but for a jump ahead, or back in an index that is broken.
        if (entry.offset <= sought || from > log->position()) {
            log->seek(from);
            at.reset();
            at_end = false;
        }
        sought = entry.offset;
        while (!at_end && (!at || at->batch.last_offset() < entry.offset)) {
            auto next = log->next();
            if (!next) return next.error();
            at = *next;
            at_end = !at;
        }
        if (!at || at->batch.last_offset() != entry.offset) {
            add(missing, "The following indexed offsets are not found in :" + path,
                fmt::format("Indexed offset: {}, found log offset: {}", entry.offset, at ? at->batch.last_offset() : -1));
        } else {
            if (const auto largest = largest_timestamp(at->batch); largest != entry.value)
                add(mismatches, "Found timestamp mismatch in :" + path, fmt::format("  Index timestamp: {}, log timestamp: {}", entry.value, largest));
            if (before >= entry.value)
                add(out_of_order, "Found out of order timestamp in :" + path, fmt::format("  Index timestamp: {}, Previously indexed timestamp: {}", entry.value, before));
        }
        if (!how.verify_only) print_fields(out, {{"timestamp", std::to_string(entry.value)}, {"offset", std::to_string(entry.offset)}});
        before = entry.value;
    }
    for (auto* each : {&mismatches, &out_of_order, &missing})
        if (!each->empty()) wrong.push_back(std::move(*each));
    return {};
}

result<void> dump_transaction_index(file_system& files, const std::string& path, output& out) {
    constexpr std::size_t entry_bytes = 34;
    auto raw = read_file(files, path, std::uint64_t{1} << 30);
    if (!raw) return raw.error();
    for (std::size_t at = 0; at + entry_bytes <= raw->size(); at += entry_bytes) {
        const auto* entry = raw->data() + at;
        const auto number = [&](std::size_t where) { return std::to_string(load_big_endian<std::int64_t>(entry + where)); };
        print_fields(out, {{"version", std::to_string(load_big_endian<std::int16_t>(entry))}, {"producerId", number(2)}, {"firstOffset", number(10)},
                           {"lastOffset", number(18)}, {"lastStableOffset", number(26)}});
    }
    return {};
}

result<void> dump_producer_snapshot(file_system& files, const std::string& path, output& out) {
    auto raw = read_file(files, path, std::uint64_t{1} << 30);
    if (!raw) return raw.error();
    reader in{*raw};
    const auto version = in.number<std::int16_t>("version");
    auto snapshot = decode<producer_snapshot>(in, version);
    if (!snapshot) return error{errc::malformed, path + ": the snapshot cannot be read", snapshot.error()};
    if (const auto computed = crc32c(0, bytes_view{*raw}.subspan(6)); computed != snapshot->crc)
        return error{errc::corrupt_message, fmt::format("Snapshot is corrupt (CRC is no longer valid). Stored crc: {}. Computed crc: {}", snapshot->crc, computed)};
    for (const auto& each : snapshot->producer_entries) {
        const auto first_of_transaction = each.current_txn_first_offset >= 0 ? fmt::format("OptionalLong[{}]", each.current_txn_first_offset) : "OptionalLong.empty";
        const auto id = std::to_string(each.producer_id), epoch = std::to_string(each.epoch), coordinator = std::to_string(each.coordinator_epoch),
                   time = std::to_string(each.timestamp);
        if (each.last_offset < 0) {
            print_fields(out, {{"producerId", id}, {"producerEpoch", epoch}, {"coordinatorEpoch", coordinator}, {"currentTxnFirstOffset", first_of_transaction}, {"lastTimestamp", time}});
            continue;
        }
        print_fields(out, {{"producerId", id}, {"producerEpoch", epoch}, {"coordinatorEpoch", coordinator}, {"currentTxnFirstOffset", first_of_transaction}, {"lastTimestamp", time},
                           {"firstSequence", std::to_string(advance_sequence(each.last_sequence, -each.offset_delta))}, {"lastSequence", std::to_string(each.last_sequence)},
                           {"lastOffset", std::to_string(each.last_offset)}, {"offsetDelta", std::to_string(each.offset_delta)}, {"timestamp", time}});
    }
    return {};
}

}  // namespace weir::tools
