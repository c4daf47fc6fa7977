#include <weir/storage/log_manager.hpp>

#include <weir/base/log.hpp>
#include <weir/storage/log_directory.hpp>
#include <weir/storage/meta_properties.hpp>

#include "partition_metadata.hpp"
#include "paths.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <mutex>

namespace weir::storage {
namespace {

log::logger logs{"weir.storage"};

constexpr std::string_view metadata_topic = "__cluster_metadata";

using offsets_by_folder = std::map<std::string, std::int64_t, std::less<>>;

std::int64_t offset_of(const offsets_by_folder& offsets, const std::string& folder) {
    const auto found = offsets.find(folder);
    return found == offsets.end() ? 0 : found->second;
}

}  // namespace

struct log_manager::state {
    struct directory {
        std::string path;
        uuid id;
        std::unique_ptr<file_lock> lock;
        std::shared_ptr<directory_health> health;
        bool was_clean = false;
        bool in_use = false;  // the note of the last clean stop is gone
        bool cordoned = false;
        std::size_t partitions = 0;
        offsets_by_folder recovery_points, log_starts, high_watermarks, cleaned;  // as they were at the start
        std::array<std::string, 4> written;                                       // what the checkpoints hold

        bool failed() const noexcept { return health->failed(); }
        void forget(const std::string& name) {
            for (auto* offsets : {&recovery_points, &log_starts, &high_watermarks, &cleaned}) offsets->erase(name);
        }
    };
    struct placed {
        directory* home = nullptr;
        std::string topic;
        std::int32_t partition = 0;
        std::shared_ptr<log_progress> progress;
    };
    struct garbage {
        std::string path;
        time_point due;
    };

    state(file_system& files, const clock& time, random_source random, log_manager_options options)
        : files(files),
          time(time),
          random(random),
          options(std::move(options)),
          handles(std::make_shared<file_cache>(files, this->options.open_files)) {}

    result<void> open_directory(directory& where);
    result<void> begin_use(directory& where);
    offsets_by_folder read_offsets(const directory& where, std::string_view file);
    directory* find(const uuid& id);
    directory* emptiest();
    result<loaded_log> open_log(directory& where, const std::string& folder, const partition_folder& parsed,
                                const uuid& topic_id, const log_config& config);
    result<void> move_away(std::unique_ptr<partition_log> log, folder_kind kind);
    result<void> settle_copies(std::span<loaded_log> all);
    result<void> write_checkpoints();

    file_system& files;
    const clock& time;
    random_source random;
    const log_manager_options options;
    const std::shared_ptr<file_cache> handles;
    mutable std::mutex mutex;  // guards all below
    std::vector<std::unique_ptr<directory>> directories;
    std::map<std::string, placed, std::less<>> live;    // by folder name
    std::map<std::string, placed, std::less<>> future;  // by the name they will have
    std::vector<garbage> leftovers;
};

offsets_by_folder log_manager::state::read_offsets(const directory& where, std::string_view file) {
    const auto read = read_offset_checkpoint(files, where.path + "/" + std::string{file});
    offsets_by_folder offsets;
    if (!read) {
        logs.warn(read.error().message() + "; it is taken as empty, which costs time at the start and no data");
        return offsets;
    }
    for (const auto& [topic, partition, offset] : *read) offsets[folder_name(topic, partition)] = offset;
    return offsets;
}

result<void> log_manager::state::open_directory(directory& where) {
    const auto whose = read_meta_properties(files, where.path);
    if (!whose) {
        if (whose.code() != errc::not_found) return whose.error();
        return error{errc::not_found,
                     where.path + " has no " + std::string{meta_properties_file} + ": it is not formatted"};
    }
    if (auto ours = check_meta_properties(*whose, where.path, options.cluster_id, options.node_id); !ours) return ours;
    where.id = whose->directory_id;
    const auto clean = read_clean_shutdown(files, where.path);
    if (!clean) return clean.error();
    where.was_clean = clean->has_value();
    where.recovery_points = read_offsets(where, recovery_point_checkpoint);
    where.log_starts = read_offsets(where, log_start_checkpoint);
    where.high_watermarks = read_offsets(where, high_watermark_checkpoint);
    where.cleaned = read_offsets(where, cleaner_checkpoint);
    return {};
}

result<void> log_manager::state::begin_use(directory& where) {
    if (where.in_use) return {};
    if (auto removed = remove_clean_shutdown(files, where.path); !removed) return removed;
    where.in_use = true;
    return {};
}

log_manager::state::directory* log_manager::state::find(const uuid& id) {
    const auto found =
        std::find_if(directories.begin(), directories.end(), [&](const auto& each) { return each->id == id; });
    return found == directories.end() ? nullptr : found->get();
}

log_manager::state::directory* log_manager::state::emptiest() {
    directory* best = nullptr;
    for (const auto& each : directories) {
        if (each->failed()) continue;
        const auto rank = [](const directory& where) { return std::pair{where.cordoned, where.partitions}; };
        if (best == nullptr || rank(*each) < rank(*best)) best = each.get();
    }
    return best;
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

result<void> log_manager::state::move_away(std::unique_ptr<partition_log> log, folder_kind kind) {
    const auto from = log->directory();
    const auto slash = from.rfind('/');
    const auto parsed = parse_partition_folder(std::string_view{from}.substr(slash + 1));
    log.reset();
    if (!parsed) return error{errc::not_found, from + " is no folder of a partition"};
    const auto to =
        from.substr(0, slash + 1) + folder_name(parsed->topic, parsed->partition, kind, random_uuid(random));
    auto& kept = parsed->kind == folder_kind::future ? future : live;
    if (const auto known = kept.find(folder_name(parsed->topic, parsed->partition)); known != kept.end()) {
        --known->second.home->partitions;
        known->second.home->forget(known->first);
        kept.erase(known);
    }
    if (auto moved = files.rename(from, to); !moved) return moved;
    if (kind == folder_kind::deleting) leftovers.push_back({to, time.now() + options.file_delete_delay});
    return {};
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

result<void> log_manager::state::write_checkpoints() {
    std::map<const directory*, std::array<std::vector<partition_offset>, 4>> content;
    for (const auto& each : directories) content[each.get()];
    for (const auto& [name, log] : live) {
        auto& [points, starts, marks, cleaned] = content[log.home];
        points.push_back({log.topic, log.partition, log.progress->recovery_point.load()});
        const auto start = log.progress->log_start.load();
        if (start > log.progress->first_segment.load()) starts.push_back({log.topic, log.partition, start});
        if (const auto offset = log.progress->cleaned_to.load(); offset > 0)
            cleaned.push_back({log.topic, log.partition, offset});
        marks.push_back({log.topic, log.partition, log.progress->high_watermark.load()});
    }
    static constexpr std::array names{recovery_point_checkpoint, log_start_checkpoint, high_watermark_checkpoint,
                                      cleaner_checkpoint};
    error first;
    for (const auto& each : directories) {
        if (each->failed() || !each->in_use) continue;
        for (std::size_t which = 0; which < names.size(); ++which) {
            auto text = print_offset_checkpoint(content[each.get()][which]);
            if (text == each->written[which]) continue;
            // Without a compacted topic the file need not be there.
            if (names[which] == cleaner_checkpoint && content[each.get()][which].empty() &&
                each->written[which].empty())
                continue;
            const auto written = replace_file(files, each->path + "/" + std::string{names[which]}, as_bytes(text));
            if (!written) {
                // A full disk keeps the older ones, which cost time at a start.
                if (written.code() == errc::no_space) each->health->refused(text.size(), written.error());
                else each->health->fail(written.error());
                if (!first) first = written.error();
                break;
            }
            each->written[which] = std::move(text);
        }
        if (each->failed()) continue;
        for (const auto& point : content[each.get()][0])
            live.find(folder_name(point.topic, point.partition))->second.progress->noted_recovery_point = point.offset;
    }
    return first ? result<void>{first} : result<void>{};
}

// ---- log_manager

log_manager::log_manager(std::unique_ptr<state> state) : state_(std::move(state)) {}
log_manager::~log_manager() = default;

result<std::unique_ptr<log_manager>> log_manager::open(file_system& files, const clock& clock, random_source random,
                                                       log_manager_options options) {
    if (options.directories.empty()) return error{errc::invalid_setting, "log.dirs names no directory"};
    auto inside = std::make_unique<state>(files, clock, random, std::move(options));
    // All locks first: a directory that is not ours alone must not be looked at, let alone changed.
    for (const auto& path : inside->options.directories) {
        auto each = std::make_unique<state::directory>();
        each->path = path;
        each->health = std::make_shared<directory_health>(files, path);
        auto locked = files.lock(path + "/.lock");
        if (locked)
            each->lock = *std::move(locked);
        else if (locked.code() == errc::in_use)
            return error{errc::in_use, path + " is used by another running broker", locked.error()};
        else if (locked.code() == errc::not_found)
            return error{errc::not_found, path + " does not exist: it is not formatted"};
        else
            each->health->fail(locked.error());
        inside->directories.push_back(std::move(each));
    }
    for (const auto& each : inside->directories) {
        if (each->failed()) continue;
        if (auto opened = inside->open_directory(*each); !opened) {
            if (opened.code() != errc::io_error) return opened.error();
            each->health->fail(opened.error());
        }
    }
    if (inside->emptiest() == nullptr)
        return error{errc::kafka_storage_error, "no log directory can be used", inside->directories.front()->health->failure()};
    return std::unique_ptr<log_manager>{new log_manager{std::move(inside)}};
}

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

result<log_manager::loaded_log> log_manager::open_log(const std::string& topic, std::int32_t partition,
                                                      const uuid& topic_id, const log_config& config,
                                                      const uuid& directory) {
    auto& in = *state_;
    const std::lock_guard lock{in.mutex};
    if (!valid_topic_name(topic)) return error{errc::invalid_topic, "\"" + topic + "\" is no topic name"};
    const auto name = folder_name(topic, partition);
    if (in.live.contains(name)) return error{errc::already_exists, name + " is open"};
    auto* where = directory.is_zero() ? nullptr : in.find(directory);
    if (!directory.is_zero() && where == nullptr)
        return error{errc::log_dir_not_found, "no log directory has the id " + to_string(directory)};
    // A folder that is there already decides, wherever it lies.
    if (where == nullptr && in.directories.size() > 1)
        for (const auto& each : in.directories)
            if (!each->failed() && in.files.exists(each->path + "/" + name)) where = each.get();
    if (where == nullptr) where = in.emptiest();
    if (where == nullptr || where->failed())
        return error{errc::kafka_storage_error, where == nullptr ? "every log directory has failed"
                                                                 : "log directory " + where->path + " has failed"};
    if (auto begun = in.begin_use(*where); !begun) {
        where->health->fail(begun.error());
        return begun.error();
    }
    auto opened = in.open_log(*where, name, {topic, partition, folder_kind::live}, topic_id, config);
    if (opened && opened->failure) return opened->failure;
    return opened;
}

result<log_manager::loaded_log> log_manager::open_future_log(const std::string& topic, std::int32_t partition,
                                                             const uuid& topic_id, const log_config& config,
                                                             const uuid& directory) {
    auto& in = *state_;
    const std::lock_guard lock{in.mutex};
    auto* where = in.find(directory);
    if (where == nullptr) return error{errc::log_dir_not_found, "no log directory has the id " + to_string(directory)};
    if (where->failed()) return error{errc::kafka_storage_error, "log directory " + where->path + " has failed"};
    if (auto begun = in.begin_use(*where); !begun) return begun.error();
    const auto folder = folder_name(topic, partition, folder_kind::future, random_uuid(in.random));
    auto opened = in.open_log(*where, folder, {topic, partition, folder_kind::future}, topic_id, config);
    if (opened && opened->failure) return opened->failure;
    return opened;
}

result<void> log_manager::promote_future(std::unique_ptr<partition_log> current, partition_log& future) {
    auto& in = *state_;
    const std::lock_guard lock{in.mutex};
    const auto from = future.directory();
    const auto slash = from.rfind('/');
    const auto parsed = parse_partition_folder(std::string_view{from}.substr(slash + 1));
    if (!parsed || parsed->kind != folder_kind::future) return error{errc::not_found, from + " is no future replica"};
    const auto mark = from + "/" + std::string{complete_copy_file};
    if (current) {
        // Of a log that is where it belongs, the topic's id is written anew when it was torn; a copy has nothing else.
        auto id = in.files.open(from + "/" + std::string{partition_metadata_file}, open_mode::write);
        if (!id) return id.error();
        if (auto synced = (*id)->sync(); !synced) return synced;
        // Should the power fail before the new name is there, the next start knows that this copy may stand in.
        if (auto marked = replace_file(in.files, mark, {}); !marked) return marked;
        const auto old = current->directory();
        if (auto removed = in.move_away(std::move(current), folder_kind::deleting); !removed) return removed;
        // First gone for good, then replaced: a power cut must not leave two of one name.
        if (auto gone = in.files.sync_directory(old.substr(0, old.rfind('/'))); !gone) return gone;
    }
    const auto name = folder_name(parsed->topic, parsed->partition);
    const auto to = from.substr(0, slash + 1) + name;
    if (auto moved = in.files.rename(from, to); !moved) return moved;
    if (auto named = in.files.sync_directory(from.substr(0, slash)); !named) return named;
    future.moved_to(to);
    auto node = in.future.extract(name);
    in.live.insert(std::move(node));
    static_cast<void>(in.files.remove(to + "/" + std::string{complete_copy_file}).has_value());  // says nothing any more
    return {};
}

result<void> log_manager::remove(std::unique_ptr<partition_log> log) {
    auto& in = *state_;
    const std::lock_guard lock{in.mutex};
    const auto folder = log->directory();
    const auto slash = folder.rfind('/');
    const auto parsed = parse_partition_folder(std::string_view{folder}.substr(slash + 1));
    if (auto moved = in.move_away(std::move(log), folder_kind::deleting); !moved) return moved;
    // A deleted topic is deleted by the metadata; a copy that was given up has nothing but its name.
    return parsed && parsed->kind == folder_kind::future ? in.files.sync_directory(folder.substr(0, slash)) : result<void>{};
}

result<void> log_manager::mark_stray(std::unique_ptr<partition_log> log) {
    const std::lock_guard lock{state_->mutex};
    return state_->move_away(std::move(log), folder_kind::stray);
}

result<void> log_manager::collect_garbage() {
    auto& in = *state_;
    std::vector<state::garbage> due;
    {
        const std::lock_guard lock{in.mutex};
        const auto now = in.time.now();
        const auto later = std::partition(in.leftovers.begin(), in.leftovers.end(),
                                          [now](const auto& each) { return each.due > now; });
        due.assign(later, in.leftovers.end());
        in.leftovers.erase(later, in.leftovers.end());
    }
    error first;
    for (auto& each : due) {
        if (auto removed = in.files.remove_all(each.path); !removed) {
            if (!first) first = removed.error();
            const std::lock_guard lock{in.mutex};
            in.leftovers.push_back(std::move(each));
        }
    }
    return first ? result<void>{first} : result<void>{};
}

result<void> log_manager::write_checkpoints() {
    const std::lock_guard lock{state_->mutex};
    return state_->write_checkpoints();
}

result<void> log_manager::close(std::int64_t broker_epoch) {
    auto& in = *state_;
    const std::lock_guard lock{in.mutex};
    auto done = in.write_checkpoints();
    for (const auto& each : in.directories) {
        if (each->failed() || !each->in_use) continue;
        const auto closed = [&](const auto& entry) {
            return entry.second.home != each.get() || entry.second.progress->closed;
        };
        if (!std::all_of(in.live.begin(), in.live.end(), closed) ||
            !std::all_of(in.future.begin(), in.future.end(), closed)) {
            logs.warn(each->path + ": not every log was closed, so the next start checks them");
            continue;
        }
        if (auto noted = write_clean_shutdown(in.files, each->path, {broker_epoch}); !noted) {
            each->health->fail(noted.error());
            if (done) done = noted;
        }
        each->in_use = false;
    }
    for (const auto& each : in.directories) each->lock.reset();
    return done;
}

std::vector<log_directory_status> log_manager::directories() const {
    const std::lock_guard lock{state_->mutex};
    std::vector<log_directory_status> all;
    for (const auto& each : state_->directories)
        all.push_back({each->path, each->id, each->health, each->partitions, each->was_clean, each->cordoned});
    return all;
}

uuid log_manager::directory_of(std::string_view topic, std::int32_t partition) const {
    const std::lock_guard lock{state_->mutex};
    const auto known = state_->live.find(folder_name(topic, partition));
    return known == state_->live.end() ? uuid{} : known->second.home->id;
}

void log_manager::cordon(std::span<const std::string> paths) {
    const std::lock_guard lock{state_->mutex};
    for (const auto& each : state_->directories)
        each->cordoned = std::find(paths.begin(), paths.end(), each->path) != paths.end();
}

const std::shared_ptr<file_cache>& log_manager::handles() const noexcept { return state_->handles; }

}  // namespace weir::storage
