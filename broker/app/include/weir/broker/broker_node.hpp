// One broker with its controller: everything put together, started and stopped.
#pragma once
#include <weir/base/files.hpp>
#include <weir/base/network.hpp>
#include <weir/base/process.hpp>
#include <weir/base/task.hpp>
#include <weir/broker/broker_config.hpp>

#include <memory>
#include <vector>

namespace weir::server {
class request_faults;
}

namespace weir::broker {

/// The world a broker runs in: the real one in the program, a simulated one in tests.
struct environment {
    std::vector<event_loop*> cores;  ///< at least one; the first also runs the controller
    network& net;
    file_system& files;
    std::uint64_t seed = 0;          ///< of ids and jitter
    std::string host_name = "localhost";  ///< told to clients of listeners that name no address
    server::request_faults* faults = nullptr;  ///< what tests let happen to requests
    // For /metrics; empty ones are not shown.
    function<process_usage()> usage;
    function<nanoseconds(std::size_t core)> slept;  ///< how long a core's loop has slept since it began
};

/// Made, started and stopped on the first core's loop, and destroyed when the loops have ended.
class broker_node {
public:
    /// `failed` runs once when the broker cannot go on (the log directory of its metadata, or every one, has failed): end
    /// the process.
    broker_node(broker_config config, environment world, function<void(const error&)> failed);
    ~broker_node();

    /// Formats directories that are empty, recovers, registers, opens the listeners; serves when it completes.
    /// errc::in_use: another process owns the directory. errc::invalid_setting and others name what is wrong; a
    /// directory that is refused is not touched.
    task<result<void>> start();
    /// Clean shutdown: nothing has to be recovered at the next start. An error names the directory whose disk kept it from
    /// being one; the node is down all the same.
    task<result<void>> stop();

    struct address {
        std::string listener;
        endpoint bound;
        endpoint advertised;
    };
    /// With the real ports; after start().
    std::vector<address> listeners() const;
    const std::string& cluster_id() const noexcept;

private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace weir::broker
