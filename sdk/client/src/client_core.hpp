// The parts of a client, and the order of their ends.
#pragma once
#include "callbacks.hpp"
#include "cluster.hpp"
#include "config/client_setup.hpp"
#include "task_thread.hpp"

#include <weir/client.hpp>

#include <atomic>

namespace weir {
class runtime;
}

namespace weir::detail {

class telemetry;

class client_core {
public:
    /// Throws weir::exception for a configuration that cannot be.
    client_core(std::unique_ptr<runtime> own, event_loop& loop, network& net, const std::string& bootstrap, client_config given,
                std::uint64_t seed, net::virtual_time* time = nullptr, std::shared_ptr<network> keep = nullptr);
    ~client_core();

    event_loop& loop() noexcept { return loop_; }
    const std::shared_ptr<callbacks>& strand() const noexcept { return strand_; }
    /// For whatever else of this client draws at random.
    std::uint64_t next_seed() noexcept { return seed_.fetch_add(0x9e3779b97f4a7c15, std::memory_order_relaxed); }
    const std::shared_ptr<cluster>& view() const noexcept { return view_; }
    const std::shared_ptr<task_thread>& tasks() noexcept { return tasks_; }
    /// nullptr: enable.metrics.push=false.
    const std::shared_ptr<telemetry>& pushes() const noexcept { return pushes_; }
    const std::string& client_id() const noexcept { return client_id_; }
    /// On the loop: lets the last metrics go, closes the connections, and then calls `done`.
    static void close(const std::shared_ptr<cluster>& view, const std::shared_ptr<telemetry>& pushes, function<void()> done);
    /// What it was given by name, for resolve() of what is built on it.
    const client_settings& settings() const noexcept { return settings_; }
    /// Calls `handler` on the loop at these signals, for as long as the client lives. Nothing on a loop of the caller's.
    void on_signal(std::vector<int> signals, function<void(int)> handler);

private:
    std::shared_ptr<network> keep_;  // of a cluster in this process, which may end before its clients
    std::shared_ptr<task_thread> tasks_ = std::make_shared<task_thread>();
    std::unique_ptr<runtime> own_;  // nullptr: the loop is somebody else's
    event_loop& loop_;
    std::atomic<std::uint64_t> seed_;
    client_settings settings_;
    std::shared_ptr<callbacks> strand_;
    std::shared_ptr<cluster> view_;
    std::string client_id_;
    std::shared_ptr<telemetry> pushes_;
};

}  // namespace weir::detail
