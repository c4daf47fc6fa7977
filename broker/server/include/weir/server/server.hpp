// The broker's front: listeners, connections, requests.
#pragma once
#include <weir/base/network.hpp>
#include <weir/server/services.hpp>

#include <memory>
#include <vector>

namespace weir::server {

/// Accepts clients and serves them. Made, started and stopped on the first core's loop; connections live on all.
class server {
public:
    /// `cores` in the order of their indexes; `net` gives the sockets. `broker` must outlive the server.
    server(services& broker, std::vector<event_loop*> cores, network& net, std::uint64_t seed);
    ~server();

    /// Binds every listener of `listeners`, so that ports are known and a port that is taken fails the start; nobody is
    /// served yet. A listener on every address is advertised as `host_name` unless `advertised` has it. errc::in_use and others name the listener.
    result<void> bind(const std::vector<struct listener_address>& listeners, const std::vector<struct listener_address>& advertised,
                      const std::vector<std::string>& for_controllers, const std::string& host_name);
    /// From now on connections are served; those that came since bind() are too.
    void open();
    const std::vector<std::unique_ptr<listener_info>>& listeners() const noexcept;
    std::size_t connection_count() const noexcept;
    /// Other limits for connections to come: max.connections and its kin. Any thread.
    void set_limits(const server_config& config);

    /// What the cores hold, for those who watch; topics that are gone leave the metrics.
    struct figures {
        std::size_t fetch_sessions = 0;
        std::size_t fetch_session_partitions = 0;
        std::uint64_t fetch_session_evictions = 0;
        std::uint64_t request_bytes = 0;
        std::size_t waiting_requests = 0;  ///< read whole, held up by earlier ones of their connection
        std::size_t waiting_answers = 0;   ///< held up by earlier ones, or on their way out
        std::size_t waiting_fetches = 0;   ///< for records to come
    };
    task<figures> look(event_loop& here);

    /// Stops listening and ends every connection; completes when none is left.
    task<void> close();
    /// After close(), once everything that requests may wait for was told to stop as well: completes when nothing of this
    /// server is left on any loop. A request that is stuck for five seconds is logged and left behind.
    task<void> drain();

private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace weir::server
