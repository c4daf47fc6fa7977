// All logs of a broker: its log directories, what lies in them, and the checkpoints that make a restart quick.
#pragma once
#include <weir/base/random.hpp>
#include <weir/storage/checkpoints.hpp>
#include <weir/storage/log.hpp>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weir::storage {

struct log_manager_options {
    std::vector<std::string> directories;  ///< log.dirs; formatted by the caller (meta_properties.hpp)
    std::string cluster_id;
    std::int32_t node_id = 0;
    std::size_t open_files = 512;  ///< how many files of idle logs may stay open
    milliseconds file_delete_delay{60'000};
};

struct log_directory_status {
    std::string path;
    uuid id;
    std::shared_ptr<directory_health> health;  ///< a failed one takes no new partitions and has no clean stop
    std::size_t partitions = 0;
    bool was_clean = false;  ///< at the start
    bool cordoned = false;
};

/// Holds the directories' locks while it lives. Members may be called from any thread; they block on files. Logs belong
/// to whoever got them and to one loop each; their progress reaches the checkpoints by itself.
class log_manager {
public:
    /// Locks and checks every directory before anything is touched: errc::in_use when another broker runs there,
    /// errc::inconsistent_cluster_id, invalid_setting (node id) or unsupported_version when it is not ours, errc::not_found
    /// when it is not formatted. A directory that cannot be read is marked failed; it is an error when all are.
    static result<std::unique_ptr<log_manager>> open(file_system& files, const clock& clock, random_source random,
                                                     log_manager_options options);
    ~log_manager();

    struct found_log {
        std::string topic;
        std::int32_t partition = 0;
        bool future = false;  ///< a copy on its way to that directory
        error failure;        ///< why it can never be opened
    };
    /// Lists the partitions there are, but not `__cluster_metadata`, for open_log() to open; the copy of a log that a power
    /// cut left without one takes its place. From here on a stop without close() is unclean.
    result<std::vector<found_log>> load();

    struct loaded_log {
        std::string topic;
        std::int32_t partition = 0;
        std::unique_ptr<partition_log> log;
        std::int64_t high_watermark = 0;  ///< from the checkpoint
    };
    enum class missing_log : std::uint8_t { make, leave };
    /// Opens one log, on any thread and several at once. One that is nowhere is made in the directory with the fewest
    /// partitions (or in `directory`), or is errc::not_found; a log of that name whose topic had another id is set aside.
    /// errc::log_dir_not_found for a directory that is not ours, errc::kafka_storage_error when all have failed.
    result<loaded_log> open_log(const std::string& topic, std::int32_t partition, const uuid& topic_id,
                                const log_config& config, const uuid& directory = {},
                                missing_log when_missing = missing_log::make);
    /// The copy that load() found of a partition; nullptr when there is none.
    std::unique_ptr<partition_log> open_found_copy(const std::string& topic, std::int32_t partition, const uuid& topic_id,
                                                   const log_config& config);
    /// Everybody has opened what they know: the other logs that load() found are renamed, for a human to look at. Returns
    /// the copies nobody asked for, which stay as they are.
    std::vector<std::string> set_strays_aside();
    /// Makes the future replica of a partition in another directory.
    result<loaded_log> open_future_log(const std::string& topic, std::int32_t partition, const uuid& topic_id,
                                       const log_config& config, const uuid& directory);
    /// The future replica, which holds all that `current` does and is durable, takes its place; the folder of `current`
    /// goes as in remove().
    result<void> promote_future(std::unique_ptr<partition_log> current, partition_log& future);

    /// Renames the folder at once; its files go after file.delete.delay.ms (collect_garbage).
    result<void> remove(std::unique_ptr<partition_log> log);
    /// Deletes folders whose delay has passed.
    result<void> collect_garbage();

    /// Writes recovery points, log starts and high watermarks, one set per directory, when they changed. A failure marks
    /// the directory failed, unless the disk is full.
    result<void> write_checkpoints();
    /// After every log was closed: checkpoints, and the note of a clean stop in each directory whose logs all were, or that
    /// was clean before and has logs nobody opened.
    result<void> close(std::int64_t broker_epoch);

    std::vector<log_directory_status> directories() const;
    /// The directory a partition lives in, be it open or as load() found it; zero when it has none.
    uuid directory_of(std::string_view topic, std::int32_t partition) const;
    /// New partitions go elsewhere when they can (cordoned.log.dirs).
    void cordon(std::span<const std::string> paths);
    /// Shared by every log; for others who open files of a log directory.
    const std::shared_ptr<file_cache>& handles() const noexcept;

private:
    struct state;
    explicit log_manager(std::unique_ptr<state> state);
    std::unique_ptr<state> state_;
};

}  // namespace weir::storage
