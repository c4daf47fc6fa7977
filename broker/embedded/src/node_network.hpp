// The network of an embedded node: sockets for the world, local connections for its own process, and a way to cut both.
#pragma once
#include "local_network.hpp"

#include <atomic>

namespace weir::broker {

/// The host of listeners that only this process reaches.
inline constexpr const char* inside_host = "in-process";

class node_network final : public network {
public:
    /// `cores` are all loops that connections may live on.
    node_network(network& outside, local_network& inside, std::vector<event_loop*> cores)
        : outside_(outside), inside_(inside), cores_(std::move(cores)) {}

    void connect(event_loop& loop, const endpoint& to, const socket_options& options, nanoseconds timeout,
                 function<void(result<std::unique_ptr<stream>>)> done) override;
    result<std::unique_ptr<listener>> listen(event_loop& loop, const endpoint& on, const socket_options& options,
                                             function<event_loop&()> pick_loop,
                                             function<void(std::unique_ptr<stream>)> accepted) override;

    /// Ends every connection, and each new one as it comes. Any thread.
    void cut();
    void heal() noexcept { cut_.store(false); }

private:
    void keep(const std::shared_ptr<stream>& each);

    network& outside_;
    local_network& inside_;
    std::vector<event_loop*> cores_;
    std::atomic<std::size_t> next_core_{0};
    std::atomic<bool> cut_{false};
    std::mutex mutex_;
    std::vector<std::pair<event_loop*, std::weak_ptr<stream>>> streams_;
};

}  // namespace weir::broker
