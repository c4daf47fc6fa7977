#include <weir/coordinator/group_coordinator.hpp>

#include "group_router.hpp"

#include <weir/base/log.hpp>
#include <weir/coordinator/errors.hpp>
#include <weir/protocol/hashes.hpp>

#include <limits>

#include <fmt/format.h>

namespace weir::coordinator {

namespace {
log::logger group_coordinator_logs{"weir.coordinator.groups"};
constexpr std::int16_t nullable_protocol_name = 7;
}  // namespace

group_coordinator::group_coordinator(group::group_config config, group_environment& environment, std::uint64_t seed)
    : state_(std::make_unique<state>(config, environment, seed)) {}
group_coordinator::~group_coordinator() = default;

// ---- Leadership

void group_coordinator::on_elected(std::int32_t partition, std::int32_t leader_epoch) {
    auto& where = state_->home_of(partition);
    where.loop->post([s = state_.get(), &where, partition, leader_epoch] {
        if (s->stopped) return;
        auto& runtime = s->at(where, partition);
        if (runtime.state() != runtime_state::unloaded && leader_epoch <= runtime.epoch()) return;
        auto store = s->environment.open(partition);
        if (!store) {
            group_coordinator_logs.warn(fmt::format("__consumer_offsets-{} (epoch {}) is not on this broker and is not loaded", partition,
                                  leader_epoch));
            return;
        }
        runtime.load(std::move(store), leader_epoch);
    });
}

void group_coordinator::on_resigned(std::int32_t partition, std::int32_t leader_epoch) {
    auto& where = state_->home_of(partition);
    where.loop->post([&where, partition, leader_epoch] {
        if (auto* runtime = state::find(where, partition)) runtime->unload(leader_epoch);
    });
}

void group_coordinator::on_topics_deleted(const std::vector<std::string>& names) {
    for (auto& where : state_->homes) {
        where.loop->post([&where, names] {
            for (auto& entry : where.partitions) {
                entry.second->run_when_loaded(
                    [names](state_machine& machine, instant) {
                        outcome out;
                        out.records = static_cast<group_machine&>(machine).shard.topics_deleted(names);
                        return out;
                    },
                    [partition = entry.first](errc how) {
                        if (how != errc::none && how != errc::not_coordinator)
                            group_coordinator_logs.warn(fmt::format(
                                "__consumer_offsets-{}: offsets of deleted topics stay until they expire: {}",
                                partition, describe(how).name));
                    });
            }
        });
    }
}

void group_coordinator::abandon() {
    state_->stopped = true;
    for (auto& where : state_->homes) {
        for (auto& entry : where.partitions) entry.second->unload(std::numeric_limits<std::int32_t>::max());
    }
}

task<void> group_coordinator::stop(event_loop& caller) {
    state_->stopped = true;
    for (auto& where : state_->homes) {
        co_await switch_to(*where.loop);
        for (auto& entry : where.partitions) entry.second->unload(std::numeric_limits<std::int32_t>::max());
        bool busy = true;
        while (busy) {
            busy = false;
            for (const auto& entry : where.partitions) busy = busy || entry.second->busy();
            if (busy) co_await pause_for(*where.loop, milliseconds{1});
        }
        where.partitions.clear();
    }
    co_await switch_to(caller);
}

std::int32_t group_coordinator::partition_of(std::string_view group_id) const {
    return protocol::coordinator_partition(group_id, state_->environment.partition_count());
}

// ---- Membership

task<protocol::join_group_response> group_coordinator::join_group(call_context context,
                                                                  protocol::join_group_request request) {
    const auto partition = partition_of(request.group_id);
    const auto member_id = request.member_id;
    auto inner = shard_context(context);
    function<outcome(group_machine&, instant, function<void(protocol::join_group_response)>)> decide =
        [&inner, &request](group_machine& machine, instant now, function<void(protocol::join_group_response)> deliver) {
            return machine.join(inner, std::move(request), now, std::move(deliver));
        };
    auto parked = state_->park<protocol::join_group_response>(*context.loop, partition, std::move(decide));
    auto response = co_await std::move(parked);
    if (response.error_code != 0 && response.member_id.empty() &&
        response.error_code == wire_code(errc::coordinator_load_in_progress))
        response.member_id = member_id;
    if (context.api_version < nullable_protocol_name && !response.protocol_name) response.protocol_name = std::string{};
    co_return response;
}

task<protocol::sync_group_response> group_coordinator::sync_group(call_context context,
                                                                  protocol::sync_group_request request) {
    const auto partition = partition_of(request.group_id);
    auto inner = shard_context(context);
    function<outcome(group_machine&, instant, function<void(protocol::sync_group_response)>)> decide =
        [&inner, &request](group_machine& machine, instant now, function<void(protocol::sync_group_response)> deliver) {
            return machine.sync(inner, std::move(request), now, std::move(deliver));
        };
    auto parked = state_->park<protocol::sync_group_response>(*context.loop, partition, std::move(decide));
    auto response = co_await std::move(parked);
    co_return response;
}

task<protocol::heartbeat_response> group_coordinator::heartbeat(call_context context,
                                                                protocol::heartbeat_request request) {
    protocol::heartbeat_response response;
    function<outcome(group_machine&, instant)> decide = [&](group_machine& machine, instant now) {
        auto decided = machine.shard.heartbeat(request, now);
        response = std::move(*decided.response);
        return outcome{std::move(decided.records), {}, {}};
    };
    auto running = state_->run(*context.loop, partition_of(request.group_id), std::move(decide));
    const auto how = co_await std::move(running);
    // Nobody's session ends while the group is loading, so there is nothing to report.
    if (how != errc::none)
        response.error_code = how == errc::coordinator_load_in_progress ? std::int16_t{0} : wire_code(how);
    co_return response;
}

task<protocol::leave_group_response> group_coordinator::leave_group(call_context context,
                                                                    protocol::leave_group_request request) {
    protocol::leave_group_response response;
    const auto inner = shard_context(context);
    function<outcome(group_machine&, instant)> decide = [&](group_machine& machine, instant now) {
        auto decided = machine.shard.leave_group(inner, request, now);
        response = std::move(*decided.response);
        return outcome{std::move(decided.records), {}, {}};
    };
    auto running = state_->run(*context.loop, partition_of(request.group_id), std::move(decide));
    const auto how = co_await std::move(running);
    if (how != errc::none) {
        response.members.clear();
        response.error_code = wire_code(how);
    }
    co_return response;
}

// ---- Looking in

task<coordinator_metrics> group_coordinator::metrics(event_loop& caller) {
    coordinator_metrics sum;
    for (auto& where : state_->homes) {
        co_await switch_to(*where.loop);
        for (const auto& entry : where.partitions) {
            const auto& runtime = *entry.second;
            sum.loading_partitions += runtime.state() == runtime_state::loading;
            sum.active_partitions += runtime.state() == runtime_state::active;
            sum.failed_partitions += runtime.state() == runtime_state::failed;
            const auto& m = runtime.metrics();
            sum.loads += m.loads;
            sum.last_load_time = m.last_load_time;
            sum.max_load_time = std::max(sum.max_load_time, m.max_load_time);
            sum.total_load_time += m.total_load_time;
            sum.appended_batches += m.appended_batches;
            sum.appended_records += m.appended_records;
            sum.appended_bytes += m.appended_bytes;
            sum.failed_appends += m.failed_appends;
            if (!runtime.machine()) continue;
            const auto counted = static_cast<const group_machine*>(runtime.machine())->shard.counters();
            sum.groups.groups += counted.groups;
            sum.groups.empty_groups += counted.empty_groups;
            sum.groups.preparing_groups += counted.preparing_groups;
            sum.groups.completing_groups += counted.completing_groups;
            sum.groups.stable_groups += counted.stable_groups;
            sum.groups.offsets += counted.offsets;
            sum.groups.offset_commits += counted.offset_commits;
            sum.groups.offset_expirations += counted.offset_expirations;
            sum.groups.offset_deletions += counted.offset_deletions;
            sum.groups.completed_rebalances += counted.completed_rebalances;
            sum.groups.skipped_records += counted.skipped_records;
        }
    }
    co_await switch_to(caller);
    co_return sum;
}

}  // namespace weir::coordinator
