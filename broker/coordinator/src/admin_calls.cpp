// DeleteGroups, ListGroups and DescribeGroups: each may concern many partitions.
#include "group_router.hpp"

#include <map>

namespace weir::coordinator {

namespace {

/// Group ids by their partition.
std::map<std::int32_t, std::vector<std::string>> by_partition(const group_coordinator& coordinator,
                                                              const std::vector<std::string>& ids) {
    std::map<std::int32_t, std::vector<std::string>> out;
    for (const auto& id : ids) out[coordinator.partition_of(id)].push_back(id);
    return out;
}

}  // namespace

task<protocol::delete_groups_response> group_coordinator::delete_groups(call_context context,
                                                                        protocol::delete_groups_request request) {
    protocol::delete_groups_response response;
    const auto routed = by_partition(*this, request.groups_names);
    for (const auto& [partition, ids] : routed) {
        std::vector<protocol::delete_groups_response::deletable_group_result> results;
        function<outcome(group_machine&, instant)> decide = [&results, &ids = ids](group_machine& machine, instant) {
            auto decided = machine.shard.delete_groups(ids);
            results = std::move(*decided.response);
            return outcome{std::move(decided.records), {}, {}};
        };
        auto running = state_->run(*context.loop, partition, std::move(decide));
        const auto how = co_await std::move(running);
        if (how != errc::none) {
            results.clear();
            for (const auto& id : ids) {
                auto& failed = results.emplace_back();
                failed.group_id = id;
                failed.error_code = wire_code(how);
            }
        }
        for (auto& each : results) response.results.push_back(std::move(each));
    }
    co_return response;
}

task<protocol::list_groups_response> group_coordinator::list_groups(call_context context,
                                                                    protocol::list_groups_request request) {
    protocol::list_groups_response response;
    auto asking = state_->partitions(*context.loop);
    const auto partitions = co_await std::move(asking);
    for (const auto partition : partitions) {
        std::vector<protocol::list_groups_response::listed_group> listed;
        function<outcome(group_machine&, instant)> decide = [&](group_machine& machine, instant) {
            listed = machine.shard.list_groups(request);
            return outcome{};
        };
        auto running = state_->run(*context.loop, partition, std::move(decide));
        const auto how = co_await std::move(running);
        if (how == errc::not_coordinator) continue;  // another broker lists those
        if (how != errc::none) {
            response.error_code = wire_code(how);
            response.groups.clear();
            co_return response;
        }
        for (auto& each : listed) response.groups.push_back(std::move(each));
    }
    co_return response;
}

task<protocol::describe_groups_response> group_coordinator::describe_groups(call_context context,
                                                                            protocol::describe_groups_request request) {
    using described_group = protocol::describe_groups_response::described_group;
    std::map<std::string, described_group> found;
    const auto routed = by_partition(*this, request.groups);
    for (const auto& [partition, ids] : routed) {
        std::vector<described_group> described;
        function<outcome(group_machine&, instant)> decide = [&, &ids = ids](group_machine& machine, instant) {
            described = machine.shard.describe_groups(ids, context.api_version);
            return outcome{};
        };
        auto running = state_->run(*context.loop, partition, std::move(decide));
        const auto how = co_await std::move(running);
        if (how != errc::none) {
            described.clear();
            for (const auto& id : ids) {
                auto& failed = described.emplace_back();
                failed.group_id = id;
                failed.error_code = wire_code(how);
            }
        }
        for (auto& each : described) found.insert_or_assign(each.group_id, std::move(each));
    }
    protocol::describe_groups_response response;
    for (const auto& id : request.groups) response.groups.push_back(found[id]);
    co_return response;
}

}  // namespace weir::coordinator
