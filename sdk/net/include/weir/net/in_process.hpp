// What a client asks of a cluster that runs in its own process. The embedded broker answers; the client knows no broker.
#pragma once
#include <weir/base/event_loop.hpp>
#include <weir/base/network.hpp>

#include <cstdint>
#include <memory>
#include <string>

namespace weir::net {

/// Time that passes only while somebody waits for it. Single-threaded.
class virtual_time {
public:
    virtual ~virtual_time() = default;
    /// Whether one of the simulation's own steps is running: nobody may wait there.
    virtual bool inside_step() const noexcept = 0;
    /// Lets things happen until `reached` says yes; false when `limit` passed before.
    virtual bool run_until(function<bool()> reached, nanoseconds limit) = 0;
};

/// How a client gets there. `net` keeps alive what the other members point to.
struct in_process_access {
    std::string bootstrap;           ///< for `net` alone
    std::shared_ptr<network> net;
    event_loop* loop = nullptr;      ///< where the client has to live; nullptr: on a thread of its own
    virtual_time* time = nullptr;    ///< nullptr: the world's
    std::uint64_t seed = 0;          ///< of the client's random choices, when its loop is given
};

class in_process_cluster {
public:
    virtual in_process_access access() const = 0;

protected:
    ~in_process_cluster() = default;
};

}  // namespace weir::net
