#include "log_directories.hpp"

#include <weir/base/log.hpp>
#include <weir/raft/format.hpp>
#include <weir/storage/log_directory.hpp>
#include <weir/storage/meta_properties.hpp>

#include <algorithm>

namespace weir::broker {
namespace {

log::logger log_directories_logs{"weir.broker.storage"};

struct formatting {
    std::string cluster_id;
    std::vector<std::string> empty;  // directories to format
};

// Reads what is there before anything is written: a directory that will be refused stays as it is.
result<formatting> look_at(file_system& files, const std::vector<std::string>& directories, const std::string& metadata, std::int32_t node_id) {
    formatting plan;
    for (const auto& directory : directories) {
        auto found = storage::read_meta_properties(files, directory);
        // A disk that fails takes its partitions along, not the broker; log_manager says so. Without metadata nothing goes.
        if (!found && found.code() == errc::io_error && directory != metadata) continue;
        if (!found && found.code() != errc::not_found) return found.error();
        if (!found) {
            plan.empty.push_back(directory);
            continue;
        }
        if (plan.cluster_id.empty()) plan.cluster_id = found->cluster_id;
        if (auto fine = storage::check_meta_properties(*found, directory, plan.cluster_id, node_id); !fine) return fine.error();
    }
    return plan;
}

}  // namespace

result<std::unique_ptr<log_directories>> log_directories::open(file_system& files, event_loop& clock, random_source random, const broker_config& config) {
    auto made = std::unique_ptr<log_directories>{new log_directories{files}};
    const auto directories = config.node.directories();
    made->metadata_directory_ = config.node.metadata_log_dir.value_or(directories.front());
    auto all = directories;
    if (std::find(all.begin(), all.end(), made->metadata_directory_) == all.end()) all.push_back(made->metadata_directory_);

    auto plan = look_at(files, all, made->metadata_directory_, config.node.node_id);
    if (!plan) return plan.error();
    const bool new_cluster = plan->cluster_id.empty();
    if (new_cluster) plan->cluster_id = to_string(random_uuid(random));
    made->cluster_id_ = plan->cluster_id;
    // The metadata first: with it missing, directories that are formatted already would be refused.
    if (const auto first = std::find(plan->empty.begin(), plan->empty.end(), made->metadata_directory_); first != plan->empty.end())
        std::iter_swap(plan->empty.begin(), first);
    for (const auto& directory : plan->empty) {
        if (auto ready = files.create_directories(directory); !ready) return ready.error();
        auto lock = files.lock(directory + "/.lock");
        if (!lock) return error{lock.code(), "another broker runs in " + directory, lock.error()};
        storage::meta_properties whose{plan->cluster_id, config.node.node_id, random_uuid(random)};
        if (directory == made->metadata_directory_) {
            if (!new_cluster)
                return error{errc::not_found, directory + " holds the metadata of cluster " + plan->cluster_id + " but is empty: was another disk mounted there?"};
            auto format = raft::standalone_format(directory, config.node.node_id, whose.directory_id, {"CONTROLLER", "localhost", 9093}, clock.wall_now());
            if (auto formatted = raft::format_metadata(files, format); !formatted) return formatted.error();
        }
        // Last, since this is what makes a directory count as formatted.
        if (auto written = storage::write_meta_properties(files, directory, whose); !written) return written.error();
        log_directories_logs.info("formatted " + directory + " for cluster " + plan->cluster_id + ", node " + std::to_string(config.node.node_id));
    }
    auto metadata = storage::read_meta_properties(files, made->metadata_directory_);
    if (!metadata) return metadata.error();
    made->metadata_directory_id_ = metadata->directory_id;

    storage::log_manager_options options;
    options.directories = directories;
    options.cluster_id = plan->cluster_id;
    options.node_id = config.node.node_id;
    options.file_delete_delay = config.log_defaults.file_delete_delay_ms;
    auto manager = storage::log_manager::open(files, clock, random, std::move(options));
    if (!manager) return manager.error();
    made->manager_ = *std::move(manager);
    return made;
}

std::vector<uuid> log_directories::directory_ids() const {
    std::vector<uuid> ids;
    for (const auto& each : manager_->directories())
        if (!each.health->failed()) ids.push_back(each.id);
    std::sort(ids.begin(), ids.end());
    return ids;
}

std::vector<uuid> log_directories::failed_ids() const {
    std::vector<uuid> ids;
    for (const auto& each : manager_->directories())
        if (each.health->failed() && !each.id.is_zero()) ids.push_back(each.id);
    return ids;
}

void log_directories::watch(event_loop& loop, watcher told) {
    watching_ = &loop;
    watcher_ = std::make_shared<watcher>(std::move(told));
    for (const auto& each : manager_->directories())
        each.health->when_failed([&loop, who = watcher_] { loop.post([who] { who->failed(); }); });
}

result<void> log_directories::load() {
    const auto found = manager_->load();
    if (!found) return found.error();
    for (const auto& each : *found)
        if (each.failure) log_directories_logs.error("cannot open " + each.topic + "-" + std::to_string(each.partition) + ": " + each.failure.message());
    return {};
}

void log_directories::set_strays_aside() {
    for (const auto& copy : manager_->set_strays_aside())
        log_directories_logs.warn(copy + " is a copy of a log that cannot be read, or of no partition of the cluster; it is left alone");
    starting_ = false;
}

std::unique_ptr<storage::partition_log> log_directories::interrupted_copy(const replica::partition_spec& spec) {
    return manager_->open_found_copy(spec.topic, spec.id.index, spec.id.topic_id, spec.config);
}

result<std::unique_ptr<storage::partition_log>> log_directories::open_future(const replica::partition_spec& spec, const std::string& path) {
    const auto all = manager_->directories();
    const auto where = std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.path == path; });
    if (where == all.end()) return error{errc::log_dir_not_found, path + " is no log directory of this broker"};
    if (where->health->failed()) return error{errc::kafka_storage_error, path + " has failed"};
    auto opened = manager_->open_future_log(spec.topic, spec.id.index, spec.id.topic_id, spec.config, where->id);
    if (!opened) return opened.error();
    return std::move(opened->log);
}

result<void> log_directories::promote(std::unique_ptr<storage::partition_log> current, storage::partition_log& future) {
    auto promoted = manager_->promote_future(std::move(current), future);
    if (!promoted || watching_ == nullptr) return promoted;
    const auto folder = storage::parse_partition_folder(std::string_view{future.directory()}.substr(future.directory().rfind('/') + 1));
    watching_->post([who = watcher_, which = replica::partition_id{future.topic_id(), folder->partition}] { who->moved(which); });
    return promoted;
}

result<std::unique_ptr<storage::partition_log>> log_directories::open(const replica::partition_spec& spec) {
    using storage::log_manager;
    if (stopping_) return error{errc::cancelled, spec.topic + "-" + std::to_string(spec.id.index) + ": the broker stops"};
    // What the cluster knew before this start may lie in a directory that cannot be read now. An empty log in its place
    // would take back what was acknowledged, now and when it is asked for again.
    const std::pair id{spec.id.topic_id, spec.id.index};
    const bool sought = [&] {
        const std::lock_guard lock{mutex_};
        return starting_ || lost_.contains(id);
    }();
    std::string failed;
    if (sought)
        for (const auto& each : manager_->directories())
            if (each.health->failed()) failed = each.path;
    auto opened = manager_->open_log(spec.topic, spec.id.index, spec.id.topic_id, spec.config, {},
                                     failed.empty() ? log_manager::missing_log::make : log_manager::missing_log::leave);
    if (opened) return std::move(opened->log);
    if (failed.empty() || opened.code() != errc::not_found) return opened.error();
    const std::lock_guard lock{mutex_};
    lost_.insert(id);
    return error{errc::kafka_storage_error, "it may be in " + failed + ", which has failed"};
}

result<void> log_directories::remove(std::unique_ptr<storage::partition_log> log) { return manager_->remove(std::move(log)); }

bool log_directories::cordon(const std::vector<std::string>& paths) {
    const auto before = cordoned_ids();
    std::vector<std::string> all;
    for (const auto& each : manager_->directories()) all.push_back(each.path);
    const bool every = std::find(paths.begin(), paths.end(), "*") != paths.end();
    manager_->cordon(every ? all : paths);
    return cordoned_ids() != before;
}

std::vector<uuid> log_directories::cordoned_ids() const {
    std::vector<uuid> ids;
    for (const auto& each : manager_->directories())
        if (each.cordoned && !each.health->failed()) ids.push_back(each.id);
    std::sort(ids.begin(), ids.end());
    return ids;
}

void log_directories::set_copy_rate(std::int64_t bytes_per_second) {
    const std::lock_guard lock{mutex_};
    copy_rate_ = bytes_per_second;
    next_copy_ = {};
}

nanoseconds log_directories::pause_after_copying(std::uint64_t bytes, time_point now) {
    const std::lock_guard lock{mutex_};
    if (copy_rate_ == INT64_MAX) return nanoseconds{0};
    const auto seconds = static_cast<double>(bytes) / static_cast<double>(copy_rate_);
    next_copy_ = std::max(next_copy_, now) + nanoseconds{static_cast<std::int64_t>(seconds * 1e9)};
    return next_copy_ - now;
}

void log_directories::write_checkpoints() {
    if (auto written = manager_->write_checkpoints(); !written)
        log_directories_logs.warn("checkpoints could not be written, and the older ones cost time at the next start: " + written.error().message());
    if (auto collected = manager_->collect_garbage(); !collected) log_directories_logs.error("removing deleted partitions: " + collected.error().message());
}

void log_directories::checkpoint(event_loop& here, function<void()> done) {
    files_.run_apart([all = shared_from_this()] { all->write_checkpoints(); }, here, std::move(done));
}

result<void> log_directories::close(std::int64_t broker_epoch) { return manager_->close(broker_epoch); }

std::vector<std::string> log_directories::troubles(std::uint64_t bytes) const {
    std::vector<std::string> told;
    for (const auto& each : manager_->directories())
        if (const auto why = each.health->trouble(bytes)) told.push_back("log directory " + each.path + (each.health->failed() ? " is offline: " : ": ") + why.message());
    return told;
}

std::map<std::string, error> log_directories::failures() const {
    std::map<std::string, error> all;
    for (const auto& each : manager_->directories())
        if (each.health->failed()) all.emplace(each.path, each.health->failure());
    return all;
}

std::vector<server::storage_view::directory> log_directories::directories() const {
    std::vector<directory> list;
    for (const auto& each : manager_->directories()) {
        auto& row = list.emplace_back();
        row.path = each.path;
        row.cordoned = each.cordoned;
        if (each.health->failed()) row.code = errc::kafka_storage_error;
        if (const auto space = files_.disk_space(each.path)) {
            row.total_bytes = static_cast<std::int64_t>(space->total);
            row.usable_bytes = static_cast<std::int64_t>(space->usable);
        }
    }
    return list;
}

}  // namespace weir::broker
