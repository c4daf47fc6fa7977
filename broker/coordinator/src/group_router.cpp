#include "group_router.hpp"

#include <fmt/format.h>

namespace weir::coordinator {

group_coordinator::state::state(group::group_config config, group_environment& environment, std::uint64_t seed)
    : config(config),
      environment(environment),
      next_seed(seed) {
    for (auto* loop : environment.loops()) homes.emplace_back().loop = loop;
}

group_coordinator::state::home& group_coordinator::state::home_of(std::int32_t partition) {
    const auto* loop = &environment.loop_of(partition);
    for (auto& each : homes) {
        if (each.loop == loop) return each;
    }
    throw exception{error{errc::unknown_server_error,
                          fmt::format("__consumer_offsets-{} is on a loop that loops() did not list", partition)}};
}

partition_runtime* group_coordinator::state::find(home& where, std::int32_t partition) {
    const auto at = where.partitions.find(partition);
    return at == where.partitions.end() ? nullptr : at->second.get();
}

partition_runtime& group_coordinator::state::at(home& where, std::int32_t partition) {
    auto& slot = where.partitions[partition];
    if (slot) return *slot;
    runtime_options options;
    options.partition = fmt::format("__consumer_offsets-{}", partition);
    options.load_bytes = config.offsets_load_buffer_size;
    options.write_timeout = config.offsets_commit_timeout;
    options.linger = config.append_linger;
    slot = std::make_unique<partition_runtime>(
        *where.loop, std::move(options), [this]() -> std::unique_ptr<state_machine> {
            return std::make_unique<group_machine>(config, environment.topics(), next_seed.fetch_add(1));
        });
    return *slot;
}

task<errc> group_coordinator::state::run(event_loop& caller, std::int32_t partition,
                                         function<outcome(group_machine&, instant)> decide) {
    auto& where = home_of(partition);
    co_await switch_to(*where.loop);
    const auto start = [&where, partition, &decide](function<void(errc)> done) {
        auto* runtime = find(where, partition);
        if (!runtime) return done(errc::not_coordinator);
        runtime->run([&decide](state_machine& machine,
                               instant now) { return decide(static_cast<group_machine&>(machine), now); },
                     std::move(done));
    };
    const auto how = co_await completion<errc>(start);
    co_await switch_to(caller);
    co_return how;
}

template <class Response>
task<Response> group_coordinator::state::park(
    event_loop& caller, std::int32_t partition,
    function<outcome(group_machine&, instant, function<void(Response)>)> decide) {
    auto& where = home_of(partition);
    co_await switch_to(*where.loop);
    const auto start = [&where, partition, &decide](function<void(Response)> done) {
        // Once decided, the machine answers, whatever happens. Before, it is up to us.
        struct shared {
            function<void(Response)> done;
            bool decided = false;
        };
        auto call = std::make_shared<shared>();
        call->done = std::move(done);
        const auto refuse = [call](errc why) {
            if (call->decided || why == errc::none) return;
            Response refused;
            refused.error_code = wire_code(why);
            call->done(std::move(refused));
        };
        auto* runtime = find(where, partition);
        if (!runtime) return refuse(errc::not_coordinator);
        runtime->run(
            [call, &decide](state_machine& machine, instant now) {
                call->decided = true;
                return decide(static_cast<group_machine&>(machine), now,
                              [call](Response response) { call->done(std::move(response)); });
            },
            refuse);
    };
    auto response = co_await completion<Response>(start);
    co_await switch_to(caller);
    co_return response;
}
template task<protocol::join_group_response> group_coordinator::state::park(
    event_loop&, std::int32_t,
    function<outcome(group_machine&, instant, function<void(protocol::join_group_response)>)>);
template task<protocol::sync_group_response> group_coordinator::state::park(
    event_loop&, std::int32_t,
    function<outcome(group_machine&, instant, function<void(protocol::sync_group_response)>)>);

task<std::vector<std::int32_t>> group_coordinator::state::partitions(event_loop& caller) {
    std::vector<std::int32_t> all;
    for (auto& where : homes) {
        co_await switch_to(*where.loop);
        for (const auto& entry : where.partitions) all.push_back(entry.first);
    }
    co_await switch_to(caller);
    co_return all;
}

group::request_context shard_context(const call_context& context) {
    group::request_context out;
    out.client_id = context.client_id;
    out.client_host = context.client_host;
    out.api_version = context.api_version;
    return out;
}

}  // namespace weir::coordinator
