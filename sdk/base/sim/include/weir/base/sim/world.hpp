// A handful of machines, their disks and the network between them, in one thread and virtual time, from one seed.
//
//     sim::world world{seed};
//     const auto a = world.add_node("a"), b = world.add_node("b");
//     start_program(world.loop(a), world.net(a), world.disk(a));   // the same code that runs on real machines
//     world.run_for(10s);                                          // takes milliseconds
//     world.cut(a, b);
//     world.crash(b);                                              // its disk loses or tears what was not synced
//     CHECK(world.run_until([&] { return recovered(); }, 60s));
//
// Time jumps from event to event. What could happen at one instant happens in an order drawn from the seed; the same
// seed and the same calls give the same run, event by event.
#pragma once
#include <weir/base/network.hpp>
#include <weir/base/random.hpp>
#include <weir/base/sim/link.hpp>
#include <weir/base/sim/memory_files.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace weir::sim {

enum class node_id : std::uint32_t {};

/// Single-threaded. It outlives what runs in it; drop the programs, then the world.
class world {
public:
    struct impl;  // for the simulation's own files
    explicit world(std::uint64_t seed);
    ~world();
    world(const world&) = delete;
    world& operator=(const world&) = delete;

    /// A machine that is up and known to the others as `host`; "localhost" is each one's own name for itself.
    node_id add_node(std::string host, int loops = 1);

    /// The loop and network of the node's present life: ask again after a crash or restart. Those of an earlier life take
    /// no more steps: what is posted there is dropped.
    event_loop& loop(node_id node, int index = 0);
    network& net(node_id node);
    /// The same disk in every life.
    memory_files& disk(node_id node);
    random_source& random() noexcept;
    std::uint64_t seed() const noexcept;

    // --- time ---
    time_point now() const noexcept;
    /// Runs the next event, wherever it is; false when nothing will ever happen again.
    bool step();
    /// Whether an event is being run right now.
    bool inside_step() const noexcept;
    void run_for(nanoseconds span);
    /// Runs until `reached` says yes, asked after every event; false when `limit` passed or nothing is left to happen.
    bool run_until(function<bool()> reached, nanoseconds limit);
    /// Called after every event: the place to check invariants.
    void after_each_event(function<void()> check);
    /// Runs `action` at that time, between the events of the machines: scripted misfortune.
    void at(time_point when, function<void()> action);
    std::uint64_t events() const noexcept;  ///< so far

    // --- network ---
    void set_links(const link_config& all);
    void set_link(node_id from, node_id to, const link_config& one_way);
    /// Nothing passes from `from` to `to`, in that direction alone. Connections stall, and break when it lasts.
    void cut(node_id from, node_id to);
    void cut_both(node_id one, node_id other);
    /// Cuts a node off from all others, both ways.
    void isolate(node_id node);
    void heal(node_id from, node_id to);
    void heal_all();

    // --- machines ---
    /// A power cut: its steps vanish, its disk loses what was not synced. Peers find out by a reset or only by silence.
    void crash(node_id node, unsynced what = unsynced::at_random);
    /// All of them at the same instant.
    void power_cut(std::span<const node_id> nodes, unsynced what = unsynced::at_random);
    /// The process dies, the machine goes on: its steps vanish, peers see resets, the disk keeps what was written.
    void kill(node_id node);
    /// A new life on the surviving disk: fresh loops and network; start the program again.
    void restart(node_id node);
    bool is_up(node_id node) const;
    /// The process stands still for that long, as under a debugger or a stopped virtual machine.
    void pause(node_id node, nanoseconds span);
    /// Sets one machine's wall clock apart from the others'.
    void jump_wall(node_id node, milliseconds by);

private:
    std::unique_ptr<impl> impl_;
};

}  // namespace weir::sim
