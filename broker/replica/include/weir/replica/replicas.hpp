// All partitions of this broker, spread over its cores.
#pragma once
#include <weir/base/task.hpp>
#include <weir/replica/cleaner.hpp>
#include <weir/replica/flusher.hpp>
#include <weir/replica/partition.hpp>

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace weir::replica {

/// What makes a partition of this broker.
struct partition_spec {
    partition_id id;
    std::string topic;
    std::int32_t leader_epoch = 0;
    storage::log_config config;
};

/// Where logs come from: the log directories. Called on the core that owns the partition, several cores at once.
class log_source {
public:
    virtual ~log_source() = default;
    virtual result<std::unique_ptr<storage::partition_log>> open(const partition_spec& spec) = 0;
    /// The partition was deleted: its files are renamed now and removed after file.delete.delay.ms.
    virtual result<void> remove(std::unique_ptr<storage::partition_log> log) = 0;
    /// The copy of a partition that a restart interrupted; nullptr when there is none.
    virtual std::unique_ptr<storage::partition_log> interrupted_copy(const partition_spec& spec) = 0;
    /// Makes a copy of a partition in the log directory `path`: errc::log_dir_not_found, errc::kafka_storage_error.
    virtual result<std::unique_ptr<storage::partition_log>> open_future(const partition_spec& spec, const std::string& path) = 0;
    /// The copy takes the place of `current`.
    virtual result<void> promote(std::unique_ptr<storage::partition_log> current, storage::partition_log& future) = 0;
    /// Writes recovery points down, then calls `done` on `here`.
    virtual void checkpoint(event_loop& here, function<void()> done) = 0;
    /// How long whoever has copied `bytes` between directories rests before it goes on.
    virtual nanoseconds pause_after_copying(std::uint64_t bytes, time_point now);
};

/// A partition belongs to one core, found by hash. Every core knows every partition (shared pointers), so that a request
/// finds the core it has to go to without asking anybody.
class replicas {
public:
    replicas(const std::vector<event_loop*>& cores, file_system& files, log_source& logs, const cleaner_config& cleaning = {});
    ~replicas();

    std::size_t core_count() const noexcept { return cores_.size(); }
    event_loop& core(std::size_t index) const noexcept { return *cores_[index]->loop; }
    std::size_t home_of(const partition_spec& spec) const noexcept;
    /// Partitions of internal topics stay on the same core even when the topic is made anew: coordinators live there too.
    std::size_t home_of_internal(std::int32_t index) const noexcept { return static_cast<std::size_t>(index) % cores_.size(); }

    /// nullptr when this broker does not have it (yet). `here` is the index of the calling core.
    const std::shared_ptr<partition>& find(std::size_t here, const partition_id& id) const noexcept;
    std::size_t count(std::size_t here) const noexcept { return cores_[here]->known.size(); }
    /// Every partition, in no order; on the loop of core `here`.
    std::vector<std::shared_ptr<partition>> all(std::size_t here) const;

    // Each of these is called and completes on `here`'s loop, when all cores know.
    /// Opens or creates logs and leads them; partitions that are there already get epoch and configuration. A log that
    /// cannot be opened is logged and left out: clients see errc::kafka_storage_error for it.
    task<void> put(event_loop& here, std::vector<partition_spec> specs);
    /// Partitions that were left out are put again; those that are here now. Not while put() or remove() run.
    task<std::vector<partition_spec>> put_left_out(event_loop& here);
    task<void> remove(event_loop& here, std::vector<partition_id> ids);
    /// This broker leads them no longer.
    task<void> resign(event_loop& here, std::vector<partition_id> ids);
    /// Begins the move of a partition to the log directory `path`, or gives up the one on its way when it is there
    /// already. On the partition's loop. errc::log_dir_not_found, errc::kafka_storage_error, errc::replica_not_available.
    result<void> move_to(partition& which, const std::string& path);
    /// Compaction goes on with other settings.
    task<void> set_cleaning(event_loop& here, const cleaner_config& config);
    /// Every partition, in no order.
    task<std::vector<partition_figures>> figures(event_loop& here);
    /// Of all cores: the newest round, the slowest log. Any thread.
    cleaner_figures cleaning() const noexcept;
    /// Flushes report how long they take.
    void measure_flushes(metrics::registry& registry);
    /// Partitions that are left out, "orders-0"; on the loop that put() is called on.
    std::vector<std::string> left_out() const;
    /// One round of rolling, retention and expiry.
    task<void> maintain(event_loop& here);
    /// Clean shutdown of every log.
    task<void> close(event_loop& here);
    /// The loops have ended, perhaps without close(): drops what still waits for a partition.
    void abandon() noexcept;

private:
    struct core_state {
        core_state(event_loop& on, file_system& files, log_source& logs, const cleaner_config& cleaning);
        event_loop* loop;
        flusher flush;
        std::unordered_map<partition_id, std::shared_ptr<partition>> known;  // of all cores
        std::unordered_map<partition_id, std::shared_ptr<partition>> mine;
        cleaner cleaning;
    };
    using partitions = std::vector<std::shared_ptr<partition>>;
    task<void> put_on(event_loop& here, core_state& core, const std::vector<partition_spec>& specs, partitions& opened, std::vector<partition_spec>& failed);
    task<void> publish_on(event_loop& here, core_state& core, const partitions& added, const std::vector<partition_id>& removed);
    static task<void> resign_on(event_loop& here, core_state& core, const std::vector<partition_id>& ids);
    task<void> remove_on(event_loop& here, core_state& core, const std::vector<partition_id>& ids);
    static task<void> set_cleaning_on(event_loop& here, core_state& core, const cleaner_config& config);
    static task<void> figures_on(event_loop& here, const core_state& core, std::vector<partition_figures>& found);
    task<void> maintain_on(event_loop& here, core_state& core, bool closing);

    log_source& logs_;
    std::vector<std::unique_ptr<core_state>> cores_;
    std::unordered_map<partition_id, partition_spec> left_out_;
};

}  // namespace weir::replica
