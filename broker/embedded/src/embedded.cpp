#include <weir/broker/embedded.hpp>

#include "fault_script.hpp"
#include "node_network.hpp"
#include "node_setup.hpp"

#include <weir/base/asio_runtime.hpp>
#include <weir/base/posix_files.hpp>
#include <weir/base/random.hpp>
#include <weir/broker/broker_node.hpp>

#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <future>
#include <mutex>

namespace weir::broker {
namespace {

constexpr std::uint16_t inside_port = 9092;
const endpoint inside_address{inside_host, inside_port};

/// sendfile() to a peer that has gone raises SIGPIPE, which is not for a library to ignore in the whole process. Threads
/// inherit what is blocked here.
class without_sigpipe {
public:
    without_sigpipe() {
        sigset_t pipe;
        sigemptyset(&pipe);
        sigaddset(&pipe, SIGPIPE);
        pthread_sigmask(SIG_BLOCK, &pipe, &before_);
    }
    ~without_sigpipe() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    without_sigpipe(const without_sigpipe&) = delete;
    without_sigpipe& operator=(const without_sigpipe&) = delete;

private:
    sigset_t before_{};
};

std::string temporary_name(random_source& random) {
    const char* base = std::getenv("TMPDIR");
    return std::string{base && *base ? base : "/tmp"} + "/weir-embedded-" + std::to_string(random()) + std::to_string(random());
}

[[noreturn]] void refuse(std::string why) { throw exception{error{errc::invalid_setting, std::move(why)}}; }

/// One life of the node, from a start to the next stop. Members go in the reverse order, with the threads at rest.
struct node_life {
    node_life(int loops, sim::memory_files* memory, local_network& inside, const broker_config& config, std::uint64_t seed,
              server::request_faults* faults, function<void(const error&)> failed)
        : threads(loops), disk(memory ? nullptr : make_posix_files()), inside(inside), net(threads.net(), inside, cores()),
          node(config, world(memory, seed, faults), std::move(failed)) {}
    ~node_life() {
        threads.stop();
        threads.join();
        for (const auto* core : cores()) inside.forget(*core);
    }
    std::vector<event_loop*> cores() {
        std::vector<event_loop*> all;
        for (int i = 0; i < threads.size(); ++i) all.push_back(&threads.loop(i));
        return all;
    }
    environment world(sim::memory_files* memory, std::uint64_t seed, server::request_faults* faults) {
        file_system& files = memory ? static_cast<file_system&>(*memory) : *disk;
        return {cores(), net, files, seed, "localhost", faults};
    }

    runtime threads;
    std::unique_ptr<file_system> disk;
    local_network& inside;
    node_network net;
    broker_node node;
};

task<void> start_node(node_life& life, std::vector<embedded_topic> topics, std::promise<result<void>>& outcome) {
    auto starting = life.node.start();
    auto started = co_await starting;
    if (started) {
        auto creating = create_topics(life.threads.loop(0), life.inside, inside_address, std::move(topics));
        started = co_await creating;
    }
    outcome.set_value(std::move(started));
}

task<void> stop_node(broker_node& node, std::promise<result<void>>& outcome) {
    auto stopping = node.stop();
    auto stopped = co_await stopping;
    outcome.set_value(std::move(stopped));
}

}  // namespace

struct embedded::state {
    embedded_config config;
    random_source random = random_source::from_system();
    std::shared_ptr<local_network> inside = std::make_shared<local_network>();
    std::unique_ptr<sim::memory_files> memory;
    std::string directory = "/data";
    std::uint16_t port = 0;  // of the socket; chosen by the first start
    std::string cluster_id;
    mutable std::mutex turn;  // one start, stop or fault at a time
    std::unique_ptr<node_life> life;
    bool is_cut = false;
    mutable std::mutex failure_mutex;
    error failure;

    explicit state(embedded_config given) : config(std::move(given)) {
        if (!config.directory.empty()) directory = config.directory;
        else if (config.on_disk) directory = temporary_name(random);
        else memory = std::make_unique<sim::memory_files>(random());
    }
    result<broker_config> settings() const {
        std::string listeners = "INSIDE://" + to_string(inside_address);
        if (config.sockets) listeners += ",PLAINTEXT://127.0.0.1:" + std::to_string(port);
        return node_settings(config.nodes, {{"log.dirs", directory}, {"listeners", listeners}, {"listener.security.protocol.map", "INSIDE:PLAINTEXT,PLAINTEXT:PLAINTEXT"}}, config.extra);
    }
    void start(fault_script& faults);
    /// What kept a clean end from being one; the node is down in any case.
    result<void> end(bool cleanly, function<void()> to_disk);
    void remove_temporary() const {
        if (!memory && config.directory.empty()) static_cast<void>(make_posix_files()->remove_all(directory));
    }
    sim::memory_files& disk_in_memory() const {
        if (!memory) refuse("only a node in memory has a disk that can fail; leave out on_disk and directory");
        return *memory;
    }
    /// On the thread that uses the disk, and done when it returns.
    void change_disk(function<void(sim::memory_files&)> change);
};

void embedded::state::start(fault_script& faults) {
    auto parsed = settings();
    if (!parsed) throw exception{parsed.error()};
    const auto loops = std::max(1, parsed->node.event_loops);
    if (memory && loops > 1) refuse("event.loops=" + std::to_string(loops) + ": a node in memory has one; more are possible on disk");
    {
        const std::lock_guard held{failure_mutex};
        failure = {};
    }
    std::unique_ptr<node_life> made;
    {
        const without_sigpipe here;
        made = std::make_unique<node_life>(loops, memory.get(), *inside, *parsed, random(), &faults, [this](const error& why) {
            const std::lock_guard held{failure_mutex};
            failure = why;
        });
        if (is_cut) made->net.cut();
        made->threads.start();
    }
    std::promise<result<void>> outcome;
    made->threads.loop(0).post([&] { spawn(start_node(*made, config.topics, outcome)); });
    if (const auto started = outcome.get_future().get(); !started) {
        const std::lock_guard held{failure_mutex};
        throw exception{failure ? failure : started.error()};
    }
    for (const auto& each : made->node.listeners())
        if (each.listener == "PLAINTEXT") port = each.bound.port;
    cluster_id = made->node.cluster_id();
    config.topics.clear();  // what is deleted later stays deleted
    life = std::move(made);
}

result<void> embedded::state::end(bool cleanly, function<void()> to_disk) {
    if (!life) return {};
    result<void> ended;
    bool failed = false;
    {
        const std::lock_guard held{failure_mutex};
        failed = static_cast<bool>(failure);
    }
    if (cleanly && !failed) {
        std::promise<result<void>> outcome;
        life->threads.loop(0).post([&] { spawn(stop_node(life->node, outcome)); });
        ended = outcome.get_future().get();
    }
    life->threads.stop();
    life->threads.join();
    if (to_disk) to_disk();
    life.reset();
    return ended;
}

void embedded::state::change_disk(function<void(sim::memory_files&)> change) {
    auto& disk = disk_in_memory();
    if (!life) return change(disk);
    std::promise<void> done;
    life->threads.loop(0).post([&] {
        change(disk);
        done.set_value();
    });
    done.get_future().wait();
}

embedded::embedded(embedded_config config) : state_(std::make_unique<state>(std::move(config))) {
    try {
        state_->start(script());
    } catch (...) {
        state_->remove_temporary();
        throw;
    }
}

embedded::~embedded() {
    const std::lock_guard held{state_->turn};
    static_cast<void>(state_->end(true, nullptr));
    state_->remove_temporary();
}

std::string embedded::bootstrap() const {
    if (!state_->config.sockets) refuse("sockets=false: there is no address; use weir::client{cluster}");
    return "127.0.0.1:" + std::to_string(state_->port);
}

net::in_process_access embedded::access() const { return {to_string(inside_address), state_->inside, nullptr, nullptr, 0}; }
const std::string& embedded::cluster_id() const { return state_->cluster_id; }

void embedded::stop(int node) {
    check_node(node);
    const std::lock_guard held{state_->turn};
    *state_->end(true, nullptr);
}

void embedded::start(int node) {
    check_node(node);
    const std::lock_guard held{state_->turn};
    if (!state_->life) state_->start(script());
}

void embedded::kill(int node) {
    check_node(node);
    const std::lock_guard held{state_->turn};
    static_cast<void>(state_->end(false, [this] {
        if (state_->memory) state_->memory->kill_process();
    }));
}

void embedded::crash(int node, sim::unsynced what) {
    check_node(node);
    const std::lock_guard held{state_->turn};
    auto& disk = state_->disk_in_memory();
    static_cast<void>(state_->end(false, [&] { disk.crash(what); }));
}

bool embedded::running(int node) const {
    check_node(node);
    const std::lock_guard held{state_->turn};
    return state_->life != nullptr;
}

error embedded::failure(int node) const {
    check_node(node);
    const std::lock_guard held{state_->failure_mutex};
    return state_->failure;
}

void embedded::cut() {
    const std::lock_guard held{state_->turn};
    state_->is_cut = true;
    if (state_->life) state_->life->net.cut();
}

void embedded::heal() {
    const std::lock_guard held{state_->turn};
    state_->is_cut = false;
    if (state_->life) state_->life->net.heal();
}

void embedded::fail_disk(sim::disk_fault fault) {
    const std::lock_guard held{state_->turn};
    state_->change_disk([&](sim::memory_files& disk) { disk.inject(std::move(fault)); });
}

void embedded::limit_disk(std::uint64_t bytes) {
    const std::lock_guard held{state_->turn};
    state_->change_disk([&](sim::memory_files& disk) { disk.set_capacity(bytes); });
}

void embedded::heal_disk() {
    const std::lock_guard held{state_->turn};
    state_->change_disk([](sim::memory_files& disk) {
        disk.clear_faults();
        disk.set_capacity(sim::memory_files::no_limit);
    });
}

}  // namespace weir::broker
