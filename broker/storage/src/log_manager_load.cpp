// From folders to logs: what lies in the directories at the start, and one log opened with what its checkpoints say.
#include "log_manager_state.hpp"
#include "partition_metadata.hpp"
#include "paths.hpp"

#include <weir/base/log.hpp>

#include <algorithm>

namespace weir::storage {
namespace {

log::logger log_manager_load_logs{"weir.storage"};

constexpr std::string_view metadata_topic = "__cluster_metadata";

}  // namespace

result<std::vector<log_manager::found_log>> log_manager::load() {
    auto& in = *state_;
    std::vector<found_log> all;
    state::waiting_logs live, copies;
    std::vector<state::garbage> leftovers;
    for (const auto& each : in.directories) {
        if (each->failed()) continue;
        const auto entries = in.files.list(each->path);
        auto begun = entries ? in.begin_use(*each) : result<void>{entries.error()};
        if (!begun) {
            each->health->fail(begun.error());
            continue;
        }
        std::set<std::string> here;
        for (const auto& [folder, is_directory] : *entries) {
            if (!is_directory) continue;
            const auto parsed = parse_partition_folder(folder);
            if (!parsed) {
                log_manager_load_logs.warn(each->path + "/" + folder + " is no folder of a partition; it is left alone");
                continue;
            }
            if (parsed->kind == folder_kind::deleting) {
                leftovers.push_back({each->path + "/" + folder, in.time.now() + in.options.file_delete_delay});
                continue;
            }
            if (parsed->kind == folder_kind::stray) {
                log_manager_load_logs.warn(each->path + "/" + folder + " belongs to no topic of the cluster; it is left alone");
                continue;
            }
            if (parsed->topic == metadata_topic) continue;
            const bool future = parsed->kind == folder_kind::future;
            const auto name = folder_name(parsed->topic, parsed->partition);
            auto& kept = future ? copies : live;
            if (const auto known = kept.find(name); known != kept.end()) {
                all.push_back({parsed->topic, parsed->partition, future,
                               error{errc::kafka_storage_error, name + " is in two log directories: " + known->second.home->path +
                                                                    " and " + each->path + "; remove the older folder"}});
                continue;
            }
            if (!future) here.insert(name);
            kept[name] = {each.get(), folder, *parsed, future};
            all.push_back({parsed->topic, parsed->partition, future, {}});
        }
        if (!each->was_clean && !here.empty())
            log_manager_load_logs.info(each->path + " was not cleanly stopped: log_manager_load_logs are checked from their recovery points on");
        // Of what is not there, checkpoints say nothing any more.
        for (auto* offsets : each->offsets())
            std::erase_if(*offsets, [&](const auto& entry) { return !here.contains(entry.first); });
    }
    if (auto settled = in.settle_copies(copies, live); !settled) return settled.error();
    for (auto& each : all)
        if (each.future && !copies.contains(folder_name(each.topic, each.partition))) each.future = false;  // it took its place
    const std::lock_guard lock{in.mutex};
    for (const auto* kept : {&live, &copies})
        for (const auto& [name, each] : *kept) ++each.home->partitions;
    in.found = std::move(live);
    in.found_copies = std::move(copies);
    in.leftovers.insert(in.leftovers.end(), leftovers.begin(), leftovers.end());
    return all;
}

// The mark of a complete copy counts only while its log is away, after a power cut that came between: then the copy takes
// its place. A log that is there goes on, and the copy falls behind.
result<void> log_manager::state::settle_copies(waiting_logs& copies, waiting_logs& logs_there) {
    const auto unmark = [&](const waiting& each) -> result<void> {
        const auto mark = each.path() + "/" + std::string{complete_copy_file};
        if (!files.exists(mark)) return {};
        if (auto removed = files.remove(mark); !removed) return removed;
        return files.sync_directory(each.path());
    };
    for (auto each = copies.begin(); each != copies.end();) {
        auto& [name, copy] = *each;
        const bool complete = files.exists(copy.path() + "/" + std::string{complete_copy_file});
        if (!complete || logs_there.contains(name)) {
            if (auto settled = unmark(copy); !settled) return settled;
            ++each;
            continue;
        }
        if (auto moved = files.rename(copy.path(), copy.home->path + "/" + name); !moved) return moved;
        if (auto named = files.sync_directory(copy.home->path); !named) return named;
        copy.folder = name;
        copy.parsed.kind = folder_kind::live;
        auto node = copies.extract(each++);
        logs_there.insert(std::move(node));
    }
    for (const auto& [name, each] : logs_there)
        if (auto settled = unmark(each); !settled) return settled;
    return {};
}

result<bool> log_manager::state::is_of_another_topic(const waiting& found, const uuid& topic_id) {
    if (topic_id.is_zero()) return false;
    const auto stored = read_partition_metadata(files, found.path());
    if (stored) return *stored != topic_id;
    if (stored.code() == errc::not_found) return true;
    if (stored.code() == errc::malformed) return false;  // torn when it was made: it is written anew
    return stored.error();
}

result<void> log_manager::state::set_aside(const std::string& name, const waiting& stray) {
    std::string to;
    {
        const std::lock_guard lock{mutex};
        to = stray.home->path + "/" + folder_name(stray.parsed.topic, stray.parsed.partition, folder_kind::stray, random_uuid(random));
    }
    if (auto moved = files.rename(stray.path(), to); !moved) return moved;
    const std::lock_guard lock{mutex};
    found.erase(name);
    stray.home->forget(name);
    --stray.home->partitions;
    return {};
}

std::vector<std::string> log_manager::set_strays_aside() {
    auto& in = *state_;
    state::waiting_logs strays;
    std::vector<std::string> copies;
    {
        const std::lock_guard lock{in.mutex};
        // Those of a directory that has failed since are not opened, be they known or not.
        for (const auto& [name, each] : in.found)
            if (!each.wanted && !each.home->failed()) strays.emplace(name, each);
        for (const auto& [name, each] : in.found_copies) {
            copies.push_back(each.path());
            --each.home->partitions;
        }
        in.found_copies.clear();
    }
    for (const auto& [name, each] : strays) {
        log_manager_load_logs.warn(each.path() + " is not in the cluster's metadata and is set aside");
        if (auto moved = in.set_aside(name, each); !moved) log_manager_load_logs.error(moved.error().message());
    }
    return copies;
}

result<log_manager::loaded_log> log_manager::state::open_reserved(directory& where, const place& at, const uuid& topic_id,
                                                                  const log_config& config) {
    loaded_log loaded;
    loaded.topic = at.parsed.topic;
    loaded.partition = at.parsed.partition;
    const bool future = at.parsed.kind == folder_kind::future;
    auto progress = std::make_shared<log_progress>();
    partition_log::open_options asked;
    asked.directory = where.path + "/" + at.folder;
    asked.topic = at.parsed.topic;
    asked.partition = at.parsed.partition;
    asked.topic_id = topic_id;
    asked.config = config;
    asked.handles = handles;
    asked.progress = progress;
    asked.health = where.health;
    bool listed = false;
    {
        const std::lock_guard lock{mutex};
        const auto known = unopened(at.parsed.kind).find(at.name);
        const bool whole = known != unopened(at.parsed.kind).end() && known->second.whole;
        listed = where.listed.contains(at.name);
        // Checkpoints speak of the live replica, and of no later one of that name; a copy is checked whole.
        if (!future && at.was_there && !whole) {
            const auto said = [&](const offsets_by_folder& offsets) {
                const auto found = offsets.find(at.name);
                return found == offsets.end() ? std::int64_t{0} : found->second;
            };
            asked.recovery_point = said(where.recovery_points);
            asked.log_start_offset = said(where.log_starts);
            asked.cleaned_to = said(where.cleaned);
            asked.clean_shutdown = where.was_clean;
            loaded.high_watermark = said(where.high_watermarks);
        }
    }
    const auto prepared = [&]() -> result<void> {
        if (auto begun = begin_use(where); !begun) {
            where.health->fail(begun.error());
            return begun;
        }
        // What the checkpoint files still say of an earlier log of this name must not be taken for this one's.
        return !future && !at.was_there && listed ? write_checkpoints() : result<void>{};
    };
    auto ready = prepared();
    auto opened = ready ? partition_log::open(files, time, asked) : result<std::unique_ptr<partition_log>>{ready.error()};
    const std::lock_guard lock{mutex};
    if (!opened) {
        kept(at.parsed.kind).erase(at.name);
        if (!at.was_there) --where.partitions;
        return opened.error();
    }
    loaded.log = *std::move(opened);
    loaded.high_watermark = std::clamp(loaded.high_watermark, loaded.log->log_start_offset(), loaded.log->log_end_offset());
    progress->high_watermark = loaded.high_watermark;
    kept(at.parsed.kind)[at.name].progress = std::move(progress);
    unopened(at.parsed.kind).erase(at.name);
    if (!future) where.forget(at.name);  // it speaks for itself now
    return loaded;
}

}  // namespace weir::storage
