#include "scrape.hpp"

#include <weir/metadata/image.hpp>

#include <algorithm>
#include <numeric>

namespace weir::broker {

using replica::partition_figures;

scrape::scrape(parts given) : parts_(given) {
    parts_.replicas.measure_flushes(parts_.metrics);
    show_partitions();
    show_replicas();
    show_compaction();
    show_metadata();
    show_groups();
    show_front();
    show_quorum();
    show_process();
}

task<void> scrape::refresh() {
    if (stopped_) co_return;
    if (looking_) {
        auto waiting = completion<bool>([&](function<void(bool)> done) { waiting_.push_back(std::move(done)); });
        co_await waiting;
        co_return;
    }
    looking_ = true;
    quorum_ = parts_.driver.status();
    elections_ = parts_.driver.figures();
    if (parts_.world.slept) {
        before_ = std::exchange(now_, {parts_.loop.now(), nanoseconds{0}});
        for (std::size_t core = 0; core < parts_.world.cores.size(); ++core) now_.slept += parts_.world.slept(core);
    }
    auto surveying = parts_.replicas.figures(parts_.loop);
    partitions_ = co_await surveying;
    auto counting = parts_.groups.metrics(parts_.loop);
    groups_ = co_await counting;
    auto looking = parts_.front.look(parts_.loop);
    front_ = co_await looking;
    std::sort(partitions_.begin(), partitions_.end(),
              [](const auto& a, const auto& b) { return std::tie(a.topic, a.index) < std::tie(b.topic, b.index); });
    finish();
}

void scrape::finish() {
    looking_ = false;
    for (auto& done : std::exchange(waiting_, {})) done(true);
}

task<void> scrape::stop() {
    stopped_ = true;
    if (!looking_) co_return;
    auto waiting = completion<bool>([&](function<void(bool)> done) { waiting_.push_back(std::move(done)); });
    co_await waiting;
}

void scrape::gauge(std::string_view name, std::string_view help, metrics::labels where, function<double()> read) {
    shown_.push_back(parts_.metrics.gauge_from(name, help, std::move(where), std::move(read)));
}

void scrape::per_partition(std::string_view name, std::string_view help, double (*read)(const partition_figures&)) {
    shown_.push_back(parts_.metrics.collect(name, help, metrics::series_type::gauge, [this, read](metrics::sample_sink& sink) {
        metrics::labels where{{"topic", ""}, {"partition", ""}};
        for (const auto& each : partitions_) {
            where[0].second = each.topic;
            where[1].second = std::to_string(each.index);
            sink.add(where, read(each));
        }
    }));
}

void scrape::per_directory(std::string_view name, std::string_view help, function<double(const server::storage_view::directory&)> read) {
    shown_.push_back(parts_.metrics.collect(name, help, metrics::series_type::gauge, [this, read = std::move(read)](metrics::sample_sink& sink) mutable {
        for (const auto& each : parts_.directories.directories()) sink.add({{"logDirectory", each.path}}, read(each));
    }));
}

void scrape::show_partitions() {
    per_partition("kafka_log_log_size", "Bytes of a partition.", [](const auto& each) { return static_cast<double>(each.bytes); });
    per_partition("kafka_log_log_numlogsegments", "Segments of a partition.", [](const auto& each) { return static_cast<double>(each.segments); });
    per_partition("kafka_log_log_logstartoffset", "First offset of a partition.", [](const auto& each) { return static_cast<double>(each.log_start); });
    per_partition("kafka_log_log_logendoffset", "Offset after the last record of a partition.", [](const auto& each) { return static_cast<double>(each.log_end); });
    per_partition("kafka_cluster_partition_laststableoffsetlag", "Records of a partition that open transactions hold back.",
                  [](const auto& each) { return static_cast<double>(std::max<std::int64_t>(each.high_watermark - each.last_stable, 0)); });
    const auto in_sync = [this](std::string_view name, std::string_view help, double (*read)(const metadata::partition&)) {
        shown_.push_back(parts_.metrics.collect(name, help, metrics::series_type::gauge, [this, read](metrics::sample_sink& sink) {
            metrics::labels where{{"topic", ""}, {"partition", ""}};
            for (const auto& each : partitions_) {
                const auto* topic = image().find_topic(each.topic);
                const auto* found = topic ? topic->partitions.find(each.index) : nullptr;
                if (!found) continue;
                where[0].second = each.topic;
                where[1].second = std::to_string(each.index);
                sink.add(where, read(*found));
            }
        }));
    };
    in_sync("kafka_cluster_partition_insyncreplicascount", "Replicas of a partition that are in sync.", [](const auto& each) { return static_cast<double>(each.isr.size()); });
    in_sync("kafka_cluster_partition_replicascount", "Replicas of a partition.", [](const auto& each) { return static_cast<double>(each.replicas.size()); });
    shown_.push_back(parts_.metrics.collect("kafka_cluster_partition_underminisr", "1 when fewer replicas of a partition are in sync than min.insync.replicas.", metrics::series_type::gauge, [this](metrics::sample_sink& sink) {
        for (const auto& each : partitions_)
            if (each.leads) sink.add({{"topic", each.topic}, {"partition", std::to_string(each.index)}}, spare_in_sync(each) < 0);
    }));
    in_sync("kafka_cluster_partition_underreplicated", "1 when replicas of a partition are not in sync.", [](const auto& each) { return each.isr.size() < each.replicas.size() ? 1.0 : 0.0; });
}

// How many more replicas may leave the ISR before acks=all is refused. A partition never asks for more than it has.
std::int64_t scrape::spare_in_sync(const partition_figures& each) const {
    const auto* topic = image().find_topic(each.topic);
    const auto* found = topic ? topic->partitions.find(each.index) : nullptr;
    if (!found) return 1;
    const auto wanted = std::min<std::int64_t>(each.min_in_sync, static_cast<std::int64_t>(found->replicas.size()));
    return static_cast<std::int64_t>(found->isr.size()) - wanted;
}

double scrape::count_partitions(bool (*which)(const metadata::partition&)) const {
    double count = 0;
    for (const auto& [name, topic] : image().topics())
        for (const auto& [index, each] : topic->partitions) count += which(each);
    return count;
}

void scrape::show_replicas() {
    const auto sum = [this](std::string_view name, std::string_view help, double (*read)(const partition_figures&)) {
        gauge(name, help, {}, [this, read] {
            return std::accumulate(partitions_.begin(), partitions_.end(), 0.0, [read](double all, const auto& each) { return all + read(each); });
        });
    };
    sum("kafka_server_replicamanager_partitioncount", "Partitions on this broker.", [](const auto&) { return 1.0; });
    sum("kafka_server_replicamanager_leadercount", "Partitions that this broker leads.", [](const auto& each) { return each.leads ? 1.0 : 0.0; });
    sum("kafka_server_replicamanager_produceridcount", "Idempotent producers whose sequences are remembered.", [](const auto& each) { return static_cast<double>(each.producers); });
    // One request is watched in one place: the two numbers differ in Kafka alone.
    for (const auto* name : {"purgatorysize", "numdelayedoperations"})
        shown_.push_back(parts_.metrics.collect("kafka_server_delayedoperationpurgatory_" + std::string{name}, "Requests that wait for something to happen.", metrics::series_type::gauge, [this](metrics::sample_sink& sink) {
            double writers = 0;
            for (const auto& each : partitions_) writers += static_cast<double>(each.waiting_writers);
            sink.add({{"delayedOperation", "Produce"}}, writers);
            sink.add({{"delayedOperation", "Fetch"}}, static_cast<double>(front_.waiting_fetches));
        }));
    gauge("kafka_server_replicamanager_underreplicatedpartitions", "Partitions led here with replicas that are not in sync.", {}, [this] {
        double count = 0;
        for (const auto& [name, topic] : image().topics())
            for (const auto& [index, each] : topic->partitions) count += each.leader == parts_.node_id && each.isr.size() < each.replicas.size();
        return count;
    });
    gauge("kafka_server_replicamanager_underminisrpartitioncount", "Partitions led here with fewer replicas in sync than min.insync.replicas.", {},
          [this] { return static_cast<double>(std::count_if(partitions_.begin(), partitions_.end(), [this](const auto& each) { return each.leads && spare_in_sync(each) < 0; })); });
    gauge("kafka_server_replicamanager_atminisrpartitioncount", "Partitions led here with as many replicas in sync as min.insync.replicas, and no more.", {},
          [this] { return static_cast<double>(std::count_if(partitions_.begin(), partitions_.end(), [this](const auto& each) { return each.leads && spare_in_sync(each) == 0; })); });
    gauge("kafka_server_replicamanager_offlinereplicacount", "Replicas of this broker that it cannot serve.", {}, [this] {
        double wanted = 0;
        for (const auto& [name, topic] : image().topics())
            for (const auto& [index, each] : topic->partitions) wanted += std::find(each.replicas.begin(), each.replicas.end(), parts_.node_id) != each.replicas.end();
        const auto served = std::count_if(partitions_.begin(), partitions_.end(), [](const auto& each) { return each.leads; });
        return std::max(wanted - static_cast<double>(served), 0.0);
    });
    gauge("kafka_server_replicamanager_reassigningpartitions", "Partitions whose replicas are changing.", {},
          [this] { return count_partitions([](const auto& each) { return !each.adding_replicas.empty() || !each.removing_replicas.empty(); }); });
    gauge("kafka_log_logmanager_offlinelogdirectorycount", "Log directories that have failed.", {}, [this] {
        const auto all = parts_.directories.directories();
        return static_cast<double>(std::count_if(all.begin(), all.end(), [](const auto& each) { return each.code != errc::none; }));
    });
    per_directory("kafka_log_logmanager_logdirectoryoffline", "1 when a log directory has failed.", [](const auto& each) { return each.code != errc::none ? 1.0 : 0.0; });
}

void scrape::show_compaction() {
    gauge("kafka_log_logcleanermanager_max_dirty_percent", "Of the compacted logs the one with most to compact: its share in percent, as the last round found it.", {}, [this] {
        double most = 0;
        for (const auto& each : partitions_) most = std::max(most, each.compaction.dirty_ratio);
        return 100 * most;
    });
    per_directory("kafka_log_logcleanermanager_uncleanable_partitions_count", "Partitions whose compaction failed when it was last tried.", [this](const auto& where) {
        return static_cast<double>(std::count_if(partitions_.begin(), partitions_.end(), [&](const auto& each) { return each.uncleanable && each.log_directory == where.path; }));
    });
    per_directory("kafka_log_logcleanermanager_uncleanable_bytes", "What there was to compact in those partitions.", [this](const auto& where) {
        double bytes = 0;
        for (const auto& each : partitions_)
            if (each.uncleanable && each.log_directory == where.path) bytes += static_cast<double>(each.compaction.dirty_bytes);
        return bytes;
    });
    gauge("kafka_log_logcleanermanager_time_since_last_run_ms", "Milliseconds since the last round of compaction, or since the start.", {}, [this, started = parts_.loop.now()] {
        return static_cast<double>((parts_.loop.now() - std::max(started, parts_.replicas.cleaning().last_run)).count()) / 1e6;
    });
    gauge("kafka_log_logcleaner_max_clean_time_secs", "Seconds that the slowest log of the last round of compaction took.", {},
          [this] { return std::chrono::duration<double>(parts_.replicas.cleaning().longest).count(); });
    gauge("kafka_log_logcleaner_max_compaction_delay_secs", "Seconds by which records waited longer than max.compaction.lag.ms, the most in the last round that compacted anything.", {},
          [this] { return std::chrono::duration<double>(parts_.replicas.cleaning().overdue).count(); });
    gauge("kafka_log_logcleaner_cleaner_recopy_percent", "What compaction wrote of what it read, in percent, in the last round that compacted anything.", {}, [this] {
        const auto last = parts_.replicas.cleaning();
        return last.read == 0 ? 0.0 : 100 * static_cast<double>(last.written) / static_cast<double>(last.read);
    });
}

void scrape::show_metadata() {
    gauge("kafka_controller_kafkacontroller_globaltopiccount", "Topics of the cluster.", {}, [this] { return static_cast<double>(image().topics().size()); });
    gauge("kafka_controller_kafkacontroller_globalpartitioncount", "Partitions of the cluster.", {}, [this] { return static_cast<double>(image().partition_count()); });
    gauge("kafka_controller_kafkacontroller_offlinepartitionscount", "Partitions without a leader.", {},
          [this] { return count_partitions([](const auto& each) { return !each.has_leader(); }); });
    gauge("kafka_controller_kafkacontroller_preferredreplicaimbalancecount", "Partitions that another replica than the first leads.", {},
          [this] { return count_partitions([](const auto& each) { return !each.replicas.empty() && each.leader != each.replicas.front(); }); });
    const auto brokers = [this](bool fenced) {
        double count = 0;
        for (const auto& [id, each] : image().brokers()) count += fenced ? each.fenced : each.active();
        return count;
    };
    gauge("kafka_controller_kafkacontroller_activebrokercount", "Brokers that serve.", {}, [brokers] { return brokers(false); });
    gauge("kafka_controller_kafkacontroller_fencedbrokercount", "Brokers that are registered and do not serve.", {}, [brokers] { return brokers(true); });
    gauge("kafka_controller_kafkacontroller_lastappliedrecordoffset", "Offset of the newest metadata record in use.", {}, [this] { return static_cast<double>(image().position().offset); });
    gauge("kafka_controller_kafkacontroller_lastappliedrecordlagms", "Age of the newest metadata record in use.", {}, [this] {
        const auto stamped = image().position().timestamp;
        return stamped < 0 ? 0.0 : age(stamped);
    });
    gauge("kafka_controller_kafkacontroller_newactivecontrollerscount", "Times this node became the active controller.", {}, [this] { return static_cast<double>(parts_.publisher.counted().leaderships); });
    const auto broker_side = [this](std::string_view name, std::string_view help, function<double()> read) { gauge("kafka_server_broker_metadata_metrics_" + std::string{name}, help, {}, std::move(read)); };
    broker_side("last_applied_record_offset", "Offset of the newest metadata record that this broker acts on.", [this] { return static_cast<double>(image().position().offset); });
    broker_side("last_applied_record_timestamp", "When that record was written, in milliseconds.", [this] { return static_cast<double>(image().position().timestamp); });
    broker_side("last_applied_record_lag_ms", "Milliseconds since that record was written.", [this] { return age(image().position().timestamp); });
    gauge("kafka_server_metadataloader_handleloadsnapshotcount", "Snapshots of the metadata that were loaded since the start.", {}, [this] { return static_cast<double>(parts_.publisher.counted().snapshots_loaded); });
    gauge("kafka_server_snapshotemitter_latestsnapshotgeneratedbytes", "Bytes of records in the newest snapshot of the metadata that was written since the start.", {}, [this] { return static_cast<double>(parts_.publisher.counted().snapshot_bytes); });
    gauge("kafka_server_snapshotemitter_latestsnapshotgeneratedagems", "Milliseconds since that snapshot was written, or since the start.", {}, [this] { return age(parts_.publisher.counted().snapshot_time); });
    gauge("kafka_server_metadataloader_currentmetadataversion", "Feature level of metadata.version.", {}, [this] { return static_cast<double>(image().metadata_version()); });
}

void scrape::show_groups() {
    const auto figure = [this](std::string_view name, std::string_view help, double (*read)(const coordinator::coordinator_metrics&)) {
        gauge(name, help, {}, [this, read] { return read(groups_); });
    };
    figure("kafka_coordinator_group_groupmetadatamanager_numoffsets", "Committed offsets.", [](const auto& all) { return static_cast<double>(all.groups.offsets); });
    figure("kafka_coordinator_group_groupmetadatamanager_numgroups", "Groups.", [](const auto& all) { return static_cast<double>(all.groups.groups); });
    figure("kafka_coordinator_group_groupmetadatamanager_numgroupsstable", "Groups whose members have their partitions.", [](const auto& all) { return static_cast<double>(all.groups.stable_groups); });
    figure("kafka_coordinator_group_groupmetadatamanager_numgroupsempty", "Groups without members.", [](const auto& all) { return static_cast<double>(all.groups.empty_groups); });
    figure("kafka_coordinator_group_groupmetadatamanager_numgroupspreparingrebalance", "Groups that wait for members to join.", [](const auto& all) { return static_cast<double>(all.groups.preparing_groups); });
    figure("kafka_coordinator_group_groupmetadatamanager_numgroupscompletingrebalance", "Groups that wait for their assignment.", [](const auto& all) { return static_cast<double>(all.groups.completing_groups); });
    gauge("kafka_server_group_coordinator_metrics_group_count", "Groups, by protocol.", {{"protocol", "classic"}}, [this] { return static_cast<double>(groups_.groups.groups); });
    const auto counter = [this](std::string_view name, std::string_view help, double (*read)(const coordinator::coordinator_metrics&)) {
        shown_.push_back(parts_.metrics.collect(name, help, metrics::series_type::counter, [this, read](metrics::sample_sink& sink) { sink.add({}, read(groups_)); }));
    };
    counter("kafka_server_group_coordinator_metrics_offset_commit_count", "Offsets committed.", [](const auto& all) { return static_cast<double>(all.groups.offset_commits); });
    counter("kafka_server_group_coordinator_metrics_offset_expiration_count", "Offsets that expired.", [](const auto& all) { return static_cast<double>(all.groups.offset_expirations); });
    counter("kafka_server_group_coordinator_metrics_offset_deletion_count", "Offsets deleted on request.", [](const auto& all) { return static_cast<double>(all.groups.offset_deletions); });
    counter("kafka_server_group_coordinator_metrics_group_completed_rebalance_count", "Rebalances that ended.", [](const auto& all) { return static_cast<double>(all.groups.completed_rebalances); });
    const auto state = [this](std::string name, std::size_t coordinator::coordinator_metrics::* count) {
        gauge("kafka_server_group_coordinator_metrics_num_partitions", "Partitions of __consumer_offsets on this broker.", {{"state", std::move(name)}},
              [this, count] { return static_cast<double>(groups_.*count); });
    };
    state("loading", &coordinator::coordinator_metrics::loading_partitions);
    state("active", &coordinator::coordinator_metrics::active_partitions);
    state("failed", &coordinator::coordinator_metrics::failed_partitions);
    gauge("kafka_server_group_coordinator_metrics_partition_load_time_max", "Milliseconds the slowest load of a partition took.", {},
          [this] { return static_cast<double>(groups_.max_load_time.count()); });
    gauge("kafka_server_group_coordinator_metrics_partition_load_time_avg", "Milliseconds a load of a partition took.", {},
          [this] { return groups_.loads == 0 ? 0.0 : static_cast<double>(groups_.total_load_time.count()) / static_cast<double>(groups_.loads); });
}

void scrape::show_front() {
    gauge("kafka_server_fetchsessioncache_numincrementalfetchsessions", "Fetch sessions.", {}, [this] { return static_cast<double>(front_.fetch_sessions); });
    gauge("kafka_server_fetchsessioncache_numincrementalfetchpartitionscached", "Partitions in fetch sessions.", {}, [this] { return static_cast<double>(front_.fetch_session_partitions); });
    shown_.push_back(parts_.metrics.collect("kafka_server_fetchsessioncache_incrementalfetchsessionevictions_total", "Fetch sessions that gave way to others.", metrics::series_type::counter,
                                            [this](metrics::sample_sink& sink) { sink.add({}, static_cast<double>(front_.fetch_session_evictions)); }));
    gauge("kafka_network_requestchannel_requestqueuesize", "Whole requests that wait for earlier ones of their connection.", {}, [this] { return static_cast<double>(front_.waiting_requests); });
    gauge("kafka_network_requestchannel_responsequeuesize", "Answers that wait for earlier ones of their connection, or for the system to take them.", {}, [this] { return static_cast<double>(front_.waiting_answers); });
    gauge("kafka_network_socketserver_memorypoolused", "Bytes of requests in memory.", {}, [this] { return static_cast<double>(front_.request_bytes); });
}

void scrape::show_quorum() {
    const auto figure = [this](std::string_view name, std::string_view help, double (*read)(const raft::quorum_status&)) {
        gauge("kafka_server_raft_metrics_" + std::string{name}, help, {}, [this, read] { return read(quorum_); });
    };
    figure("current_leader", "The node that leads the metadata quorum; -1: none.", [](const auto& all) { return static_cast<double>(all.leader.leader_id); });
    figure("current_epoch", "The epoch of the metadata quorum.", [](const auto& all) { return static_cast<double>(all.leader.epoch); });
    figure("high_watermark", "The offset below which metadata is committed.", [](const auto& all) { return static_cast<double>(all.high_watermark); });
    figure("log_end_offset", "The offset after the last record of the metadata log.", [](const auto& all) { return static_cast<double>(all.log_end); });
    figure("log_end_epoch", "The epoch of the last record of the metadata log.", [](const auto& all) { return static_cast<double>(all.log_end_epoch); });
    figure("current_vote", "The node that this one votes for in this epoch, itself when it leads; -1: none.", [](const auto& all) { return static_cast<double>(all.voted); });
    figure("number_of_voters", "Voters of the metadata quorum.", [](const auto& all) { return static_cast<double>(all.voters.size()); });
    figure("number_of_observers", "Nodes that follow the metadata quorum without a vote.", [](const auto& all) { return static_cast<double>(all.observer_progress.size()); });
    shown_.push_back(parts_.metrics.collect("kafka_server_raft_metrics_current_state", "What this node is in the metadata quorum.", metrics::series_type::gauge,
                                            [this](metrics::sample_sink& sink) { sink.add({{"state", std::string{raft::to_string(quorum_.role)}}}, 1); }));
    const auto lately = [this](std::string_view name, std::string_view help, double raft::quorum_figures::*which) {
        gauge("kafka_server_raft_metrics_" + std::string{name}, help, {}, [this, which] { return elections_.*which; });
    };
    lately("commit_latency_avg", "Milliseconds from a proposal until it was committed, in the last minute; 0: none was.", &raft::quorum_figures::commit_average);
    lately("commit_latency_max", "The most of them.", &raft::quorum_figures::commit_max);
    lately("election_latency_avg", "Milliseconds without a leader until one was there, in the last minute; 0: there was none missing.", &raft::quorum_figures::election_average);
    lately("election_latency_max", "The most of them.", &raft::quorum_figures::election_max);
    lately("append_records_rate", "Records of metadata that this node wrote as the leader, a second, in the last minute.", &raft::quorum_figures::appended);
    gauge("kafka_controller_kafkacontroller_lastcommittedrecordoffset", "Offset of the newest metadata record that is committed.", {},
          [this] { return static_cast<double>(quorum_.high_watermark - 1); });
}

double scrape::idle_share() const {
    const auto passed = (now_.at - before_.at) * static_cast<std::int64_t>(parts_.world.cores.size());
    if (before_.at == time_point{} || passed <= nanoseconds{0}) return 1;
    return std::clamp(static_cast<double>((now_.slept - before_.slept).count()) / static_cast<double>(passed.count()), 0.0, 1.0);
}

void scrape::show_process() {
    if (parts_.world.slept) {
        // The same threads do what Kafka's handlers and its network threads do.
        for (const auto* name : {"kafka_server_kafkarequesthandlerpool_requesthandleravgidlepercent", "kafka_network_socketserver_networkprocessoravgidlepercent"})
            gauge(name, "Share of the time that the event loops slept since the last scrape, 0 to 1.", {}, [this] { return idle_share(); });
        shown_.push_back(parts_.metrics.collect("weir_event_loop_sleep_seconds_total", "Seconds an event loop has slept.", metrics::series_type::counter, [this](metrics::sample_sink& sink) {
            for (std::size_t core = 0; core < parts_.world.cores.size(); ++core)
                sink.add({{"loop", std::to_string(core)}}, std::chrono::duration<double>(parts_.world.slept(core)).count());
        }));
    }
    if (!parts_.world.usage) return;
    shown_.push_back(parts_.metrics.collect("process_cpu_seconds_total", "Seconds of CPU that the process has used.", metrics::series_type::counter,
                                            [this](metrics::sample_sink& sink) { sink.add({}, std::chrono::duration<double>(parts_.world.usage().cpu).count()); }));
    const auto figure = [this](std::string_view name, std::string_view help, std::uint64_t process_usage::*which) {
        gauge(name, help, {}, [this, which] { return static_cast<double>(parts_.world.usage().*which); });
    };
    figure("process_resident_memory_bytes", "Memory of the process.", &process_usage::resident_bytes);
    figure("process_open_fds", "Open files and sockets of the process.", &process_usage::open_files);
    figure("process_max_fds", "Files and sockets that the process may open.", &process_usage::max_files);
}

}  // namespace weir::broker
