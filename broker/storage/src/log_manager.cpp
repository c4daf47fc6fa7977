// Logs come, move and go while the broker runs.
#include "log_manager_state.hpp"
#include "partition_metadata.hpp"
#include "paths.hpp"

#include <algorithm>

namespace weir::storage {

log_manager::log_manager(std::unique_ptr<state> state) : state_(std::move(state)) {}
log_manager::~log_manager() = default;

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

uuid log_manager::directory_of(std::string_view topic, std::int32_t partition) const {
    const std::lock_guard lock{state_->mutex};
    const auto known = state_->live.find(folder_name(topic, partition));
    return known == state_->live.end() ? uuid{} : known->second.home->id;
}

const std::shared_ptr<file_cache>& log_manager::handles() const noexcept { return state_->handles; }

}  // namespace weir::storage
