// Weir's broker on a simulated machine: virtual time, one thread, and the same run from the same seed.
//
//     weir::broker::simulated cluster{{.seed = 7, .topics = {{.name = "orders"}}}};
//     weir::client kafka{cluster};
//     weir::producer out{kafka};
//     auto sent = out.send(orders, "o-1", order);
//     cluster.crash();                                           // its disk loses or tears what was not flushed
//     cluster.start();
//     CHECK(sent.get());                                         // waiting is what makes time pass
#pragma once
#include <weir/base/error.hpp>
#include <weir/base/function.hpp>
#include <weir/base/sim/memory_files.hpp>
#include <weir/broker/embedded_topic.hpp>
#include <weir/broker/scripted_faults.hpp>
#include <weir/net/in_process.hpp>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace weir::sim {
class world;
}

namespace weir::broker {

struct simulated_config {
    std::uint64_t seed = 1;                     ///< of everything that is left to chance
    int nodes = 1;                              ///< this broker is a single node: others are refused
    std::vector<embedded_topic> topics{};       ///< created before the constructor returns
    std::map<std::string, std::string> extra{}; ///< further settings of server.properties, by Kafka's names
};

/// The broker and its clients are machines of their own, with a network between them that delays, and on demand cuts or
/// loses. Time stands still until somebody waits: in advance(), in run_until(), or in the get() of an op, which take
/// milliseconds where hours pass. Single-threaded: everything happens inside those calls, in an order drawn from the seed.
/// Clients may outlive it. What may fail throws weir::exception.
class simulated final : public net::in_process_cluster, public scripted_faults {
public:
    explicit simulated(simulated_config config = simulated_config{});
    ~simulated();

    std::uint64_t seed() const noexcept;
    /// What a client that is made of the cluster itself gets: the machine "client".
    net::in_process_access access() const override;
    /// weir::client{cluster.from("laptop")}: a client on another machine, which can be cut off alone.
    const net::in_process_cluster& from(const std::string& machine);

    // --- time ---
    void advance(nanoseconds by);
    /// Until `reached` says yes, asked after each event; false when `limit` passed before.
    bool run_until(function<bool()> reached, nanoseconds limit);
    time_point now() const noexcept;
    timestamp_ms wall_now() const noexcept;

    // --- the node ---
    /// A clean shutdown. Harmless when it is stopped. Throws when a disk that failed on the way kept it from being clean, and
    /// says which directory; the node is stopped all the same.
    void stop(int node = 0);
    /// On what the last life left. Harmless when it runs.
    void start(int node = 0);
    /// The process dies: its connections are reset, what was written is there at the next start().
    void kill(int node = 0);
    /// A power cut: what was not flushed is lost, kept or torn, each piece by chance or as `what` says; those who talk to
    /// it hear of it, or nothing at all.
    void crash(int node = 0, sim::unsynced what = sim::unsynced::at_random);
    bool running(int node = 0) const;
    /// Why the node gave up by itself (its disk failed); no error while it is well.
    error failure(int node = 0) const;

    // --- the network ---
    /// Nothing passes between the node and any client, or the clients of one machine: connections stall, and break when it
    /// lasts. Until heal(), which heals all.
    void cut();
    void cut(const std::string& machine);
    void heal();

    // --- the disk ---
    /// Operations that will fail, as sim::memory_files says it.
    void fail_disk(sim::disk_fault fault);
    /// Bytes the disk has from now on: writes that need more fail with errc::no_space.
    void limit_disk(std::uint64_t bytes);
    /// No fault, no limit any more. A partition that lost its disk comes back with the next start().
    void heal_disk();

    /// For what this class does not offer: links with losses, pauses, clocks that jump (<weir/base/sim/world.hpp>).
    sim::world& world() noexcept;

private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace weir::broker
