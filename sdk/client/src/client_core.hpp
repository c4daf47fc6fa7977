// The parts of a client, and the order of their ends.
#pragma once
#include "callbacks.hpp"
#include "cluster.hpp"

#include <weir/client.hpp>

#include <optional>

namespace weir {
class runtime;
}

namespace weir::detail {

class client_core {
public:
    client_core(std::unique_ptr<runtime> own, event_loop& loop, network& net, const std::string& bootstrap, client_config config);
    ~client_core();

    event_loop& loop() noexcept { return loop_; }
    const std::shared_ptr<callbacks>& strand() const noexcept { return strand_; }
    const std::shared_ptr<cluster>& view() const noexcept { return view_; }

private:
    std::unique_ptr<runtime> own_;  // nullptr: the loop is somebody else's
    event_loop& loop_;
    std::shared_ptr<callbacks> strand_;
    std::shared_ptr<cluster> view_;
};

}  // namespace weir::detail
