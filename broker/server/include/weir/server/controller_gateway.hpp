// The way from a request handler to the active controller and back.
#pragma once
#include <weir/metadata/controller_runtime.hpp>
#include <weir/server/services.hpp>

#include <utility>

namespace weir::server {

/// Carries requests to the controller's loop and comes back once the result shows in the caller's own image, so that
/// who created a topic can write to it at once.
class controller_gateway {
public:
    controller_gateway(event_loop& controller_loop, metadata::controller_runtime& controller, metadata_cache& cache)
        : loop_(controller_loop), controller_(controller), cache_(cache) {}

    /// `operation` is a member of controller_runtime; errc::not_controller when this node does not lead the quorum.
    /// Called on the loop `here` of the core with index `core`.
    template <class Response, class... Params, class... Args>
    task<result<Response>> call(std::size_t core, event_loop& here,
                                task<result<Response>> (metadata::controller_runtime::*operation)(Params...), Args... args) {
        const auto asked = here.now();
        co_await switch_to{loop_};
        controller_.waited(loop_.now() - asked);
        auto asking = (controller_.*operation)(std::move(args)...);
        auto answer = co_await asking;
        const auto seen = controller_.speculative();
        const auto offset = seen ? seen->position().offset : -1;
        co_await switch_to{here};
        if (answer) {
            auto showing = cache_.wait_for(core, offset);
            co_await showing;
        }
        co_return answer;
    }

private:
    event_loop& loop_;
    metadata::controller_runtime& controller_;
    metadata_cache& cache_;
};

}  // namespace weir::server
