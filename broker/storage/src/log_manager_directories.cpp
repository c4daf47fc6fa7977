// The log directories themselves: locks, whose they are, what their checkpoints say, and the note of a clean stop.
#include "log_manager_state.hpp"

#include <weir/base/log.hpp>
#include <weir/storage/meta_properties.hpp>

#include <algorithm>

namespace weir::storage {
namespace {

log::logger log_manager_directories_logs{"weir.storage"};

}  // namespace

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

offsets_by_folder log_manager::state::read_offsets(directory& where, std::string_view file) {
    const auto read = read_offset_checkpoint(files, where.path + "/" + std::string{file});
    offsets_by_folder offsets;
    if (!read) {
        log_manager_directories_logs.warn(read.error().message() + "; it is taken as empty, which costs time at the start and no data");
        return offsets;
    }
    for (const auto& [topic, partition, offset] : *read) {
        const auto name = folder_name(topic, partition);
        offsets[name] = offset;
        where.listed.insert(name);
    }
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
    const std::lock_guard lock{where.beginning};
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

void log_manager::cordon(std::span<const std::string> paths) {
    const std::lock_guard lock{state_->mutex};
    for (const auto& each : state_->directories)
        each->cordoned = std::find(paths.begin(), paths.end(), each->path) != paths.end();
}

std::vector<log_directory_status> log_manager::directories() const {
    const std::lock_guard lock{state_->mutex};
    std::vector<log_directory_status> all;
    for (const auto& each : state_->directories)
        all.push_back({each->path, each->id, each->health, each->partitions, each->was_clean, each->cordoned});
    return all;
}

result<void> log_manager::state::write_checkpoints() {
    const std::lock_guard one_at_a_time{checkpointing};
    struct page {
        std::array<std::vector<partition_offset>, 4> content;
        std::vector<std::pair<std::shared_ptr<log_progress>, std::int64_t>> points;
        std::set<std::string> names;
    };
    std::map<const directory*, page> pages;
    {
        const std::lock_guard lock{mutex};
        for (const auto& [name, log] : live) {
            if (!log.progress) continue;
            auto& [content, noted, names] = pages[log.home];
            auto& [points, starts, marks, cleaned] = content;
            points.push_back({log.topic, log.partition, log.progress->recovery_point.load()});
            noted.emplace_back(log.progress, points.back().offset);
            names.insert(name);
            const auto start = log.progress->log_start.load();
            if (start > log.progress->first_segment.load()) starts.push_back({log.topic, log.partition, start});
            if (const auto offset = log.progress->cleaned_to.load(); offset > 0)
                cleaned.push_back({log.topic, log.partition, offset});
            marks.push_back({log.topic, log.partition, log.progress->high_watermark.load()});
        }
        for (const auto& each : directories) {
            auto& [content, noted, names] = pages[each.get()];
            // Of logs that are still to be opened holds what the last run said.
            const auto before = each->offsets();
            for (std::size_t which = 0; which < before.size(); ++which)
                for (const auto& [name, offset] : *before[which]) {
                    const auto parsed = parse_partition_folder(name);
                    if (!parsed) continue;
                    content[which].push_back({parsed->topic, parsed->partition, offset});
                    names.insert(name);
                }
            each->listed.insert(names.begin(), names.end());
        }
    }
    static constexpr std::array names{recovery_point_checkpoint, log_start_checkpoint, high_watermark_checkpoint,
                                      cleaner_checkpoint};
    error first;
    for (const auto& each : directories) {
        if (each->failed() || !each->in_use) continue;
        auto& page = pages[each.get()];
        bool complete = true;
        for (std::size_t which = 0; which < names.size(); ++which) {
            auto text = print_offset_checkpoint(page.content[which]);
            if (text == each->written[which]) continue;
            // Without a compacted topic the file need not be there.
            if (names[which] == cleaner_checkpoint && page.content[which].empty() && each->written[which].empty() &&
                !files.exists(each->path + "/" + std::string{cleaner_checkpoint}))
                continue;
            const auto written = replace_file(files, each->path + "/" + std::string{names[which]}, as_bytes(text));
            if (!written) {
                // A full disk keeps the older ones, which cost time at a start.
                if (written.code() == errc::no_space) each->health->refused(text.size(), written.error());
                else each->health->fail(written.error());
                if (!first) first = written.error();
                complete = false;
                break;
            }
            each->written[which] = std::move(text);
        }
        if (each->failed() || !complete) continue;
        for (const auto& [progress, offset] : page.points) progress->noted_recovery_point = offset;
        const std::lock_guard lock{mutex};
        each->listed = std::move(page.names);
    }
    return first ? result<void>{first} : result<void>{};
}

result<void> log_manager::write_checkpoints() { return state_->write_checkpoints(); }

result<void> log_manager::close(std::int64_t broker_epoch) {
    auto& in = *state_;
    auto done = in.write_checkpoints();
    for (const auto& each : in.directories) {
        if (each->failed() || !each->in_use) continue;
        const auto closed = [&](const auto& entry) {
            return entry.second.home != each.get() || (entry.second.progress && entry.second.progress->closed);
        };
        const auto checked = [&](const auto& entry) { return entry.second.home != each.get() || each->was_clean; };
        const bool all_closed = [&] {
            const std::lock_guard lock{in.mutex};
            return std::all_of(in.live.begin(), in.live.end(), closed) &&
                   std::all_of(in.future.begin(), in.future.end(), closed) &&
                   std::all_of(in.found.begin(), in.found.end(), checked);
        }();
        if (!all_closed) {
            log_manager_directories_logs.warn(each->path + ": not every log was closed, so the next start checks them");
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

}  // namespace weir::storage
