// What leaves the log: truncation, deleted records, retention, and the files that follow later.
#include "log_state.hpp"

#include <weir/base/log.hpp>

#include <algorithm>

namespace weir::storage {
namespace {

log::logger retention_logs{"weir.storage"};

}  // namespace

result<void> partition_log::state::discard(segment& gone) {
    gone.close_files();
    untouched = false;
    const auto due = time.now() + std::min(config.file_delete_delay_ms, milliseconds{std::chrono::hours{24 * 365}});
    for (const auto kind : {suffix::log, suffix::index, suffix::time_index, suffix::txn_index, suffix::snapshot}) {
        const auto path = offset_path(folder.path, gone.base_offset(), kind);
        const auto waiting = path + std::string{suffix::deleted};
        const auto moved = files().rename(path, waiting);
        if (moved)
            leftovers.push_back({waiting, due});
        else if (moved.code() != errc::not_found)
            return moved;
    }
    std::erase(snapshots, gone.base_offset());
    names_unsynced = true;
    return {};
}

result<void> partition_log::state::collect_garbage(bool all) {
    const auto now = time.now();
    error first;
    std::erase_if(leftovers, [&](const garbage& each) {
        if (!all && each.due > now) return false;
        const auto removed = files().remove(each.path);
        if (removed || removed.code() == errc::not_found) return true;
        if (!first) first = removed.error();
        return false;
    });
    return first ? result<void>{first} : result<void>{};
}

result<std::size_t> partition_log::state::drop_oldest(std::size_t how_many) {
    if (how_many == 0) return std::size_t{0};
    untouched = false;
    if (how_many == segments.size()) {
        // The next offset must survive a restart, so an empty segment remembers it before the last one goes.
        if (segments.back()->size() == 0 && segments.back()->base_offset() == log_end) {
            --how_many;
        } else {
            if (auto closed = seal(); !closed) return closed.error();
            if (auto begun = begin_segment(log_end); !begun) return begun.error();
            if (auto named = files().sync_directory(folder.path); !named) return fail(named.error());
        }
    }
    ++layout;
    std::size_t dropped = 0;
    for (; dropped < how_many; ++dropped) {
        const auto size = segments[dropped]->size();
        if (auto moved = discard(*segments[dropped]); !moved) {
            segments.erase(segments.begin(), segments.begin() + static_cast<std::ptrdiff_t>(dropped));
            return moved.error();
        }
        total_bytes -= size;
    }
    segments.erase(segments.begin(), segments.begin() + static_cast<std::ptrdiff_t>(dropped));
    if (segments.front()->base_offset() > log_start) {
        log_start = segments.front()->base_offset();
        if (epochs.truncate_from_start(log_start))
            if (auto noted = write_epochs(); !noted) return noted.error();
    }
    publish();
    return dropped;
}

result<void> partition_log::state::advance_log_start(std::int64_t offset) {
    if (auto ready = refuse_when_offline(); !ready) return ready;
    if (offset > log_end)
        return error{errc::offset_out_of_range, name() + ": the log cannot start at offset " + std::to_string(offset) +
                                                    ", it ends at " + std::to_string(log_end)};
    if (offset <= log_start) return {};
    log_start = offset;
    untouched = false;
    if (epochs.truncate_from_start(log_start))
        if (auto noted = write_epochs(); !noted) return noted;
    std::size_t below = 0;
    while (below < segments.size() && end_of(below) <= log_start &&
           (below + 1 < segments.size() || segments[below]->size() != 0))
        ++below;
    publish();
    const auto dropped = drop_oldest(below);
    return dropped ? result<void>{} : result<void>{dropped.error()};
}

result<void> partition_log::state::roll_if_due() {
    if (failure) return failure;
    auto* last = active();
    if (last == nullptr || sealed || last->size() == 0) return {};
    const auto began = last->first_timestamp();
    if (!began) return began.error();
    if (*began < 0 || time.wall_now() - *began <= max_segment_age(last->base_offset())) return {};
    untouched = false;
    return seal();
}

result<std::size_t> partition_log::state::apply_retention(std::int64_t high_watermark) {
    if (failure) return failure;
    producers.on_high_watermark(high_watermark);
    const auto committed = [&](std::size_t which) {
        return end_of(which) <= high_watermark && (which + 1 < segments.size() || segments[which]->size() != 0);
    };
    std::size_t dropped = 0;
    const auto drop = [&](std::size_t count, const char* why) -> result<void> {
        if (count == 0) return {};
        const auto gone = drop_oldest(count);
        if (!gone) return gone.error();
        dropped += *gone;
        retention_logs.info(name() + ": " + std::to_string(*gone) + " segments dropped by " + why + ", the log starts at " +
                  std::to_string(log_start));
        return {};
    };
    if (config.deletes() && config.retention_ms.count() >= 0) {
        std::size_t old = 0;
        for (; old < segments.size() && committed(old); ++old) {
            const auto newest = segments[old]->newest();
            if (!newest) return newest.error();
            if (segments[old]->size() == 0) continue;  // compaction left nothing in it
            if (newest->timestamp < 0 || time.wall_now() - newest->timestamp <= config.retention_ms.count()) break;
        }
        if (auto gone = drop(old, "retention.ms"); !gone) return gone.error();
    }
    if (config.deletes() && config.retention_bytes >= 0) {
        auto excess = static_cast<std::int64_t>(total_bytes) - config.retention_bytes;
        std::size_t large = 0;
        for (; large < segments.size() && committed(large); ++large) {
            const auto size = static_cast<std::int64_t>(segments[large]->size());
            if (excess < size) break;
            excess -= size;
        }
        if (auto gone = drop(large, "retention.bytes"); !gone) return gone.error();
    }
    std::size_t below = 0;
    while (below + 1 < segments.size() && end_of(below) <= log_start && committed(below)) ++below;
    if (auto gone = drop(below, "the log start offset"); !gone) return gone.error();
    return dropped;
}

result<void> partition_log::state::truncate_to(std::int64_t offset) {
    if (auto ready = refuse_when_offline(); !ready) return ready;
    if (offset >= log_end) return {};
    if (offset < 0)
        return error{errc::offset_out_of_range, name() + ": offset " + std::to_string(offset) + " is negative"};
    if (segments.empty() || offset <= segments.front()->base_offset()) return truncate_fully_and_start_at(offset);
    ++generation;
    ++layout;
    cleaned_to = std::min(cleaned_to, offset);
    untouched = false;
    recent.clear();
    pinned = nullptr;
    while (segments.back()->base_offset() >= offset) {
        total_bytes -= segments.back()->size();
        if (auto moved = discard(*segments.back()); !moved) return fail(moved.error());
        segments.pop_back();
    }
    log_end = offset;  // bounds the search below; the last segment may end before it
    auto& last = *segments.back();
    const auto found = locate(segments.size() - 1, offset);
    if (!found) return fail(found.error());
    if (found->position < last.size()) {
        total_bytes -= last.size() - found->position;
        if (auto cut = last.cut(found->position, offset); !cut) return fail(cut.error());
        // Durable at once: after a power cut the old end must not follow what is written from now on.
        const auto opened = last.log_file();
        if (!opened) return fail(opened.error());
        if (auto synced = (*opened)->sync(); !synced) return fail(synced.error());
    }
    if (auto named = files().sync_directory(folder.path); !named) return fail(named.error());
    sealed = false;
    flushed = std::min(flushed, offset);
    log_start = std::min(log_start, offset);
    if (auto removed = remove_snapshots_from(offset + 1); !removed) return fail(removed.error());
    if (auto known = load_producers(offset); !known) return fail(known.error());
    if (epochs.truncate_from_end(offset))
        if (auto noted = write_epochs(); !noted) return fail(noted.error());
    publish();
    return {};
}

result<void> partition_log::state::truncate_fully_and_start_at(std::int64_t offset) {
    if (auto ready = refuse_when_offline(); !ready) return ready;
    ++generation;
    ++layout;
    cleaned_to = std::min(cleaned_to, offset);
    untouched = false;
    recent.clear();
    pinned = nullptr;
    if (auto removed = remove_snapshots_from(0); !removed) return fail(removed.error());
    while (!segments.empty()) {
        if (auto moved = discard(*segments.back()); !moved) return fail(moved.error());
        segments.pop_back();
    }
    total_bytes = 0;
    producers.clear();
    epochs.clear();
    if (auto noted = write_epochs(); !noted) return fail(noted.error());
    log_start = log_end = flushed = offset;
    sealed = false;
    if (auto begun = begin_segment(offset); !begun) return fail(begun.error());
    if (auto named = files().sync_directory(folder.path); !named) return fail(named.error());
    publish();
    return {};
}

}  // namespace weir::storage
