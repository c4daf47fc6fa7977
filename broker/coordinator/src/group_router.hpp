// From a partition number to the runtime that has it, on the loop that owns it, and back.
#pragma once
#include "group_machine.hpp"

#include <weir/coordinator/group_coordinator.hpp>

#include <atomic>
#include <unordered_map>

namespace weir::coordinator {

struct group_coordinator::state {
    /// The partitions of one loop; touched on it only.
    struct home {
        event_loop* loop = nullptr;
        std::unordered_map<std::int32_t, std::unique_ptr<partition_runtime>> partitions;
    };

    state(group::group_config config, group_environment& environment, std::uint64_t seed);

    home& home_of(std::int32_t partition);
    /// On the loop of `where`. nullptr when this broker was never elected there.
    static partition_runtime* find(home& where, std::int32_t partition);
    /// On the loop of `where`; made when missing.
    partition_runtime& at(home& where, std::int32_t partition);

    /// Decides on the partition's loop and completes on the caller's, with how it went. `decide` runs at most once,
    /// before the call completes, so it may write to what the caller holds.
    task<errc> run(event_loop& caller, std::int32_t partition, function<outcome(group_machine&, instant)> decide);
    /// The same for requests that may be parked: the machine delivers the response.
    template <class Response>
    task<Response> park(event_loop& caller, std::int32_t partition,
                        function<outcome(group_machine&, instant, function<void(Response)>)> decide);
    /// The partitions there are, on any loop. Completes on the caller's.
    task<std::vector<std::int32_t>> partitions(event_loop& caller);

    const group::group_config config;
    group_environment& environment;
    std::atomic<std::uint64_t> next_seed;
    std::atomic<bool> stopped = false;
    std::vector<home> homes;  // fixed from the start
};

group::request_context shard_context(const call_context& context);

}  // namespace weir::coordinator
