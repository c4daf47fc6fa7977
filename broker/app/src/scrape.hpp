// What /metrics shows beyond counters.
#pragma once
#include "log_directories.hpp"
#include "metadata_publisher.hpp"

#include <weir/base/metrics.hpp>
#include <weir/base/task.hpp>
#include <weir/broker/broker_node.hpp>
#include <weir/coordinator/group_coordinator.hpp>
#include <weir/raft/driver.hpp>
#include <weir/replica/replicas.hpp>
#include <weir/server/server.hpp>

#include <algorithm>
#include <vector>

namespace weir::broker {

/// Looks at partitions, groups, sessions and metadata on their own cores when somebody asks, so that ten thousand
/// partitions cost nothing in between. Used on the first core's loop, where the scraper is served.
class scrape {
public:
    struct parts {
        event_loop& loop;
        metrics::registry& metrics;
        replica::replicas& replicas;
        coordinator::group_coordinator& groups;
        server::server& front;
        const server::metadata_cache& cache;
        const log_directories& directories;
        const metadata_publisher& publisher;
        const raft::quorum_driver& driver;
        environment& world;
        std::int32_t node_id;
    };
    explicit scrape(parts given);
    scrape(const scrape&) = delete;
    scrape& operator=(const scrape&) = delete;

    /// What is printed next is as of now. Those who ask meanwhile wait for the same look.
    task<void> refresh();
    /// Completes when no look is under way; there will be none any more.
    task<void> stop();

private:
    void show_partitions();
    void show_replicas();
    void show_compaction();
    void show_metadata();
    void show_groups();
    void show_front();
    void show_quorum();
    void show_process();
    /// Since the last look.
    double idle_share() const;
    /// Milliseconds since a moment of the wall clock.
    double age(timestamp_ms since) const { return static_cast<double>(std::max<std::int64_t>(parts_.loop.wall_now() - since, 0)); }
    void gauge(std::string_view name, std::string_view help, metrics::labels where, function<double()> read);
    void per_partition(std::string_view name, std::string_view help, double (*read)(const replica::partition_figures&));
    void per_directory(std::string_view name, std::string_view help, function<double(const server::storage_view::directory&)> read);
    const metadata::image& image() const { return *parts_.cache.current(0); }
    std::int64_t spare_in_sync(const replica::partition_figures& each) const;
    double count_partitions(bool (*which)(const metadata::partition&)) const;
    void finish();

    parts parts_;
    std::vector<replica::partition_figures> partitions_;
    coordinator::coordinator_metrics groups_;
    server::server::figures front_;
    raft::quorum_status quorum_;
    raft::quorum_figures elections_;
    struct sleep_mark {
        time_point at{};
        nanoseconds slept{0};  // of all cores
    };
    sleep_mark before_, now_;
    bool looking_ = false;
    bool stopped_ = false;
    std::vector<function<void(bool)>> waiting_;
    std::vector<metrics::registration> shown_;  // last: what it reads goes after it
};

}  // namespace weir::broker
