// From folders to logs: what lies in the directories at the start, and one log opened with what its checkpoints say.
#include "log_manager_state.hpp"
#include "paths.hpp"

#include <weir/base/log.hpp>

#include <algorithm>

namespace weir::storage {
namespace {

log::logger logs{"weir.storage"};

constexpr std::string_view metadata_topic = "__cluster_metadata";

std::int64_t offset_of(const offsets_by_folder& offsets, const std::string& folder) {
    const auto found = offsets.find(folder);
    return found == offsets.end() ? 0 : found->second;
}

}  // namespace

result<std::vector<log_manager::loaded_log>> log_manager::load(
    function<log_config(const std::string& topic)> config_of) {
    auto& in = *state_;
    const std::lock_guard lock{in.mutex};
    std::vector<loaded_log> all;
    for (const auto& each : in.directories) {
        if (each->failed()) continue;
        const auto entries = in.files.list(each->path);
        auto begun = entries ? in.begin_use(*each) : result<void>{entries.error()};
        if (!begun) {
            each->health->fail(begun.error());
            continue;
        }
        const bool holds_logs = std::any_of(entries->begin(), entries->end(), [](const auto& entry) {
            const auto parsed = entry.is_directory ? parse_partition_folder(entry.name) : std::nullopt;
            return parsed && parsed->topic != metadata_topic;
        });
        if (!each->was_clean && holds_logs)
            logs.info(each->path + " was not cleanly stopped: logs are checked from their recovery points on");
        for (const auto& [folder, is_directory] : *entries) {
            if (!is_directory) continue;
            const auto parsed = parse_partition_folder(folder);
            if (!parsed) {
                logs.warn(each->path + "/" + folder + " is no folder of a partition; it is left alone");
                continue;
            }
            if (parsed->kind == folder_kind::deleting) {
                in.leftovers.push_back({each->path + "/" + folder, in.time.now() + in.options.file_delete_delay});
                continue;
            }
            if (parsed->kind == folder_kind::stray) {
                logs.warn(each->path + "/" + folder + " belongs to no topic of the cluster; it is left alone");
                continue;
            }
            const auto name = folder_name(parsed->topic, parsed->partition);
            auto& kept = parsed->kind == folder_kind::future ? in.future : in.live;
            if (parsed->topic == metadata_topic || kept.contains(name)) {
                if (parsed->topic != metadata_topic)
                    all.push_back({parsed->topic, parsed->partition, parsed->kind == folder_kind::future, nullptr,
                                   error{errc::kafka_storage_error,
                                         name + " is in two log directories: " + kept[name].home->path + " and " +
                                             each->path + "; remove the older folder"},
                                   0});
                continue;
            }
            auto loaded = in.open_log(*each, folder, *parsed, {}, config_of(parsed->topic));
            if (!loaded) return loaded.error();
            if (loaded->failure)
                logs.error(each->path + "/" + folder + " cannot be opened: " + loaded->failure.message());
            all.push_back(*std::move(loaded));
        }
    }
    if (auto settled = in.settle_copies(all); !settled) return settled.error();
    return all;
}

// The mark of a complete copy counts only while its log is away: a log that is there goes on, and the copy falls behind.
result<void> log_manager::state::settle_copies(std::span<loaded_log> all) {
    for (auto& each : all) {
        if (!each.log) continue;
        const auto mark = each.log->directory() + "/" + std::string{complete_copy_file};
        if (!files.exists(mark)) continue;
        const bool replaced = std::any_of(all.begin(), all.end(), [&](const loaded_log& other) {
            return !other.future && other.topic == each.topic && other.partition == each.partition;
        });
        each.complete = each.future && !replaced;
        if (each.complete) continue;
        if (auto removed = files.remove(mark); !removed) return removed;
        if (auto gone = files.sync_directory(each.log->directory()); !gone) return gone;
    }
    return {};
}

result<log_manager::loaded_log> log_manager::state::open_log(directory& where, const std::string& folder,
                                                             const partition_folder& parsed, const uuid& topic_id,
                                                             const log_config& config) {
    loaded_log loaded;
    loaded.topic = parsed.topic;
    loaded.partition = parsed.partition;
    loaded.future = parsed.kind == folder_kind::future;
    const auto name = folder_name(parsed.topic, parsed.partition);
    auto progress = std::make_shared<log_progress>();
    partition_log::open_options asked;
    asked.directory = where.path + "/" + folder;
    asked.topic = parsed.topic;
    asked.partition = parsed.partition;
    asked.topic_id = topic_id;
    asked.config = config;
    // Checkpoints speak of the live replica, and of no later one of that name; a future one is checked whole.
    const bool listed = where.recovery_points.contains(name) || where.log_starts.contains(name) ||
                        where.high_watermarks.contains(name) || where.cleaned.contains(name);
    if (listed && !files.exists(asked.directory)) where.forget(name);
    if (!loaded.future) {
        asked.recovery_point = offset_of(where.recovery_points, name);
        asked.log_start_offset = offset_of(where.log_starts, name);
        asked.cleaned_to = offset_of(where.cleaned, name);
        asked.clean_shutdown = where.was_clean;
        loaded.high_watermark = offset_of(where.high_watermarks, name);
    }
    asked.handles = handles;
    asked.progress = progress;
    asked.health = where.health;
    auto opened = partition_log::open(files, time, asked);
    if (!opened) {
        loaded.failure = opened.error();
        return loaded;
    }
    loaded.log = *std::move(opened);
    loaded.high_watermark =
        std::clamp(loaded.high_watermark, loaded.log->log_start_offset(), loaded.log->log_end_offset());
    progress->high_watermark = loaded.high_watermark;
    (loaded.future ? future : live)[name] = {&where, parsed.topic, parsed.partition, std::move(progress)};
    ++where.partitions;
    return loaded;
}

}  // namespace weir::storage
