// The parts of a simulated world that its network and its machines share.
#pragma once
#include <weir/base/detail/timer_queue.hpp>
#include <weir/base/sim/posted_doorbell.hpp>
#include <weir/base/sim/step_queue.hpp>
#include <weir/base/sim/world.hpp>

#include <map>
#include <set>
#include <utility>
#include <vector>

namespace weir::sim {

class socket_end;
class sim_network;
struct machine;

/// A loop of one life of a machine. Once that life is over it takes nothing and runs nothing.
class sim_loop final : public event_loop {
public:
    sim_loop(world::impl& all, machine& home) : all_(all), home_(home) {}
    time_point now() const noexcept override;
    timestamp_ms wall_now() const noexcept override;
    void post(function<void()> step) override;
    std::unique_ptr<doorbell> hang_doorbell(function<void()> step) override { return std::make_unique<posted_doorbell>(*this, std::move(step)); }
    timer_id call_at(time_point when, function<void()> step) override;
    void cancel(timer_id timer) noexcept override { queue_.cancel(timer); }
    void defer_to_turn_end(function<void()> step) override;
    bool running_here() const noexcept override;

    bool alive() const noexcept { return alive_; }
    void end_life() noexcept;
    machine& home() const noexcept { return home_; }
    step_queue& queue() noexcept { return queue_; }

private:
    world::impl& all_;
    machine& home_;
    step_queue queue_;
    bool alive_ = true;
};

/// One life of a machine: from start or restart to crash or kill.
struct life {
    std::vector<std::unique_ptr<sim_loop>> loops;
    std::unique_ptr<sim_network> net;
    std::vector<std::weak_ptr<socket_end>> sockets;
    std::size_t live_at_sweep = 0;
    bool alive = true;
};

struct machine {
    machine(node_id id, std::string host, int loops, std::uint64_t disk_seed)
        : id(id), host(std::move(host)), loop_count(loops), disk(disk_seed) {}
    node_id id;
    std::string host;
    int loop_count;
    memory_files disk;
    // Earlier lives stay: what belonged to them may be dropped late.
    std::vector<std::unique_ptr<life>> lives;
    bool powered = true;  ///< off after a crash: not even a refusal comes back
    time_point paused_until{};
    milliseconds wall_offset{0};
    std::uint16_t next_port = 40'000;
    life& present() { return *lives.back(); }
};

struct world::impl {
    explicit impl(std::uint64_t seed) : seed(seed), random(seed) {}
    ~impl();

    machine& at(node_id node) { return *machines.at(static_cast<std::size_t>(node)); }
    machine* by_host(const std::string& host, machine& asking);
    const link_config& link(node_id from, node_id to) const;
    bool is_cut(node_id from, node_id to) const { return cuts.contains({from, to}); }
    nanoseconds draw_delay(const link_config& link);
    void begin_life(machine& where);
    /// Drops all that waits or runs there; peers hear a reset where `tell` says so.
    void end_life(machine& where, function<bool()> tell);
    std::optional<time_point> next_time();
    bool step_before(time_point limit);

    std::uint64_t seed;
    random_source random;
    time_point now{std::chrono::hours{1}};
    std::vector<std::unique_ptr<machine>> machines;
    weir::detail::timer_queue happenings;  // arrivals of segments, scripted events
    link_config default_link;
    std::map<std::pair<node_id, node_id>, link_config> links;
    std::set<std::pair<node_id, node_id>> cuts;
    function<void()> check;
    const sim_loop* running = nullptr;
    bool inside = false;
    std::uint64_t events = 0;
};

/// The network as one life of a machine sees it.
class sim_network final : public network {
public:
    struct open_port {
        sim_loop* loop;
        function<event_loop&()> pick_loop;
        std::shared_ptr<function<void(std::unique_ptr<stream>)>> accepted;
    };
    sim_network(world::impl& all, machine& home, life& mine) : all_(all), home_(home), mine_(mine) {}
    void connect(event_loop& loop, const endpoint& to, const socket_options& options, nanoseconds timeout,
                 function<void(result<std::unique_ptr<stream>>)> done) override;
    result<std::unique_ptr<listener>> listen(event_loop& loop, const endpoint& on, const socket_options& options,
                                             function<event_loop&()> pick_loop,
                                             function<void(std::unique_ptr<stream>)> accepted) override;
    std::map<std::uint16_t, std::shared_ptr<open_port>>& ports() noexcept { return ports_; }

private:
    world::impl& all_;
    machine& home_;
    life& mine_;
    std::map<std::uint16_t, std::shared_ptr<open_port>> ports_;
};

/// Ends the connections of a life that is over: pending callbacks are dropped, and peers hear a reset where `tell` says.
void abandon_sockets(world::impl& all, life& ended, function<bool()> tell);

}  // namespace weir::sim
