#include <weir/broker/simulated.hpp>

#include "fault_script.hpp"
#include "node_setup.hpp"

#include <weir/base/sim/world.hpp>
#include <weir/broker/broker_node.hpp>

#include <optional>

namespace weir::broker {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t port = 9092;
// More than any start, stop or recovery takes.
constexpr nanoseconds patience = 10min;

/// What clients hold on to, whichever of both ends first.
struct simulation final : net::virtual_time {
    explicit simulation(std::uint64_t seed) : world(seed) {}
    bool inside_step() const noexcept override { return world.inside_step(); }
    bool run_until(function<bool()> reached, nanoseconds limit) override { return world.run_until(std::move(reached), limit); }
    sim::world world;
};

/// A machine that clients live on.
class client_machine final : public net::in_process_cluster {
public:
    client_machine(std::shared_ptr<simulation> all, const std::string& name) : all_(std::move(all)), id_(all_->world.add_node(name)) {}
    net::in_process_access access() const override {
        auto& world = all_->world;
        return {"broker:" + std::to_string(port), std::shared_ptr<network>{all_, &world.net(id_)}, &world.loop(id_), all_.get(), world.random()()};
    }
    sim::node_id id() const noexcept { return id_; }

private:
    std::shared_ptr<simulation> all_;
    sim::node_id id_;
};

task<void> start_node(broker_node& node, event_loop& loop, network& net, std::vector<embedded_topic> topics, std::optional<result<void>>& outcome) {
    auto starting = node.start();
    auto started = co_await starting;
    if (started) {
        endpoint here{"localhost", port};
        auto creating = create_topics(loop, net, std::move(here), std::move(topics));
        started = co_await creating;
    }
    outcome = std::move(started);
}

task<void> stop_node(broker_node& node, std::optional<result<void>>& outcome) {
    auto stopping = node.stop();
    auto stopped = co_await stopping;
    outcome = std::move(stopped);
}

}  // namespace

struct simulated::state {
    simulated_config config;
    std::shared_ptr<simulation> all;
    sim::node_id machine;
    std::map<std::string, std::unique_ptr<client_machine>> clients;
    std::unique_ptr<broker_node> node;
    error failure;
    bool is_cut = false;

    explicit state(simulated_config given)
        : config(std::move(given)), all(std::make_shared<simulation>(config.seed)), machine(all->world.add_node("broker")) {}

    sim::world& world() const noexcept { return all->world; }
    const client_machine& client(const std::string& name) {
        auto& known = clients[name];
        if (known) return *known;
        known = std::make_unique<client_machine>(all, name);
        if (is_cut) world().cut_both(machine, known->id());
        return *known;
    }
    void start(fault_script& faults);
    /// What kept it from being a clean end; the node is down in any case.
    result<void> stop();
};

void simulated::state::start(fault_script& faults) {
    if (node) return;
    auto parsed = node_settings(config.nodes, {{"log.dirs", "/data"}, {"listeners", "PLAINTEXT://broker:" + std::to_string(port)}}, config.extra);
    if (!parsed) throw exception{parsed.error()};
    if (parsed->node.event_loops > 1) throw exception{error{errc::invalid_setting, "event.loops=" + std::to_string(parsed->node.event_loops) + ": the simulated machine has one"}};
    failure = {};
    if (!world().is_up(machine)) world().restart(machine);
    auto& loop = world().loop(machine);
    environment in{{&loop}, world().net(machine), world().disk(machine), world().random()(), "broker", &faults};
    node = std::make_unique<broker_node>(*std::move(parsed), std::move(in), [this](const error& why) { failure = why; });
    std::optional<result<void>> outcome;
    loop.post([&] { spawn(start_node(*node, loop, world().net(machine), config.topics, outcome)); });
    static_cast<void>(world().run_until([&] { return outcome.has_value(); }, patience));
    if (outcome && *outcome) {
        config.topics.clear();  // what is deleted later stays deleted
        return;
    }
    const auto why = failure   ? failure
                     : outcome ? outcome->error()
                               : error{errc::timed_out, "the node did not start within 10 minutes of virtual time"};
    world().kill(machine);
    node.reset();
    throw exception{why};
}

result<void> simulated::state::stop() {
    std::optional<result<void>> outcome{std::in_place};
    if (!failure) {
        outcome.reset();
        world().loop(machine).post([&] { spawn(stop_node(*node, outcome)); });
        static_cast<void>(world().run_until([&] { return outcome.has_value(); }, patience));
    }
    world().kill(machine);
    node.reset();
    return outcome ? *std::move(outcome)
                   : error{errc::timed_out, "the node did not stop within 10 minutes of virtual time"};
}

simulated::simulated(simulated_config config) : state_(std::make_unique<state>(std::move(config))) {
    state_->client("client");
    state_->start(script());
}

simulated::~simulated() {
    if (state_->node) static_cast<void>(state_->stop());
}

std::uint64_t simulated::seed() const noexcept { return state_->config.seed; }
net::in_process_access simulated::access() const { return state_->client("client").access(); }
const net::in_process_cluster& simulated::from(const std::string& machine) { return state_->client(machine); }

void simulated::advance(nanoseconds by) { state_->world().run_for(by); }
bool simulated::run_until(function<bool()> reached, nanoseconds limit) { return state_->world().run_until(std::move(reached), limit); }
time_point simulated::now() const noexcept { return state_->world().now(); }
timestamp_ms simulated::wall_now() const noexcept { return state_->world().loop(state_->machine).wall_now(); }

void simulated::stop(int node) {
    check_node(node);
    if (state_->node) *state_->stop();
}

void simulated::start(int node) {
    check_node(node);
    state_->start(script());
}

void simulated::kill(int node) {
    check_node(node);
    if (!state_->node) return;
    state_->world().kill(state_->machine);
    state_->node.reset();
}

void simulated::crash(int node, sim::unsynced what) {
    check_node(node);
    if (!state_->node) return;
    state_->world().crash(state_->machine, what);
    state_->node.reset();
}

bool simulated::running(int node) const {
    check_node(node);
    return state_->node != nullptr;
}

error simulated::failure(int node) const {
    check_node(node);
    return state_->failure;
}

void simulated::cut() {
    state_->is_cut = true;
    for (const auto& [name, each] : state_->clients) state_->world().cut_both(state_->machine, each->id());
}

void simulated::cut(const std::string& machine) {
    const auto found = state_->clients.find(machine);
    if (found == state_->clients.end()) throw exception{error{errc::invalid_setting, "machine '" + machine + "': no client was made from it"}};
    state_->world().cut_both(state_->machine, found->second->id());
}

void simulated::heal() {
    state_->is_cut = false;
    state_->world().heal_all();
}

void simulated::fail_disk(sim::disk_fault fault) { state_->world().disk(state_->machine).inject(std::move(fault)); }
void simulated::limit_disk(std::uint64_t bytes) { state_->world().disk(state_->machine).set_capacity(bytes); }
void simulated::heal_disk() {
    auto& disk = state_->world().disk(state_->machine);
    disk.clear_faults();
    disk.set_capacity(sim::memory_files::no_limit);
}

sim::world& simulated::world() noexcept { return state_->world(); }

}  // namespace weir::broker
