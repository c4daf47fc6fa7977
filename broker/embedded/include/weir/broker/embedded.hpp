// Weir's broker as an object in a program: the code of weir-broker itself, in real time, over real sockets or none.
//
//     weir::broker::embedded cluster{{.topics = {{.name = "orders"}}}};
//     weir::client kafka{cluster.bootstrap()};                   // real sockets; weir::client{cluster} needs none
//
// <weir/broker/simulated.hpp> is the same in virtual time, single-threaded and from a seed.
#pragma once
#include <weir/base/error.hpp>
#include <weir/base/sim/memory_files.hpp>
#include <weir/broker/embedded_topic.hpp>
#include <weir/broker/scripted_faults.hpp>
#include <weir/net/in_process.hpp>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace weir::broker {

struct embedded_config {
    int nodes = 1;                              ///< this broker is a single node: others are refused
    bool sockets = true;                        ///< listen on a free port of 127.0.0.1; false: for weir::client{cluster} alone
    bool on_disk = false;                       ///< in a temporary directory that goes with the object, instead of in memory
    std::string directory{};                    ///< on disk, in this directory, which stays and is found again
    std::vector<embedded_topic> topics{};       ///< created before the constructor returns, unless they are there
    std::map<std::string, std::string> extra{}; ///< further settings of server.properties, by Kafka's names
};

/// One thread serves (`event.loops` more of them, on disk). In memory nothing is ever written anywhere. Thread-safe; what may
/// fail throws weir::exception. Clients may outlive it: they find that nobody answers.
class embedded final : public net::in_process_cluster, public scripted_faults {
public:
    /// Serves when it returns. Throws weir::exception: errc::invalid_setting for a configuration that cannot be, and
    /// whatever keeps the node from starting or a topic from being created.
    explicit embedded(embedded_config config = embedded_config{});
    ~embedded();

    /// "127.0.0.1:port"; the same after every start. Throws when there are no sockets.
    std::string bootstrap() const;
    net::in_process_access access() const override;
    const std::string& cluster_id() const;

    // --- the node ---
    /// A clean shutdown. Harmless when it is stopped. Throws when a disk that failed on the way kept it from being clean, and
    /// says which directory; the node is stopped all the same.
    void stop(int node = 0);
    /// On what the last life left, at the same addresses. Harmless when it runs.
    void start(int node = 0);
    /// The process dies: requests are dropped half done, what was written is there at the next start().
    void kill(int node = 0);
    /// A power cut, in memory only: what was not flushed is lost, kept or torn, each piece by chance or as `what` says.
    void crash(int node = 0, sim::unsynced what = sim::unsynced::at_random);
    bool running(int node = 0) const;
    /// Why the node gave up by itself (its disk failed); no error while it is well.
    error failure(int node = 0) const;

    // --- the network ---
    /// Ends every connection, and each new one as it comes, until heal().
    void cut();
    void heal();

    // --- the disk, in memory only ---
    /// Operations that will fail, as sim::memory_files says it.
    void fail_disk(sim::disk_fault fault);
    /// Bytes the disk has from now on: writes that need more fail with errc::no_space.
    void limit_disk(std::uint64_t bytes);
    /// No fault, no limit any more. A partition that lost its disk comes back with the next start().
    void heal_disk();

private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace weir::broker
