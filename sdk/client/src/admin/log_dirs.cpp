// Where replicas are on their brokers' disks: DescribeLogDirs 35, AlterReplicaLogDirs 34.
#include "by_topic.hpp"
#include "carry_out.hpp"
#include "operations.hpp"

#include <weir/protocol/messages/alter_replica_log_dirs.hpp>
#include <weir/protocol/messages/describe_log_dirs.hpp>

#include <fmt/format.h>

namespace weir::detail {
namespace {

struct describe_log_dirs_plan : plan_of<protocol::describe_log_dirs_request, std::int32_t, std::vector<log_dir>> {
    broker_ids brokers;
    std::map<std::int32_t, std::vector<topic_partition>> among;  // empty: everything

    std::vector<std::int32_t> keys() const { return brokers; }
    place where(std::size_t i) const { return on_broker(brokers[i]); }
    static std::size_t capacity(std::int16_t) { return 1; }
    request ask(std::span<const std::size_t> which, const ask_context&) const {
        request asked;
        const auto wanted = among.find(brokers[which.front()]);
        if (wanted == among.end()) {
            asked.topics.reset();
            return asked;
        }
        for (const auto& each : wanted->second) entry_of(*asked.topics, &request::describable_log_dir_topic::topic, each.topic).partitions.push_back(each.partition);
        return asked;
    }
    static error read(response& answer, std::span<const std::size_t> which, answers& into) {
        const auto broker = which.front();
        if (auto why = refusal(answer.error_code, {}, fmt::format("log directories of broker {}", into.key(broker)))) return why;
        std::vector<log_dir> dirs;
        for (auto& each : answer.results) {
            auto why = refusal(each.error_code, {}, each.log_dir);
            auto& dir = dirs.emplace_back(log_dir{std::move(each.log_dir), std::move(why)});
            if (each.total_bytes >= 0) dir.total_bytes = each.total_bytes;
            if (each.usable_bytes >= 0) dir.usable_bytes = each.usable_bytes;
            dir.cordoned = each.is_cordoned;
            for (auto& topic : each.topics) {
                for (const auto& part : topic.partitions) {
                    dir.replicas.emplace(topic_partition{topic.name, part.partition_index}, replica_size{part.partition_size, part.offset_lag, part.is_future_key});
                }
            }
        }
        into.settle(broker, std::move(dirs));
        return {};
    }
};

struct alter_log_dirs_plan : plan_of<protocol::alter_replica_log_dirs_request, topic_partition_replica, void> {
    std::vector<std::pair<topic_partition_replica, std::string>> to;

    std::vector<topic_partition_replica> keys() const {
        std::vector<topic_partition_replica> all;
        for (const auto& each : to) all.push_back(each.first);
        return all;
    }
    place where(std::size_t i) const { return on_broker(to[i].first.broker); }
    request ask(std::span<const std::size_t> which, const ask_context&) const {
        std::map<std::string, std::vector<std::size_t>> by_path;
        for (const auto i : which) by_path[to[i].second].push_back(i);
        request asked;
        for (const auto& [path, items] : by_path) {
            auto& dir = asked.dirs.emplace_back();
            dir.path = path;
            for (const auto i : items) entry_of(dir.topics, &request::alter_replica_log_dir_topic::name, to[i].first.topic).partitions.push_back(to[i].first.partition);
        }
        return asked;
    }
    static error read(const response& answer, std::span<const std::size_t> which, answers& into) {
        const auto broker = into.key(which.front()).broker;
        for (const auto& topic : answer.results) {
            for (const auto& part : topic.partitions) {
                // Not asked again by itself: how long a replica may take to come into being, its caller knows.
                const auto item = into.find({topic.topic_name, part.partition_index, broker});
                if (item) into.close(*item, refusal(part.error_code, topic_partition{topic.topic_name, part.partition_index}));
            }
        }
        return {};
    }
};

}  // namespace

task_of_outcomes<std::vector<log_dir>, std::int32_t> describe_log_dirs(call_ptr call, broker_ids brokers) {
    return carry_out(std::move(call), describe_log_dirs_plan{{}, std::move(brokers), {}});
}

task_of_outcomes<replica_log_dir, topic_partition_replica> describe_replica_log_dirs(call_ptr call, std::vector<topic_partition_replica> replicas) {
    std::sort(replicas.begin(), replicas.end());
    describe_log_dirs_plan plan;
    for (const auto& each : replicas) plan.among[each.broker].push_back({each.topic, each.partition});
    for (const auto& [broker, partitions] : plan.among) plan.brokers.push_back(broker);
    auto describing = carry_out(std::move(call), std::move(plan));
    auto brokers = co_await describing;
    if (!brokers) co_return brokers.error();
    std::vector<outcomes<replica_log_dir, topic_partition_replica>::item> items;
    for (auto& replica : replicas) {
        const auto& dirs = *brokers->find(replica.broker);
        if (!dirs) {
            items.push_back({replica, dirs.error()});
            continue;
        }
        replica_log_dir found;
        for (const auto& dir : *dirs) {
            const auto at = dir.replicas.find({replica.topic, replica.partition});
            if (at == dir.replicas.end()) continue;
            (at->second.future ? found.future : found.current) = dir.path;
            (at->second.future ? found.future_lag : found.current_lag) = at->second.lag;
        }
        items.push_back({replica, std::move(found)});
    }
    co_return outcomes<replica_log_dir, topic_partition_replica>{std::move(items)};
}

task_of_outcomes<void, topic_partition_replica> alter_replica_log_dirs(call_ptr call, std::map<topic_partition_replica, std::string> to) {
    return carry_out(std::move(call), alter_log_dirs_plan{{}, {to.begin(), to.end()}});
}

}  // namespace weir::detail
