// The inside of a log_manager, shared by the files that each hold one of its jobs.
#pragma once
#include <weir/storage/log_directory.hpp>
#include <weir/storage/log_manager.hpp>

#include <array>
#include <map>
#include <mutex>
#include <span>

namespace weir::storage {

using offsets_by_folder = std::map<std::string, std::int64_t, std::less<>>;

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

    // log_manager_directories.cpp
    result<void> open_directory(directory& where);
    /// What lies in it may change from now on: the note of the last clean stop goes.
    result<void> begin_use(directory& where);
    offsets_by_folder read_offsets(const directory& where, std::string_view file);
    directory* find(const uuid& id);
    /// Where a new partition goes; nullptr when every directory has failed.
    directory* emptiest();
    result<void> write_checkpoints();

    // log_manager_load.cpp
    result<loaded_log> open_log(directory& where, const std::string& folder, const partition_folder& parsed,
                                const uuid& topic_id, const log_config& config);
    result<void> settle_copies(std::span<loaded_log> all);

    // log_manager.cpp
    result<void> move_away(std::unique_ptr<partition_log> log, folder_kind kind);

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

}  // namespace weir::storage
