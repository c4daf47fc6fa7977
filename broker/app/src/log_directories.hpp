// The log directories as partitions and request handlers use them.
#pragma once
#include <weir/base/event_loop.hpp>
#include <weir/base/files.hpp>
#include <weir/base/function.hpp>
#include <weir/broker/broker_config.hpp>
#include <weir/replica/replicas.hpp>
#include <weir/server/storage_view.hpp>
#include <weir/storage/log_manager.hpp>

#include <atomic>
#include <map>
#include <memory>
#include <atomic>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace weir::broker {

class log_directories final : public replica::log_source, public server::storage_view, public std::enable_shared_from_this<log_directories> {
public:
    /// Formats what is empty, locks, checks; nothing is touched when a directory is refused.
    static result<std::unique_ptr<log_directories>> open(file_system& files, event_loop& clock, random_source random, const broker_config& config);

    const std::string& cluster_id() const noexcept { return cluster_id_; }
    /// Where the metadata log lives, and that directory's id.
    const std::string& metadata_directory() const noexcept { return metadata_directory_; }
    const uuid& metadata_directory_id() const noexcept { return metadata_directory_id_; }
    /// Of those that can be used; sorted.
    std::vector<uuid> directory_ids() const;
    /// Of those that have failed since they were read.
    std::vector<uuid> failed_ids() const;
    /// Zero when it lies in none.
    uuid directory_of(const std::string& topic, std::int32_t partition) const {
        return manager_->directory_of(topic, partition);
    }
    struct watcher {
        function<void()> failed;                      ///< a directory has
        function<void(replica::partition_id)> moved;  ///< into another directory
    };
    /// Called on `loop`.
    void watch(event_loop& loop, watcher told);

    /// Looks what is there; open() opens it.
    result<void> load();
    /// A stop need not wait until every log was checked: open() gives errc::cancelled from now on. Any thread.
    void open_no_more() noexcept { stopping_ = true; }
    /// After the first image was applied: what nobody asked for is not in the metadata, and is renamed.
    void set_strays_aside();
    /// New partitions go elsewhere: paths of log.dirs, or "*" for all. True when that changed.
    bool cordon(const std::vector<std::string>& paths);
    std::vector<uuid> cordoned_ids() const;
    /// Of all moves between directories together.
    void set_copy_rate(std::int64_t bytes_per_second);
    /// One line for each directory that has failed or cannot take a batch of `bytes`.
    std::vector<std::string> troubles(std::uint64_t bytes) const;
    /// Those that have failed, and why.
    std::map<std::string, error> failures() const;
    result<void> close(std::int64_t broker_epoch);

    result<std::unique_ptr<storage::partition_log>> open(const replica::partition_spec& spec) override;
    result<void> remove(std::unique_ptr<storage::partition_log> log) override;
    std::unique_ptr<storage::partition_log> interrupted_copy(const replica::partition_spec& spec) override;
    result<std::unique_ptr<storage::partition_log>> open_future(const replica::partition_spec& spec, const std::string& path) override;
    result<void> promote(std::unique_ptr<storage::partition_log> current, storage::partition_log& future) override;
    /// Removes deleted folders whose delay has passed, too. Any thread.
    void checkpoint(event_loop& here, function<void()> done) override;
    nanoseconds pause_after_copying(std::uint64_t bytes, time_point now) override;
    std::vector<directory> directories() const override;

private:
    log_directories(file_system& files) : files_(files) {}
    void write_checkpoints();

    file_system& files_;
    std::string cluster_id_;
    std::string metadata_directory_;
    uuid metadata_directory_id_;
    std::unique_ptr<storage::log_manager> manager_;
    event_loop* watching_ = nullptr;
    std::shared_ptr<watcher> watcher_;  // set before logs are opened
    std::atomic<bool> starting_{true};  // until everything the metadata names was looked for
    std::atomic<bool> stopping_{false};
    std::mutex mutex_;  // guards what follows: cores open and close at the same time
    std::set<std::pair<uuid, std::int32_t>> lost_;  // may lie in directories that had failed at the start
    std::int64_t copy_rate_ = INT64_MAX;  // bytes a second
    time_point next_copy_{};
};

}  // namespace weir::broker
