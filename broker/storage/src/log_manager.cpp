// Logs come, move and go while the broker runs.
#include "log_manager_state.hpp"
#include "partition_metadata.hpp"
#include "paths.hpp"

#include <weir/base/log.hpp>

#include <algorithm>
#include <optional>

namespace weir::storage {
namespace {

log::logger log_manager_logs{"weir.storage"};

}  // namespace

log_manager::log_manager(std::unique_ptr<state> state) : state_(std::move(state)) {}
log_manager::~log_manager() = default;

// Decides where a log is made that is nowhere yet, and keeps its name for the caller.
result<log_manager::state::directory*> log_manager::state::reserve_new(const std::string& topic, std::int32_t partition,
                                                                       const std::string& name, const uuid& directory) {
    // A folder that is there already decides, wherever it lies.
    state::directory* where = nullptr;
    if (directory.is_zero() && directories.size() > 1)
        for (const auto& each : directories)
            if (!each->failed() && files.exists(each->path + "/" + name)) where = each.get();
    const std::lock_guard lock{mutex};
    if (live.contains(name)) return error{errc::already_exists, name + " is open"};
    if (!directory.is_zero()) {
        where = find(directory);
        if (where == nullptr) return error{errc::log_dir_not_found, "no log directory has the id " + to_string(directory)};
    }
    if (where == nullptr) where = emptiest();
    if (where == nullptr || where->failed())
        return error{errc::kafka_storage_error, where == nullptr ? "every log directory has failed"
                                                                 : "log directory " + where->path + " has failed"};
    live[name] = {where, topic, partition, nullptr};
    ++where->partitions;
    return where;
}

result<log_manager::loaded_log> log_manager::open_log(const std::string& topic, std::int32_t partition,
                                                      const uuid& topic_id, const log_config& config,
                                                      const uuid& directory, missing_log when_missing) {
    auto& in = *state_;
    if (!valid_topic_name(topic)) return error{errc::invalid_topic, "\"" + topic + "\" is no topic name"};
    const auto name = folder_name(topic, partition);
    std::optional<state::waiting> there;
    {
        const std::lock_guard lock{in.mutex};
        if (in.live.contains(name)) return error{errc::already_exists, name + " is open"};
        if (const auto known = in.found.find(name); known != in.found.end()) {
            known->second.wanted = true;
            there = known->second;
            if (there->home->failed())
                return error{errc::kafka_storage_error, "log directory " + there->home->path + " has failed"};
            in.live[name] = {there->home, topic, partition, nullptr};
        }
    }
    if (there) {
        const auto other = in.is_of_another_topic(*there, topic_id);
        if (other && !*other) return in.open_reserved(*there->home, {name, there->folder, there->parsed, true}, topic_id, config);
        // The folder of an older topic with this name makes room.
        const auto aside = other ? in.set_aside(name, *there) : result<void>{other.error()};
        {
            const std::lock_guard lock{in.mutex};
            in.live.erase(name);
        }
        if (!aside) return aside.error();
    }
    if (when_missing == missing_log::leave) return error{errc::not_found, "there is no log of " + name};
    const auto where = in.reserve_new(topic, partition, name, directory);
    if (!where) return where.error();
    return in.open_reserved(**where, {name, name, {topic, partition, folder_kind::live}, false}, topic_id, config);
}

result<log_manager::loaded_log> log_manager::open_future_log(const std::string& topic, std::int32_t partition,
                                                             const uuid& topic_id, const log_config& config,
                                                             const uuid& directory) {
    auto& in = *state_;
    state::place at{folder_name(topic, partition), {}, {topic, partition, folder_kind::future}, false};
    state::directory* where = nullptr;
    {
        const std::lock_guard lock{in.mutex};
        where = in.find(directory);
        if (where == nullptr) return error{errc::log_dir_not_found, "no log directory has the id " + to_string(directory)};
        if (where->failed()) return error{errc::kafka_storage_error, "log directory " + where->path + " has failed"};
        at.folder = folder_name(topic, partition, folder_kind::future, random_uuid(in.random));
        in.future[at.name] = {where, topic, partition, nullptr};
        ++where->partitions;
    }
    return in.open_reserved(*where, at, topic_id, config);
}

std::unique_ptr<partition_log> log_manager::open_found_copy(const std::string& topic, std::int32_t partition,
                                                            const uuid& topic_id, const log_config& config) {
    auto& in = *state_;
    const auto name = folder_name(topic, partition);
    std::optional<state::waiting> there;
    {
        const std::lock_guard lock{in.mutex};
        const auto known = in.found_copies.find(name);
        if (known == in.found_copies.end() || in.future.contains(name)) return nullptr;
        there = known->second;
    }
    // A log whose id is torn was never acknowledged; a copy with a torn id may be of an older topic of that name.
    const auto stored = read_partition_metadata(in.files, there->path());
    if (!stored || *stored != topic_id) return nullptr;
    {
        const std::lock_guard lock{in.mutex};
        in.future[name] = {there->home, topic, partition, nullptr};
    }
    auto opened = in.open_reserved(*there->home, {name, there->folder, there->parsed, true}, topic_id, config);
    if (opened) return std::move(opened->log);
    log_manager_logs.error(there->path() + " cannot be opened: " + opened.error().message());
    return nullptr;
}

result<void> log_manager::promote_future(std::unique_ptr<partition_log> current, partition_log& future) {
    auto& in = *state_;
    const auto from = future.directory();
    const auto slash = from.rfind('/');
    const auto parsed = parse_partition_folder(std::string_view{from}.substr(slash + 1));
    if (!parsed || parsed->kind != folder_kind::future) return error{errc::not_found, from + " is no future replica"};
    const auto mark = from + "/" + std::string{complete_copy_file};
    // Of a log that is where it belongs, the topic's id is written anew when it was torn; a copy has nothing else.
    auto id = in.files.open(from + "/" + std::string{partition_metadata_file}, open_mode::write);
    if (!id) return id.error();
    if (auto synced = (*id)->sync(); !synced) return synced;
    // Should the power fail before the new name is there, the next start knows that this copy may stand in.
    if (auto marked = replace_file(in.files, mark, {}); !marked) return marked;
    const auto old = current->directory();
    if (auto removed = in.move_away(std::move(current)); !removed) return removed;
    // First gone for good, then replaced: a power cut must not leave two of one name.
    if (auto gone = in.files.sync_directory(old.substr(0, old.rfind('/'))); !gone) return gone;
    const auto name = folder_name(parsed->topic, parsed->partition);
    const auto to = from.substr(0, slash + 1) + name;
    if (auto moved = in.files.rename(from, to); !moved) return moved;
    if (auto named = in.files.sync_directory(from.substr(0, slash)); !named) return named;
    future.moved_to(to);
    {
        const std::lock_guard lock{in.mutex};
        auto node = in.future.extract(name);
        in.live.insert(std::move(node));
    }
    static_cast<void>(in.files.remove(to + "/" + std::string{complete_copy_file}).has_value());  // says nothing any more
    return {};
}

result<void> log_manager::remove(std::unique_ptr<partition_log> log) {
    auto& in = *state_;
    const auto folder = log->directory();
    const auto slash = folder.rfind('/');
    const auto parsed = parse_partition_folder(std::string_view{folder}.substr(slash + 1));
    if (auto moved = in.move_away(std::move(log)); !moved) return moved;
    // A deleted topic is deleted by the metadata; a copy that was given up has nothing but its name.
    return parsed && parsed->kind == folder_kind::future ? in.files.sync_directory(folder.substr(0, slash)) : result<void>{};
}

// The name stays taken until the folder has another one.
result<void> log_manager::state::move_away(std::unique_ptr<partition_log> log) {
    const auto from = log->directory();
    const auto slash = from.rfind('/');
    const auto parsed = parse_partition_folder(std::string_view{from}.substr(slash + 1));
    log.reset();
    if (!parsed) return error{errc::not_found, from + " is no folder of a partition"};
    const auto name = folder_name(parsed->topic, parsed->partition);
    auto& named = kept(parsed->kind);
    std::string to;
    {
        const std::lock_guard lock{mutex};
        if (const auto known = named.find(name); known != named.end()) known->second.progress = nullptr;
        to = from.substr(0, slash + 1) + folder_name(parsed->topic, parsed->partition, folder_kind::deleting, random_uuid(random));
    }
    auto moved = files.rename(from, to);
    const std::lock_guard lock{mutex};
    if (const auto known = named.find(name); known != named.end()) {
        --known->second.home->partitions;
        named.erase(known);
    }
    if (moved) leftovers.push_back({to, time.now() + options.file_delete_delay});
    return moved;
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
    const auto name = folder_name(topic, partition);
    if (const auto open = state_->live.find(name); open != state_->live.end()) return open->second.home->id;
    const auto known = state_->found.find(name);
    return known == state_->found.end() ? uuid{} : known->second.home->id;
}

const std::shared_ptr<file_cache>& log_manager::handles() const noexcept { return state_->handles; }

}  // namespace weir::storage
