// The inside of a log_manager, shared by the files that each hold one of its jobs.
#pragma once
#include <weir/storage/log_directory.hpp>
#include <weir/storage/log_manager.hpp>

#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <set>
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
        std::mutex beginning;             // held while the note of the last clean stop is removed
        std::atomic<bool> in_use{false};  // it is gone
        bool cordoned = false;
        std::size_t partitions = 0;  // with those that nobody has opened
        offsets_by_folder recovery_points, log_starts, high_watermarks, cleaned;  // of logs that nobody has opened yet
        std::set<std::string> listed;               // whatever the checkpoint files may speak of
        std::array<std::string, 4> written;         // what they hold; of whoever writes them

        bool failed() const noexcept { return health->failed(); }
        std::array<offsets_by_folder*, 4> offsets() noexcept { return {&recovery_points, &log_starts, &high_watermarks, &cleaned}; }
        void forget(const std::string& name) {
            for (auto* each : offsets()) each->erase(name);
        }
    };
    struct placed {
        directory* home = nullptr;
        std::string topic;
        std::int32_t partition = 0;
        std::shared_ptr<log_progress> progress;  // null while somebody opens it or takes it away
    };
    using placed_logs = std::map<std::string, placed, std::less<>>;
    /// A folder that was there at the start and that nobody has opened yet.
    struct waiting {
        directory* home = nullptr;
        std::string folder;  // its name
        partition_folder parsed;
        bool whole = false;   // no checkpoint speaks of it
        bool wanted = false;  // it could not be opened, and is tried again
        std::string path() const { return home->path + "/" + folder; }
    };
    using waiting_logs = std::map<std::string, waiting, std::less<>>;
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
    offsets_by_folder read_offsets(directory& where, std::string_view file);
    directory* find(const uuid& id);
    /// Where a new partition goes; nullptr when every directory has failed.
    directory* emptiest();
    result<void> write_checkpoints();

    // log_manager_load.cpp
    result<void> settle_copies(waiting_logs& copies, waiting_logs& logs);
    /// The topic whose log lies there is another one, or is not known.
    result<bool> is_of_another_topic(const waiting& found, const uuid& topic_id);
    result<void> set_aside(const std::string& name, const waiting& stray);
    struct place {
        std::string name;    // "<topic>-<partition>"
        std::string folder;  // its name
        partition_folder parsed;
        bool was_there = false;
    };
    /// Opens a log whose name is reserved; lets go of the name when that fails.
    result<loaded_log> open_reserved(directory& where, const place& at, const uuid& topic_id, const log_config& config);
    placed_logs& kept(folder_kind kind) noexcept { return kind == folder_kind::future ? future : live; }
    waiting_logs& unopened(folder_kind kind) noexcept { return kind == folder_kind::future ? found_copies : found; }

    // log_manager.cpp
    result<directory*> reserve_new(const std::string& topic, std::int32_t partition, const std::string& name, const uuid& directory);
    result<void> move_away(std::unique_ptr<partition_log> log);

    file_system& files;
    const clock& time;
    random_source random;
    const log_manager_options options;
    const std::shared_ptr<file_cache> handles;
    std::vector<std::unique_ptr<directory>> directories;  // as many as there are at the start
    std::mutex checkpointing;  // taken first: one at a time writes the checkpoint files
    // Guards all below, and what directories know of their logs. Nothing is done with files while it is held: a name is
    // reserved, the work is done, the outcome is noted.
    mutable std::mutex mutex;
    placed_logs live;    // by folder name
    placed_logs future;  // by the name they will have
    waiting_logs found;  // by the same names
    waiting_logs found_copies;
    std::vector<garbage> leftovers;
};

}  // namespace weir::storage
