// Opening a log: leftovers settled, damage cut off, state read back or replayed.
#include "log_state.hpp"
#include "partition_metadata.hpp"

#include <weir/base/log.hpp>

#include <algorithm>

namespace weir::storage {
namespace {

log::logger recovery_logs{"weir.storage.recovery"};

constexpr std::size_t recovery_window = std::size_t{256} << 10;
constexpr std::string_view epoch_file = "leader-epoch-checkpoint";

result<void> remove_if_there(file_system& files, const std::string& path) {
    auto removed = files.remove(path);
    return removed || removed.code() == errc::not_found ? result<void>{} : removed;
}

// What the folder holds, by kind. Kinds keep their suffix, so that ".log.swap" is told from ".log".
struct folder_content {
    std::vector<std::int64_t> logs;
    std::vector<std::int64_t> swapped;  // .log.swap
    std::vector<std::int64_t> txn_indexes;
    std::vector<std::int64_t> swapped_txn_indexes;  // .txnindex.cleaned beside a .log.swap, which was renamed after it was written
    std::vector<std::int64_t> snapshots;
    std::vector<std::string> swap_files;  // all names that end in .swap
    std::vector<std::string> trash;       // .deleted, .cleaned, .tmp
    bool epochs = false;
    bool metadata = false;
};

folder_content sort_out(const std::vector<directory_entry>& entries) {
    folder_content found;
    for (const auto& [name, is_directory] : entries) {
        if (is_directory) continue;
        if (name == epoch_file) found.epochs = true;
        if (name == partition_metadata_file) found.metadata = true;
        const std::string_view view = name;
        if (view.ends_with(suffix::deleted) || view.ends_with(suffix::cleaned) || view.ends_with(".tmp")) {
            found.trash.push_back(name);
            continue;
        }
        if (view.ends_with(suffix::swap)) found.swap_files.push_back(name);
        const auto parsed = parse_offset_name(name);
        if (!parsed) continue;
        if (parsed->kind == suffix::log)
            found.logs.push_back(parsed->offset);
        else if (parsed->kind == suffix::txn_index)
            found.txn_indexes.push_back(parsed->offset);
        else if (parsed->kind == suffix::snapshot)
            found.snapshots.push_back(parsed->offset);
        else if (parsed->kind == ".log.swap")
            found.swapped.push_back(parsed->offset);
    }
    for (auto* each : {&found.logs, &found.swapped, &found.txn_indexes, &found.snapshots})
        std::sort(each->begin(), each->end());
    for (const auto base : found.swapped) {
        const auto cleaned = offset_path({}, base, suffix::txn_index).substr(1) + std::string{suffix::cleaned};
        if (std::erase(found.trash, cleaned) != 0) found.swapped_txn_indexes.push_back(base);
    }
    return found;
}

// The range of offsets of one segment file, by its headers.
result<std::int64_t> end_of_file(file_system& files, const std::string& path, std::int64_t base_offset) {
    const auto opened = files.open(path, open_mode::read);
    if (!opened) return opened.error();
    const auto size = (*opened)->size();
    if (!size) return size.error();
    batch_scan scan{**opened, 0, *size};
    auto end = base_offset;
    while (scan.next() == scan_step::batch) end = scan.header().next_offset();
    if (scan.failure()) return scan.failure();
    return end;
}

result<void> remove_segment_files(file_system& files, const std::string& folder, std::int64_t base_offset) {
    for (const auto kind : {suffix::log, suffix::index, suffix::time_index, suffix::txn_index})
        if (auto removed = remove_if_there(files, offset_path(folder, base_offset, kind)); !removed) return removed;
    return {};
}

// A compaction that got as far as renaming its result to .swap is finished: the segments it replaces go, then the
// names become final. Without a .log.swap the replaced segments are gone already or were never touched.
result<void> finish_swaps(file_system& files, const std::string& folder, const folder_content& found) {
    for (const auto base : found.swapped) {
        const auto end = end_of_file(files, offset_path(folder, base, ".log.swap"), base);
        if (!end) return end.error();
        for (const auto old : found.logs)
            if (old >= base && (old < *end || old == base))
                if (auto removed = remove_segment_files(files, folder, old); !removed) return removed;
    }
    for (const auto base : found.swapped_txn_indexes) {
        const auto target = offset_path(folder, base, suffix::txn_index);
        if (auto renamed = files.rename(target + std::string{suffix::cleaned}, target); !renamed) return renamed;
    }
    for (const auto& name : found.swap_files) {
        const auto target = folder + "/" + name.substr(0, name.size() - suffix::swap.size());
        if (auto renamed = files.rename(folder + "/" + name, target); !renamed) return renamed;
    }
    return files.sync_directory(folder);
}

}  // namespace

result<void> partition_log::state::load_topic_id(const open_options& options, bool present) {
    if (present) {
        const auto stored = read_partition_metadata(files(), folder.path);
        if (stored) {
            if (!options.topic_id.is_zero() && *stored != options.topic_id)
                return error{errc::inconsistent_topic_id, folder.path + " belongs to the topic with id " +
                                                              to_string(*stored) + ", not " +
                                                              to_string(options.topic_id)};
            topic_id = *stored;
            return {};
        }
        if (stored.code() != errc::malformed || options.topic_id.is_zero()) return stored.error();
        recovery_logs.warn(stored.error().message() + "; it is written anew");
    }
    return topic_id.is_zero() ? result<void>{} : write_partition_metadata(files(), folder.path, topic_id);
}

result<void> partition_log::state::load(const open_options& options) {
    auto listed = files().list(folder.path);
    if (!listed) {
        if (listed.code() != errc::not_found) return listed.error();
        if (auto made = files().create_directories(folder.path); !made) return made;
        folder_unsynced = names_unsynced = true;
        log_start = log_end = flushed = options.log_start_offset;
        return load_topic_id(options, false);
    }
    auto found = sort_out(*listed);
    for (const auto& name : found.trash)
        if (auto removed = remove_if_there(files(), folder.path + "/" + name); !removed) return removed;
    if (!found.swap_files.empty()) {
        if (auto finished = finish_swaps(files(), folder.path, found); !finished) return finished;
        listed = files().list(folder.path);
        if (!listed) return listed.error();
        found = sort_out(*listed);
    }
    if (auto known = load_topic_id(options, found.metadata); !known) return known;

    for (const auto base : found.logs) {
        const auto size = files().file_size(offset_path(folder.path, base, suffix::log));
        if (!size) return size.error();
        const bool has_aborts = std::binary_search(found.txn_indexes.begin(), found.txn_indexes.end(), base);
        segments.push_back(std::make_unique<segment>(folder, base, *size, has_aborts));
    }
    snapshots = std::move(found.snapshots);
    log_start = options.log_start_offset;
    if (segments.empty()) {
        log_end = flushed = log_start;
        untouched = true;
        return remove_snapshots_from(0);
    }
    log_start = std::max(log_start, segments.front()->base_offset());

    bool epochs_known = false;
    if (found.epochs) {
        const auto content = read_file(files(), folder.path + "/" + std::string{epoch_file});
        if (!content) return content.error();
        auto parsed = parse_epochs(as_text(*content));
        if (parsed)
            epochs.assign(std::move(*parsed));
        else
            recovery_logs.warn(folder.path + "/" + std::string{epoch_file} + " is rebuilt: " + parsed.error().message());
        epochs_known = parsed.has_value();
    }

    // A clean stop leaves nothing to check; if the tail contradicts that all the same, the last segment is checked.
    auto first_suspect = segments.size();
    if (options.clean_shutdown) {
        const auto end = segments.back()->find_end();
        if (end) {
            log_end = *end;
            flushed = log_end;
        } else if (end.code() == errc::corrupt_message) {
            recovery_logs.warn(end.error().message() + ": the clean shutdown left a damaged log");
            first_suspect = segments.size() - 1;
        } else {
            return end.error();
        }
    } else {
        first_suspect = segment_of(options.recovery_point);
    }
    if (first_suspect < segments.size()) {
        untouched = false;
        log_end = segments.back()->base_offset();  // until recovery knows better
        if (!epochs_known && first_suspect != 0)
            if (auto rebuilt = rebuild_epochs(); !rebuilt) return rebuilt;
        if (auto recovered = recover_from(first_suspect, options.recovery_point); !recovered) return recovered;
        flushed = std::min(options.recovery_point, log_end);
        if (options.recovery_point > log_end)
            recovery_logs.error(name() + ": everything below offset " + std::to_string(options.recovery_point) +
                       " was on the disk, but the log ends at " + std::to_string(log_end) + "; the disk lost data");
    } else {
        if (!epochs_known && segments.back()->size() != 0)
            if (auto rebuilt = rebuild_epochs(); !rebuilt) return rebuilt;
        if (auto known = load_producers(log_end); !known) return known;
    }
    for (const auto& each : segments) total_bytes += each->size();
    if (epochs.truncate_from_end(log_end)) epochs_written = false;
    if (epochs.truncate_from_start(log_start)) epochs_written = false;
    if (log_start > log_end) {
        recovery_logs.error(name() + ": the log ends at " + std::to_string(log_end) + ", before its start offset " +
                   std::to_string(log_start) + "; it begins anew there");
        return truncate_fully_and_start_at(log_start);
    }
    for (const auto& each : segments) each->close_files();
    return {};
}

// Durable when it returns: what is dropped must not come back behind batches that are written now.
result<void> partition_log::state::drop_from(std::size_t which) {
    while (segments.size() > which) {
        const auto base = segments.back()->base_offset();
        segments.pop_back();
        if (auto removed = remove_segment_files(files(), folder.path, base); !removed) return removed;
    }
    return files().sync_directory(folder.path);
}

// Reads every batch from segment `first` on, builds the indexes anew and cuts at the first thing that is no batch.
result<void> partition_log::state::recover_from(std::size_t first, std::int64_t recovery_point) {
    if (auto known = load_producers(segments[first]->base_offset()); !known) return known;
    auto expected = segments[first]->base_offset();
    for (auto which = first; which < segments.size(); ++which) {
        auto& home = *segments[which];
        const auto distance = home.base_offset() - expected;
        if (which > first && distance > 0 && distance <= std::numeric_limits<std::int32_t>::max() &&
            home.base_offset() > recovery_point && !config.compacts()) {
            // A new segment begins where the one before ends, so the end of that one was not on the disk yet. Keeping
            // what was written after something that is lost would break the order of a producer's batches. Compaction
            // leaves gaps too, and other brokers compact behind the recovery point they noted.
            recovery_logs.warn(home.log_path() + " begins behind the end of the log, offset " + std::to_string(expected) +
                      "; it is dropped");
            if (auto dropped = drop_from(which); !dropped) return dropped;
            break;
        }
        const auto opened = home.log_file();
        if (!opened) return opened.error();
        const auto file_size = home.size();
        if (auto emptied = home.restart(); !emptied) return emptied;
        if (auto emptied = home.transactions().clear(); !emptied) return emptied;
        expected = std::max(expected, home.base_offset());
        batch_scan scan{**opened, 0, file_size, recovery_window};
        error damage;
        for (;;) {
            const auto step = scan.next();
            if (step == scan_step::end) break;
            if (step == scan_step::failed) return scan.failure();
            if (step == scan_step::legacy)
                return error{errc::unsupported_for_message_format,
                             scan.fault().message() + "; open it with a broker that wrote it"};
            if (step != scan_step::batch) {
                damage = scan.fault();
                break;
            }
            const auto batch = scan.header();
            if (batch.base_offset < expected ||
                batch.last_offset() - home.base_offset() > std::numeric_limits<std::int32_t>::max()) {
                damage = error{errc::corrupt_message, home.log_path() + ", position " + std::to_string(batch.position) +
                                                          ": offset " + std::to_string(batch.base_offset) +
                                                          " cannot follow " + std::to_string(expected - 1)};
                break;
            }
            if (auto sound = scan.check_crc(); !sound) {
                if (sound.code() != errc::corrupt_message) return sound;
                damage = sound.error();
                break;
            }
            if (auto noted = home.added(batch); !noted) return noted;
            if (batch.leader_epoch > epochs.latest() && epochs.begin(batch.leader_epoch, batch.base_offset))
                epochs_written = false;
            if (batch.producer_id >= 0) {
                marker control;
                if (batch.control()) {
                    const auto whole = scan.load();
                    if (!whole) return whole.error();
                    const auto read = read_marker(*whole);
                    if (!read) return read.error();
                    control = *read;
                }
                if (auto known = remember(batch, control, home); !known) return known;
            }
            expected = batch.next_offset();
        }
        home.mark_checked();
        log_end = expected;
        if (!damage) {
            const auto written = home.finish_indexes();
            if (!written) return written.error();
            continue;
        }
        const auto lost = file_size - home.size();
        recovery_logs.warn(
            damage.message() + ": the last " + std::to_string(lost) + " bytes of the segment are cut off" +
            (which + 1 < segments.size()
                 ? ", and " + std::to_string(segments.size() - which - 1) + " later segments are dropped"
                 : "") +
            (log_end < recovery_point ? "; they were below the recovery point " + std::to_string(recovery_point) : ""));
        if (auto dropped = drop_from(which + 1); !dropped) return dropped;
        if (auto shorter = (*opened)->truncate(home.size()); !shorter) return shorter;
        // Durable at once, for the same reason as a dropped segment.
        if (auto synced = (*opened)->sync(); !synced) return synced;
        const auto written = home.finish_indexes();
        if (!written) return written.error();
        break;
    }
    return remove_snapshots_from(log_end + 1);
}

// From the newest sound snapshot at or below `up_to`, then the batches between.
result<void> partition_log::state::load_producers(std::int64_t up_to) {
    producers.clear();
    for (auto which = snapshots.size(); which-- > 0;) {
        const auto at = snapshots[which];
        if (at > up_to) continue;
        const auto path = offset_path(folder.path, at, suffix::snapshot);
        const auto content = read_file(files(), path);
        if (!content) return content.error();
        const auto restored = producers.restore(*content, time.wall_now(), config.producer_id_expiration_ms);
        if (restored) {
            // At the start of the log nothing needs a replay before it, whatever the snapshot lacks.
            return at == up_to ? result<void>{} : replay_producers(at, up_to);
        }
        recovery_logs.warn(path + " is removed: " + restored.error().message());
        producers.clear();
        if (auto removed = remove_if_there(files(), path); !removed) return removed;
        snapshots.erase(snapshots.begin() + static_cast<std::ptrdiff_t>(which));
    }
    return replay_producers(segments.empty() ? up_to : segments.front()->base_offset(), up_to);
}

result<void> partition_log::state::replay_producers(std::int64_t from, std::int64_t up_to) {
    for (auto which = segment_of(from); which < segments.size() && segments[which]->base_offset() < up_to; ++which) {
        auto& home = *segments[which];
        const auto start = home.scan_start(std::max(from, home.base_offset()));
        if (!start) return start.error();
        const auto opened = home.log_file();
        if (!opened) return opened.error();
        batch_scan scan{**opened, *start, home.size(), std::size_t{64} << 10};
        for (;;) {
            const auto step = scan.next();
            if (step == scan_step::failed) return scan.failure();
            if (step != scan_step::batch) break;  // recovery and reads deal with damage
            const auto batch = scan.header();
            if (batch.base_offset >= up_to) break;
            if (batch.last_offset() < from || batch.producer_id < 0) continue;
            if (!batch.control()) {
                producers.apply(batch);
                continue;
            }
            const auto whole = scan.load();
            if (!whole) return whole.error();
            const auto control = read_marker(*whole);
            if (!control) return control.error();
            if (control->is_end)
                static_cast<void>(producers.apply_marker(batch, control->commit, control->coordinator_epoch));
        }
    }
    return {};
}

result<void> partition_log::state::rebuild_epochs() {
    epochs.clear();
    for (const auto& home : segments) {
        const auto opened = home->log_file();
        if (!opened) return opened.error();
        batch_scan scan{**opened, 0, home->size()};
        while (scan.next() == scan_step::batch)
            if (scan.header().leader_epoch > epochs.latest())
                epochs.begin(scan.header().leader_epoch, scan.header().base_offset);
        if (scan.failure()) return scan.failure();
    }
    epochs_written = false;
    return {};
}

// Not synced here: it carries a checksum, and without it the segment behind it is read again.
result<void> partition_log::state::write_snapshot() {
    if (segments.empty()) return {};
    const auto path = offset_path(folder.path, log_end, suffix::snapshot);
    const auto opened = files().open(path, open_mode::replace);
    if (!opened) return opened.error();
    if (auto written = (*opened)->write_at(0, bytes_view{producers.snapshot()}); !written) return written;
    unsynced.push_back(*opened);
    names_unsynced = true;
    if (snapshots.empty() || snapshots.back() != log_end) snapshots.push_back(log_end);
    // Those between segment borders were made by clean shutdowns and have served.
    std::erase_if(snapshots, [&](std::int64_t offset) {
        if (offset == log_end) return false;
        const auto which = segment_of(offset);
        if (which < segments.size() && segments[which]->base_offset() == offset) return false;
        return remove_if_there(files(), offset_path(folder.path, offset, suffix::snapshot)).has_value();
    });
    return {};
}

result<void> partition_log::state::remove_snapshots_from(std::int64_t offset) {
    while (!snapshots.empty() && snapshots.back() >= offset) {
        if (auto removed = remove_if_there(files(), offset_path(folder.path, snapshots.back(), suffix::snapshot));
            !removed)
            return removed;
        snapshots.pop_back();
    }
    return {};
}

}  // namespace weir::storage
