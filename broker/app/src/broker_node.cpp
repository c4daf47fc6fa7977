#include <weir/broker/broker_node.hpp>

#include "broker_schema.hpp"
#include "directory_reports.hpp"
#include "group_partitions.hpp"
#include "http_listener.hpp"
#include "log_directories.hpp"
#include "metadata_log.hpp"
#include "metadata_publisher.hpp"
#include "raft_adapters.hpp"
#include "scrape.hpp"

#include <weir/base/log.hpp>
#include <weir/server/client_telemetry.hpp>
#include <weir/server/controller_gateway.hpp>
#include <weir/server/producer_ids.hpp>
#include <weir/server/server.hpp>

#include <algorithm>
#include <map>

namespace weir::broker {
namespace {

log::logger broker_node_logs{"weir.broker"};

// A broker that is its own controller lives and dies with it: no heartbeats, so no session may run out.
constexpr milliseconds endless_session{INT64_MAX / 4'000'000};

metadata::controller_config controller_settings(const broker_config& config, const std::string& cluster_id) {
    metadata::controller_config made;
    made.node_id = config.node.node_id;
    made.cluster_id = cluster_id;
    made.num_partitions = config.server.num_partitions;
    made.default_replication_factor = static_cast<std::int16_t>(config.server.default_replication_factor);
    made.delete_topics = config.server.delete_topic_enable;
    made.broker_session_timeout = endless_session;
    made.supported_features = metadata::supported_features();
    return made;
}

}  // namespace

// Members in the order they are made; they go in the reverse one. Requests go last, when nobody is left that they wait for:
// in a node that was not stopped, groups and controller let them go as they end.
struct broker_node::state {
    broker_config config;
    environment world;
    function<void(const error&)> failed;
    random_source random;
    metrics::registry metrics;
    broker_schema schema{config};
    std::string no_cluster;

    std::unique_ptr<server::services> services;
    std::unique_ptr<server::server> front;
    std::shared_ptr<log_directories> directories;
    std::unique_ptr<replica::replicas> replicas;
    std::unique_ptr<server::metadata_cache> cache;
    std::unique_ptr<group_partitions> partitions;
    std::unique_ptr<coordinator::group_coordinator> groups;
    std::unique_ptr<driver_writer> writer;
    std::unique_ptr<metadata::controller_runtime> controller;
    std::unique_ptr<directory_reports> reports;
    std::unique_ptr<server::controller_gateway> gateway;
    std::unique_ptr<server::producer_ids> ids;
    std::unique_ptr<metadata_publisher> publisher;
    std::unique_ptr<metadata_log> log;
    std::unique_ptr<raft::quorum_driver> driver;
    std::unique_ptr<driver_view> quorum;
    std::unique_ptr<server::client_telemetry> telemetry;
    std::unique_ptr<scrape> numbers;
    std::unique_ptr<http_listener> http;
    std::vector<metrics::registration> gauges;
    std::int64_t broker_epoch = -1;
    error failure;  // of the disk without which there is no broker
    bool serving = false;
    bool stopping = false;
    timer_id maintenance = timer_id::none;
    timer_id checkpoints = timer_id::none;

    state(broker_config given, environment in, function<void(const error&)> on_failure)
        : config(std::move(given)), world(std::move(in)), failed(std::move(on_failure)), random(world.seed) {}

    event_loop& loop() const noexcept { return *world.cores.front(); }
    result<void> put_together();
    void give_up(const error& why);
    task<result<void>> join_cluster();
    std::vector<std::string> troubles() const;
    static task<void> nothing() { co_return; }
    void reconfigure(const running_config& now);
    void look_at_directories();
    void watch();
    void arm_maintenance();
    void arm_checkpoints();
    static task<void> end_checkpoints(state& self);
    static task<void> maintain(state& self);
};

broker_node::broker_node(broker_config config, environment world, function<void(const error&)> failed)
    : state_(new state{std::move(config), std::move(world), std::move(failed)}) {}

broker_node::~broker_node() {
    // In a node that was not stopped: requests that wait for the controller or in a group go on while what they use is there.
    if (state_->controller) state_->controller->on_resign();
    if (state_->groups) state_->groups->abandon();
    if (state_->replicas) state_->replicas->abandon();
}

result<void> broker_node::state::put_together() {
    auto opened = log_directories::open(world.files, loop(), random_source{random()}, config);
    if (!opened) return opened.error();
    directories = *std::move(opened);
    directories->set_copy_rate(config.node.move_bytes_per_second);

    replicas = std::make_unique<replica::replicas>(world.cores, world.files, *directories, config.cleaner);
    cache = std::make_unique<server::metadata_cache>(world.cores);
    partitions = std::make_unique<group_partitions>(config, *replicas, *cache);
    groups = std::make_unique<coordinator::group_coordinator>(config.groups, *partitions, random());
    writer = std::make_unique<driver_writer>();
    controller = std::make_unique<metadata::controller_runtime>(loop(), *writer, schema, controller_settings(config, directories->cluster_id()), random());
    controller->measure(metrics);
    reports = std::make_unique<directory_reports>(config.node.node_id, *directories, *controller);
    directories->watch(
        loop(), {[this] { look_at_directories(); },
                 [this](const replica::partition_id& which) { spawn(reports->assign(publisher->image(), {which})); }});
    gateway = std::make_unique<server::controller_gateway>(loop(), *controller, *cache);
    ids = std::make_unique<server::producer_ids>(loop(), *gateway, config.node.node_id, [this] { return broker_epoch; });
    publisher = std::make_unique<metadata_publisher>(metadata_publisher::parts{
        config, loop(), world.files, *controller, *replicas, *groups, *cache, directories->metadata_directory(),
        [this](metadata::image_ref image, std::vector<replica::partition_id> which) {
            spawn(reports->assign(std::move(image), std::move(which)));
        },
        [this](const running_config& now) { reconfigure(now); },
        [this](const error& why) {
            give_up(error{why.code(), "the metadata in " + directories->metadata_directory() + " cannot be kept", why});
        }});

    metadata_log_options keeping;
    keeping.segment_bytes = config.node.metadata_segment_bytes;
    keeping.segment_ms = config.node.metadata_segment_ms;
    keeping.retention_bytes = config.node.metadata_retention_bytes;
    keeping.retention_ms = config.node.metadata_retention;
    auto metadata = metadata_log::open(world.files, loop(), directories->metadata_directory(), keeping);
    if (!metadata) return metadata.error();
    log = *std::move(metadata);
    raft::driver_options options;
    options.quorum.self = {config.node.node_id, directories->metadata_directory_id()};
    options.quorum.cluster_id = directories->cluster_id();
    // A directory with kraft.version 0, such as Kafka makes for controller.quorum.voters, names no voters in its log.
    if (!config.node.controller_quorum_voters.empty()) options.quorum.static_voters = raft::voter_set{{raft::voter{.key = options.quorum.self}}};
    options.quorum.wall = &loop();
    options.seed = random();
    auto driving = raft::quorum_driver::open(loop(), world.files, *log, nullptr, *publisher, std::move(options));
    if (!driving) return driving.error();
    driver = *std::move(driving);
    writer->use(*driver, *log);
    publisher->use(*driver);
    quorum = std::make_unique<driver_view>(loop(), *driver);

    if (config.server.telemetry_directory) {
        auto keeping_telemetry = server::client_telemetry::open(world.files, *config.server.telemetry_directory, config.server.telemetry_max_bytes);
        if (!keeping_telemetry) return keeping_telemetry.error();
        telemetry = *std::move(keeping_telemetry);
    }
    services.reset(new server::services{{config.node.node_id, directories->cluster_id(), config.node.rack}, config.server, *cache, *replicas, *gateway,
                                        *groups, config.groups, schema, *ids, *quorum, *directories, metrics, telemetry.get(), world.faults});
    front = std::make_unique<server::server>(*services, world.cores, world.net, random());
    const auto& given = config.server;
    const auto protocols = security_protocols(config);
    auto listeners = server::parse_listeners("listeners", given.listeners, protocols);
    if (!listeners) return listeners.error();
    std::vector<server::listener_address> advertised;
    if (given.advertised_listeners) {
        auto told = server::parse_listeners("advertised.listeners", *given.advertised_listeners, protocols);
        if (!told) return told.error();
        advertised = *std::move(told);
    }
    if (auto bound = front->bind(*listeners, advertised, config.node.controller_listener_names, world.host_name); !bound) return bound.error();
    numbers = std::make_unique<scrape>(scrape::parts{loop(), metrics, *replicas, *groups, *front, *cache, *directories, *publisher, *driver, world, config.node.node_id});
    if (config.node.http_listener) {
        http = std::make_unique<http_listener>(loop(), world.net, metrics, [this] { return troubles(); },
                                               [this] { return serving ? numbers->refresh() : nothing(); });
        if (auto open = http->open(*parse_host_and_port(*config.node.http_listener)); !open) return open.error();
    }
    return {};
}

void broker_node::state::give_up(const error& why) {
    serving = false;
    if (failure) return;
    failure = why;
    if (failed) failed(failure);
    controller->on_resign();  // what waits for a commit would wait for ever
}

// The partitions of a directory that failed lose their leader, and the others go on. Without metadata or any directory
// nothing does.
void broker_node::state::look_at_directories() {
    if (stopping) return;
    const auto failures = directories->failures();
    if (const auto metadata = failures.find(directories->metadata_directory()); metadata != failures.end())
        return give_up(error{errc::kafka_storage_error,
                             "log directory " + metadata->first + ", which holds the metadata, has failed",
                             metadata->second});
    if (failures.size() == config.node.directories().size()) {
        std::string all;
        for (const auto& [path, why] : failures) all += (all.empty() ? "" : ", ") + path;
        return give_up(
            error{errc::kafka_storage_error, "every log directory has failed: " + all, failures.begin()->second});
    }
    spawn(reports->tell());
}

// Registers under a new incarnation, says what lies where and asks to be unfenced: from then on partitions may be led here.
task<result<void>> broker_node::state::join_cluster() {
    auto leading = publisher->wait_for_leadership();
    co_await leading;
    if (failure) co_return failure;
    protocol::broker_registration_request request;
    request.broker_id = config.node.node_id;
    request.cluster_id = directories->cluster_id();
    request.incarnation_id = random_uuid(random);
    for (const auto& each : front->listeners()) {
        if (each->for_controllers) continue;
        auto& listener = request.listeners.emplace_back();
        listener.name = each->name;
        listener.host = each->advertised.host;
        listener.port = each->advertised.port;
    }
    for (const auto& [name, range] : metadata::supported_features()) {
        auto& feature = request.features.emplace_back();
        feature.name = name;
        feature.min_supported_version = range.min;
        feature.max_supported_version = range.max;
    }
    request.rack = config.node.rack;
    request.log_dirs = directories->directory_ids();
    // The lock on the directory says that the earlier incarnation is gone.
    if (const auto* before = controller->speculative()->find_broker(config.node.node_id)) request.previous_broker_epoch = before->epoch;
    auto registering = controller->register_broker(std::move(request));
    const auto registered = co_await registering;
    if (!registered) co_return registered.error();
    if (registered->error_code != 0) co_return error{errc_from_wire(registered->error_code), "the controller refused to register this broker"};
    broker_epoch = registered->broker_epoch;
    if (stopping) co_return errc::cancelled;

    if (auto loaded = directories->load(); !loaded) co_return loaded.error();
    reports->use(broker_epoch);
    directories->cordon(config_in_force(config, *publisher->image()).node.cordoned_log_dirs);
    auto assigning = reports->assign_found(publisher->image());
    co_await assigning;
    if (!directories->cordoned_ids().empty() || !directories->failed_ids().empty()) {
        auto telling = reports->tell();
        co_await telling;
    }
    protocol::broker_heartbeat_request alive;
    alive.broker_id = config.node.node_id;
    alive.broker_epoch = broker_epoch;
    alive.current_metadata_offset = INT64_MAX;
    auto asking = controller->broker_heartbeat(std::move(alive));
    const auto heard = co_await asking;
    if (!heard) co_return heard.error();
    if (heard->error_code != 0 || heard->is_fenced)
        co_return error{errc_from_wire(heard->error_code), "the controller did not unfence this broker"};
    co_return result<void>{};
}

void broker_node::state::reconfigure(const running_config& now) {
    front->set_limits(now.server);
    directories->set_copy_rate(now.node.move_bytes_per_second);
    if (directories->cordon(now.node.cordoned_log_dirs)) spawn(reports->tell());
}

task<result<void>> broker_node::start() {
    auto& self = *state_;
    if (auto fine = self.put_together(); !fine) co_return fine.error();
    self.driver->start();
    auto joining = self.join_cluster();
    auto joined = co_await joining;
    if (self.stopping) co_return error{errc::cancelled, "the broker was stopped while it joined its cluster"};
    if (self.failure) co_return self.failure;
    if (!joined) co_return joined.error();
    auto opening = self.publisher->open();
    co_await opening;
    if (self.stopping) co_return error{errc::cancelled, "the broker was stopped while it opened its logs"};
    if (self.failure) co_return self.failure;
    self.directories->set_strays_aside();
    self.watch();
    self.front->open();
    self.serving = true;
    self.arm_maintenance();
    self.arm_checkpoints();
    co_return result<void>{};
}

void broker_node::state::arm_maintenance() {
    maintenance = loop().call_after(config.node.retention_check_interval, [this] {
        maintenance = timer_id::none;
        spawn(maintain(*this));
    });
}

task<void> broker_node::state::maintain(state& self) {
    self.publisher->try_left_out();
    auto round = self.replicas->maintain(self.loop());
    co_await round;
    if (!self.stopping) self.arm_maintenance();
}

// Several syncs for each directory, and whole folders of deleted partitions: nothing that this loop's partitions should wait for.
void broker_node::state::arm_checkpoints() {
    checkpoints = loop().call_after(std::max(config.node.checkpoint_interval, milliseconds{1000}), [this] {
        checkpoints = timer_id::none;
        directories->checkpoint(loop(), [this] {
            if (!stopping) arm_checkpoints();
        });
    });
}

task<void> broker_node::state::end_checkpoints(state& self) {
    self.loop().cancel(std::exchange(self.checkpoints, timer_id::none));
    auto written = completion<bool>([&self](function<void(bool)> done) {
        self.world.files.run_apart([] {}, self.loop(), [done = std::move(done)]() mutable { done(true); });
    });
    co_await written;
}

// A broker whose disk takes nothing answers requests, and does not do its work.
std::vector<std::string> broker_node::state::troubles() const {
    if (!serving) return {stopping ? "stopping" : "not serving"};
    auto told = directories->troubles(static_cast<std::uint64_t>(config.log_defaults.max_message_bytes));
    if (const auto without = replicas->left_out(); !without.empty()) {
        const auto others = without.size() == 1 ? std::string{} : " and " + std::to_string(without.size() - 1) + " more";
        told.push_back("not served, as the log could not be opened: " + without.front() + others + "; tried again every log.retention.check.interval.ms");
    }
    return told;
}

void broker_node::state::watch() {
    gauges.push_back(metrics.gauge_from("kafka_server_kafkaserver_brokerstate", "3: running.", {}, [this] { return serving ? 3.0 : 0.0; }));
    gauges.push_back(metrics.gauge_from("kafka_controller_kafkacontroller_activecontrollercount", "1 when this node is the active controller.", {}, [this] { return controller->active() ? 1.0 : 0.0; }));
}

task<result<void>> broker_node::stop() {
    auto& self = *state_;
    self.serving = false;
    self.stopping = true;
    const auto failed_before = self.directories ? self.directories->failures() : std::map<std::string, error>{};
    self.loop().cancel(std::exchange(self.maintenance, timer_id::none));
    if (self.http) self.http->close();
    if (self.numbers) {
        auto settling = self.numbers->stop();
        co_await settling;
    }
    if (self.front) {
        auto closing = self.front->close();
        co_await closing;
    }
    if (self.directories) self.directories->open_no_more();
    if (self.publisher) {
        auto settling = self.publisher->stop();
        co_await settling;
    }
    if (self.groups) {
        auto stopping = self.groups->stop(self.loop());
        co_await stopping;
    }
    if (self.replicas) {
        auto closing = self.replicas->close(self.loop());
        co_await closing;
        // After the partitions, whose compaction asks for checkpoints, and before the directories are let go.
        auto ending = state::end_checkpoints(self);
        co_await ending;
    }
    if (self.front) {
        // Requests that wait for partitions or groups have been let go above; now those that wait for an image.
        auto releasing = self.cache->release(self.loop());
        co_await releasing;
        auto draining = self.front->drain();
        co_await draining;
    }
    if (self.driver) self.driver->stop();
    auto first = self.failure;
    const auto note = [&first](const result<void>& done, const std::string& what) {
        if (done) return;
        const error why{done.code(), what, done.error()};
        broker_node_logs.error(why.message());
        if (!first) first = why;
    };
    if (self.log) note(self.log->close(), "closing the metadata log in " + self.directories->metadata_directory());
    if (self.directories && self.broker_epoch >= 0) {
        const auto closed = self.directories->close(self.broker_epoch);
        for (const auto& [path, why] : self.directories->failures())
            if (!failed_before.contains(path)) note(why, "log directory " + path + " failed while the broker stopped");
        note(closed, "closing the log directories");
    }
    co_return first ? result<void>{first} : result<void>{};
}

std::vector<broker_node::address> broker_node::listeners() const {
    std::vector<address> list;
    if (!state_->front) return list;
    for (const auto& each : state_->front->listeners()) list.push_back({each->name, each->bound, each->advertised});
    return list;
}

const std::string& broker_node::cluster_id() const noexcept { return state_->directories ? state_->directories->cluster_id() : state_->no_cluster; }

}  // namespace weir::broker
