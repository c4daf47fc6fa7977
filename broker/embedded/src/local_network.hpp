// Connections within the process, without sockets: between any two event loops.
#pragma once
#include <weir/base/network.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace weir::broker {

struct local_pipe;

/// Ports are names of its own. Thread-safe; `pick_loop` of listen() is called on the thread that connects.
class local_network final : public network {
public:
    void connect(event_loop& loop, const endpoint& to, const socket_options& options, nanoseconds timeout,
                 function<void(result<std::unique_ptr<stream>>)> done) override;
    result<std::unique_ptr<listener>> listen(event_loop& loop, const endpoint& on, const socket_options& options,
                                             function<event_loop&()> pick_loop,
                                             function<void(std::unique_ptr<stream>)> accepted) override;
    /// The loop has ended and goes: nothing is posted there any more, and who talks to it hears that the other side is gone.
    void forget(const event_loop& loop);

private:
    class port;
    struct open_port {
        const event_loop* loop;
        function<event_loop&()> pick_loop;
        std::shared_ptr<function<void(std::unique_ptr<stream>)>> accepted;
    };
    std::mutex mutex_;
    std::map<std::string, std::shared_ptr<open_port>> ports_;
    std::vector<std::weak_ptr<local_pipe>> pipes_;
    std::uint16_t next_port_ = 1;
};

}  // namespace weir::broker
